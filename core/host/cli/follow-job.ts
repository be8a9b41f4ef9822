/** Follows a job from its start to its end: progress and warnings as they come, cancelled when the user interrupts. */
import { CairnError } from '../../contract/errors.ts';
import { hasEnded, type Job } from '../../contract/model.ts';
import { exitCodes, type Session } from './session.ts';

const sayAgainMs = 60_000;

/** A job that failed has a result where it achieved a part. */
export type EndedJob = Job & { result: NonNullable<Job['result']> };

/**
 * @param start calls the contract's method that starts the job
 * @returns the job, which ended well, or failed with a result that tells of it
 * @throws CairnError the job's own failure, or `cancelled` where it was stopped
 */
export async function followJob(session: Session, start: () => Promise<{ job: Job }>): Promise<EndedJob> {
  const job = await lastStateOf(session, start);
  session.out.endProgress();
  if (job.state === 'done') return { ...job, result: job.result ?? {} };
  if (job.error && job.result) return { ...job, result: job.result };
  if (job.error) throw new CairnError(job.error.code, job.error.message, { path: job.error.path });
  throw new CairnError('cancelled', `${job.title}: ${job.state}; run it again to go on`);
}

/** Why a job stands still is said when it does, and now and then where that changes: how much room is missing may do so every second. */
class ToldReason {
  #reason: string | undefined;
  #atMs = -Infinity;

  isNews({ reason }: Job): boolean {
    const nowMs = performance.now();
    if (reason === undefined || reason === this.#reason || nowMs - this.#atMs < sayAgainMs) return false;
    [this.#reason, this.#atMs] = [reason, nowMs];
    return true;
  }

  /** It went on: the next standstill is news. */
  forget(): void {
    [this.#reason, this.#atMs] = [undefined, -Infinity];
  }
}

function lastStateOf({ client, out, interrupt }: Session, start: () => Promise<{ job: Job }>): Promise<Job> {
  return new Promise<Job>((resolve, reject) => {
    let id: string | undefined;
    // Events of the job may come before the answer that says which job it is.
    const early: Job[] = [];
    const told = new ToldReason();
    const see = (job: Job): void => {
      if (id === undefined) early.push(job);
      else if (job.id === id && hasEnded(job)) resolve(job);
      else if (job.id !== id) return;
      else if (job.state === 'running') {
        told.forget();
        out.progress(job);
      } else if (told.isNews(job)) out.error(`${job.title}: ${job.state}, ${job.reason}`);
    };
    const cancel = (): void => {
      if (id !== undefined) client.call('jobs.cancel', { id }).catch(reject);
    };
    client.onClose((reason) => reject(new CairnError('io', reason ?? 'the service has closed')));
    client.subscribe('job.changed', ({ job }) => see(job));
    client.subscribe('job.log', ({ id: of, line }) => {
      if (of !== id) return;
      out.record('log', line);
      if (line.level === 'warning') out.error(`warning: ${line.message}`);
    });
    interrupt.addEventListener('abort', cancel);
    start().then(({ job }) => {
      id = job.id;
      early.splice(0).forEach(see);
      if (interrupt.aborted) cancel();
    }, reject);
  });
}

/** One line about how a job ended. @returns the exit code */
export function tellEnd({ out }: Session, job: EndedJob): number {
  out.line(`${job.id}  ${job.title}  ${job.state}`);
  if (job.error) out.error(job.error.message);
  out.summary({ job });
  return job.state === 'done' ? exitCodes.done : exitCodes.failed;
}
