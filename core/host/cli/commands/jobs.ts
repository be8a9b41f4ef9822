/** `cairn jobs`: the same jobs that the desktop shows. */
import type { Command } from 'commander';
import type { Job } from '../../../contract/model.ts';
import { wholeNumber } from '../arguments.ts';
import { followJob, tellEnd } from '../follow-job.ts';
import type { Actions } from '../main.ts';
import { duration, localTime, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

interface JobsOptions {
  cancel?: boolean;
  retry?: boolean;
  pause?: boolean;
  for?: number;
  resume?: boolean;
}

export function addJobs(root: Command, actions: Actions): void {
  const command = root
    .command('jobs')
    .description('list jobs, or show one with its log')
    .argument('[job]', 'the id of a job')
    .option('--cancel', 'cancel this job')
    .option('--retry', 'run this job again')
    .option('--pause', 'pause everything that runs and waits in this home, whichever process has it')
    .option('--for <minutes>', 'with --pause: until then', wholeNumber(1, 525_600))
    .option('--resume', 'let everything go on');
  command.action((id: string | undefined, options: JobsOptions) => {
    if (id === undefined && (options.cancel || options.retry))
      command.error('error: name the job to cancel or to run again', { exitCode: exitCodes.usage });
    if (id !== undefined && (options.pause || options.resume))
      command.error('error: pausing is for everything; leave the job out', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => act(session, id, options));
  });
}

function act(session: Session, id: string | undefined, { cancel, retry, pause, for: minutes, resume }: JobsOptions): Promise<number> {
  if (pause || resume) return hold(session, pause ? minutes : 'resume');
  if (id === undefined) return list(session);
  if (cancel) return cancelJob(session, id);
  return retry ? retryJob(session, id) : show(session, id);
}

const tookOf = ({ started, ended }: Job): string =>
  started === undefined || ended === undefined ? '' : duration(Date.parse(ended) - Date.parse(started));

async function list({ client, out }: Session): Promise<number> {
  const { jobs } = await client.call('jobs.list', {});
  out.table(
    [{ title: 'job' }, { title: 'state' }, { title: 'queued' }, { title: 'took', align: 'right' }, { title: 'what' }],
    jobs.map((job) => [job.id, job.state, localTime(job.queued), tookOf(job), job.title]),
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

/** Other processes of this home see it within a second. */
async function hold({ client, out }: Session, action: number | 'resume' | undefined): Promise<number> {
  if (action === 'resume') await client.call('jobs.resume', {});
  else await client.call('jobs.pause', action === undefined ? {} : { forMinutes: action });
  const { pause } = await client.call('jobs.list', {});
  out.line(
    pause
      ? `everything is paused${pause.until ? ` until ${localTime(pause.until)}` : '; cairn jobs --resume lets it go on'}`
      : 'everything goes on',
  );
  out.summary({ pause: pause ?? null });
  return exitCodes.done;
}

async function cancelJob({ client, out }: Session, id: string): Promise<number> {
  await client.call('jobs.cancel', { id });
  const { job } = await client.call('jobs.get', { id });
  out.line(`${job.id}  ${job.state}`);
  out.summary({ job });
  return exitCodes.done;
}

async function retryJob(session: Session, id: string): Promise<number> {
  return tellEnd(session, await followJob(session, () => session.client.call('jobs.retry', { id })));
}
