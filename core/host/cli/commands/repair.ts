/** `cairn repair`: bring back what is damaged, from parity, from another pack or from originals; and write parity. */
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption } from '../wait-option.ts';

interface RepairResult {
  packs: number;
  packsDamaged: number;
  packsRestored: number;
  contentsElsewhere: number;
  contentsFromOriginals: number;
  contentsLost: string[];
  packsLost: string[];
  manifestsRestored: number;
  manifestsLost: string[];
  parityWritten: number;
  bytesWritten: number;
}

export function addRepair(root: Command, actions: Actions): void {
  const command = root
    .command('repair')
    .description('bring back what is damaged in the store, from parity, from another pack or from originals')
    .option('--parity', 'keep parity, from which later damage can be undone (about 6 % of the size), for all that is stored now and later')
    .option('--no-parity', 'keep none any more')
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256));
  addWaitOption(command);
  command.action((options: { parity?: boolean; threads?: number }) => actions.run(command, (session) => repair(session, options)));
}

async function repair(session: Session, { parity, threads }: { parity?: boolean; threads?: number }): Promise<number> {
  const job = await followJob(session, () => session.client.call('repair.start', { parity, threads }));
  const result = job.result as unknown as RepairResult;
  const { out } = session;
  out.line(`${result.packs} packs read, ${result.packsDamaged} damaged, ${result.packsRestored} restored from parity`);
  if (result.manifestsRestored > 0) out.line(`${result.manifestsRestored} manifests restored from their copies`);
  const brought = result.contentsElsewhere + result.contentsFromOriginals;
  if (brought > 0)
    out.line(
      `${brought} contents: ${result.contentsElsewhere} in another pack, ${result.contentsFromOriginals} stored anew from originals`,
    );
  if (result.parityWritten > 0) out.line(`parity of ${result.parityWritten} packs written, ${size(result.bytesWritten)}`);
  const { contentsLost, packsLost, manifestsLost } = result;
  const lost = contentsLost.length + packsLost.length + manifestsLost.length;
  if (lost > 0)
    out.line(
      `${contentsLost.length} contents, ${packsLost.length} packs and ${manifestsLost.length} manifests can't be repaired; cairn verify says what they concern`,
    );
  out.summary(job.result);
  return lost > 0 ? exitCodes.failed : exitCodes.done;
}
