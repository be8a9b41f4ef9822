/** `cairn manners`: what Cairn may take of this machine; a service that runs follows within seconds. */
import { Option, type Command } from 'commander';
import { manners as mannersSchema, type Manners } from '../../../contract/model.ts';
import { quietHours, wholeNumber } from '../arguments.ts';
import type { Actions } from '../actions.ts';
import { exitCodes, type Session } from '../session.ts';

const mebibyte = 2 ** 20;

interface MannersOptions {
  threads?: number;
  background?: number;
  /** MiB a second; 0: no cap. */
  rate?: number;
  quiet?: Manners['quiet'] | 'never';
  lowBattery?: number;
  metered?: Manners['metered'];
  reset?: boolean;
}

export function addManners(root: Command, actions: Actions): void {
  const command = root
    .command('manners')
    .description('show or change what Cairn may take of this machine, in every process of this home')
    .option('--threads <number>', 'all jobs together at most so many threads; 0: one for every core', wholeNumber(0, 256))
    .option('--background <number>', 'work in the background at most so many threads; 0: half of the cores', wholeNumber(0, 256))
    .option('--rate <MiB/s>', 'read and decode at most so much a second; 0: no cap', wholeNumber(0, 1_000_000))
    .option('--quiet <from-to>', 'no work in the background between these times of day, or never', (value) =>
      value === 'never' ? value : quietHours(value),
    )
    .option('--low-battery <percent>', 'below this charge work in the background waits', wholeNumber(0, 100))
    .addOption(
      new Option('--metered <choice>', 'in the background, where the store is reached over a metered network').choices(['wait', 'ignore']),
    )
    .option('--reset', 'back to the defaults, before anything else that is given');
  command.action((options: MannersOptions) => actions.run(command, (session) => act(session, options)));
}

/** 0 stands for no choice of one's own. */
const chosen = (given: number | undefined, kept: number | undefined, unit = 1): number | undefined =>
  given === undefined ? kept : given === 0 ? undefined : given * unit;

function changed(kept: Manners, options: MannersOptions): Manners {
  const from = options.reset ? mannersSchema.parse({}) : kept;
  return {
    threads: chosen(options.threads, from.threads),
    backgroundThreads: chosen(options.background, from.backgroundThreads),
    bytesPerSecond: chosen(options.rate, from.bytesPerSecond, mebibyte),
    quiet: options.quiet === undefined ? from.quiet : options.quiet === 'never' ? undefined : options.quiet,
    lowBattery: options.lowBattery ?? from.lowBattery,
    metered: options.metered ?? from.metered,
  };
}

async function act({ client, out }: Session, options: MannersOptions): Promise<number> {
  const { manners: kept, cores } = await client.call('manners.get', {});
  const isChange = Object.keys(options).length > 0;
  const manners = isChange ? changed(kept, options) : kept;
  if (isChange) await client.call('manners.set', { manners });
  const { threads, backgroundThreads, bytesPerSecond, quiet, lowBattery, metered } = manners;
  const half = Math.max(1, Math.floor(cores / 2));
  out.table(
    ['manner', 'value'],
    [
      ['threads', String(threads ?? `${cores}, one for every core`)],
      ['in the background', String(backgroundThreads ?? `${half}, half of the cores`)],
      ['rate', bytesPerSecond === undefined ? 'no cap' : `${bytesPerSecond / mebibyte} MiB/s`],
      ['quiet', quiet ? `${quiet.from}-${quiet.to}` : 'never'],
      ['low battery', `${lowBattery} %`],
      ['metered network', metered],
    ],
  );
  out.summary({ manners, cores });
  return exitCodes.done;
}
