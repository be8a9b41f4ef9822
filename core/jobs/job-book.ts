/**
 * What a queue writes down of its jobs, and reads of those that other processes have. What can't be recorded (a full disk, say) is lost
 * to later services only; it must not end a job that is running well.
 */
import { CairnError, toFailure } from '../contract/errors.ts';
import type { Job, JobLogLine } from '../contract/model.ts';
import type { JobRecords, KeptJob } from './job-records.ts';
import type { LiveJob } from './live-job.ts';
import { keptParams, thisOwner, type KeptParams, type Owner } from './owner.ts';

const maxListed = 1000;
const maxLogLines = 10_000;

export class JobBook {
  readonly #records: JobRecords;
  readonly #nowMs: () => number;
  readonly #onProblem: (message: string) => void;
  readonly #owner: Owner = thisOwner();
  #fails = false;

  /** @param onProblem told once that jobs can't be recorded */
  constructor(records: JobRecords, nowMs: () => number, onProblem: (message: string) => void) {
    this.#records = records;
    this.#nowMs = nowMs;
    this.#onProblem = onProblem;
  }

  /** Newest first. */
  list(): Job[] {
    return this.#records.jobs(maxListed).map(({ job }) => job);
  }

  /** Forgets what is long past. */
  forget(): void {
    this.#try(() => this.#records.forgetJobs(maxListed));
  }

  /** What has not ended or is to be gone on with, of every process, in the order of their turns. */
  unfinished(): KeptJob[] {
    return this.#records.unfinishedJobs().toSorted((a, b) => (a.job.order ?? 0) - (b.job.order ?? 0));
  }

  /** The newest that a schedule of this name started, with its parameters. */
  lastOf(schedule: string): { job: Job; params: unknown } | undefined {
    const found = this.#records.lastJobOfSchedule(schedule);
    return found && { job: found.job, params: keptParams.safeParse(found.params).data?.params };
  }

  /** @throws CairnError `not_found` */
  find(id: string): KeptJob {
    const found = this.#records.job(id);
    if (!found) throw new CairnError('not_found', `${id}: no such job; see the list of jobs`);
    return found;
  }

  /** @throws CairnError `not_found` */
  kept(id: string): KeptParams & { job: Job } {
    const { job, params } = this.find(id);
    return { job, ...keptParams.parse(params) };
  }

  /** @throws CairnError `not_found` */
  log(id: string): JobLogLine[] {
    return this.#records.jobLog(id);
  }

  /** Writes down a job of this process. @param goOn for the next service to go on with */
  keep(live: LiveJob, goOn = false): void {
    live.keptAtMs = this.#nowMs();
    const { params, keptAtMs, hold, interruptions, since } = live;
    this.save(live.job, { owner: this.#owner, params, keptAtMs, hold, interruptions, since, goOn });
  }

  save(job: Job, params: unknown): void {
    this.#try(() => this.#records.saveJob(job, params));
  }

  /** @returns the line as it was written; undefined where the log is full */
  addLog(live: LiveJob, level: JobLogLine['level'], message: string): JobLogLine | undefined {
    live.logLines += 1;
    if (live.logLines > maxLogLines) return undefined;
    const last = live.logLines === maxLogLines;
    const text = last ? 'the log is full; further lines are left out' : message;
    const line: JobLogLine = { time: new Date(this.#nowMs()).toISOString(), level, message: text };
    this.#try(() => this.#records.addJobLog(live.job.id, line));
    return line;
  }

  #try(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      if (this.#fails) return;
      this.#fails = true;
      this.#onProblem(`jobs can't be recorded: ${toFailure(thrown).message}`);
    }
  }
}
