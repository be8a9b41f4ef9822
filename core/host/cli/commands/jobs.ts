/** `cairn jobs`: the same jobs that the desktop shows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { ParamsOf } from '../../../contract/methods.ts';
import type { Job } from '../../../contract/model.ts';
import { wholeNumber } from '../arguments.ts';
import { followJob, tellEnd } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { duration, localTime, right, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption } from '../wait-option.ts';

interface JobsOptions {
  cancel?: boolean;
  retry?: boolean;
  pause?: boolean;
  for?: number;
  untilTomorrow?: boolean;
  resume?: boolean;
  move?: Turn;
  threads?: number;
}

type Turn = ParamsOf<'jobs.move'>['to'];
const turns: Turn[] = ['first', 'earlier', 'later', 'last'];

export function addJobs(root: Command, actions: Actions): void {
  const command = root
    .command('jobs')
    .description('list jobs, or show one with its log')
    .argument('[job]', 'the id of a job')
    .option('--cancel', 'cancel this job')
    .option('--retry', 'run this job again')
    .option('--pause', 'pause this job; without one, everything that runs and waits in this home')
    .option('--for <minutes>', 'with --pause: for so long', wholeNumber(1, 525_600))
    .option('--until-tomorrow', 'with --pause: until eight in the morning')
    .option('--resume', 'let this job, or everything, go on')
    .addOption(new Option('--move <turn>', 'change the turn of a job that has not begun').choices(turns))
    .option('--threads <number>', 'give a running job so many threads from now on', wholeNumber(1, 256));
  addWaitOption(command);
  command.action((id: string | undefined, options: JobsOptions) => {
    const misuse = misuseOf(id, options);
    if (misuse !== undefined) command.error(`error: ${misuse}`, { exitCode: exitCodes.usage });
    return actions.run(command, (session) => act(session, id, options));
  });
}

function misuseOf(id: string | undefined, { cancel, retry, pause, resume, move, threads, ...options }: JobsOptions): string | undefined {
  const asked = [cancel, retry, pause, resume, move, threads].filter((given) => given !== undefined);
  if (asked.length > 1) return 'one thing at a time; give one option';
  if (id === undefined && asked.length > 0 && !pause && !resume) return 'name the job that is meant';
  const ends = [options.for, options.untilTomorrow].filter((given) => given !== undefined);
  return ends.length > (pause ? 1 : 0) ? '--for and --until-tomorrow go with --pause, one of them' : undefined;
}

function act(session: Session, id: string | undefined, options: JobsOptions): Promise<number> {
  if (options.pause || options.resume) return hold(session, id, options);
  if (id === undefined) return list(session);
  if (options.retry) return retryJob(session, id);
  const { client } = session;
  if (options.cancel) return steer(session, id, () => client.call('jobs.cancel', { id }), true);
  if (options.move) return steer(session, id, () => client.call('jobs.move', { id, to: options.move! }));
  if (options.threads !== undefined) return steer(session, id, () => client.call('jobs.threads', { id, threads: options.threads! }));
  return show(session, id);
}

const tookOf = ({ started, ended }: Job): string =>
  started === undefined || ended === undefined ? '' : duration(Date.parse(ended) - Date.parse(started));

async function list({ client, out }: Session): Promise<number> {
  const { jobs } = await client.call('jobs.list', {});
  out.table(
    ['job', 'state', 'queued', right('took'), 'what', 'why'],
    jobs.map((job) => [job.id, job.state, localTime(job.queued), tookOf(job), job.title, job.reason ?? job.error?.message ?? '']),
  );
  out.line(`${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'}`);
  for (const job of jobs) out.record('job', job);
  out.summary({ jobs });
  return exitCodes.done;
}

async function show({ client, out }: Session, id: string): Promise<number> {
  const { job, log } = await client.call('jobs.get', { id });
  out.line(`${job.id}  ${job.title}  ${job.state}${job.error ? `: ${job.error.message}` : ''}`);
  out.line(job.command);
  if (job.progress.bytesTotal > 0) out.line(`${size(job.progress.bytesDone)} of ${size(job.progress.bytesTotal)}`);
  for (const line of log) out.line(`${localTime(line.time)}  ${line.level === 'info' ? '' : `${line.level}: `}${line.message}`);
  for (const line of log) out.record('log', line);
  out.summary({ job });
  return exitCodes.done;
}

/** Other processes of this home see a pause of everything within a second. */
async function hold({ client, out, ...session }: Session, id: string | undefined, options: JobsOptions): Promise<number> {
  const which = id === undefined ? {} : { id };
  const { for: forMinutes, untilTomorrow } = options;
  const end = untilTomorrow ? { until: 'tomorrow' as const } : forMinutes === undefined ? {} : { forMinutes };
  const call = (): Promise<unknown> =>
    options.resume ? client.call('jobs.resume', which) : client.call('jobs.pause', { ...which, ...end });
  if (id !== undefined) return steer({ client, out, ...session }, id, call);
  await call();
  const { pause } = await client.call('jobs.list', {});
  out.line(
    pause
      ? `everything is paused${pause.until ? ` until ${localTime(pause.until)}` : '; cairn jobs --resume lets it go on'}`
      : 'everything goes on',
  );
  out.summary({ pause: pause ?? null });
  return exitCodes.done;
}

/** A job that stops does so within a second: that is waited for, so that what is said of it is how it ended. */
async function settled(client: Session['client'], id: string, ends: boolean): Promise<Job> {
  for (const endMs = performance.now() + 3000; ; await sleep(50)) {
    const { job } = await client.call('jobs.get', { id });
    if (!ends || job.ended !== undefined || performance.now() > endMs) return job;
  }
}

/** Changes a job and says how it is then. */
async function steer({ client, out }: Session, id: string, call: () => Promise<unknown>, ends = false): Promise<number> {
  await call();
  const job = await settled(client, id, ends);
  out.line(`${job.id}  ${job.state}${job.reason === undefined ? '' : `, ${job.reason}`}`);
  out.summary({ job });
  return exitCodes.done;
}

async function retryJob(session: Session, id: string): Promise<number> {
  return tellEnd(session, await followJob(session, () => session.client.call('jobs.retry', { id })));
}
