/**
 * Jobs, kept in the catalogue and run from here: one writer at a time, readers beside it. Only this file changes a
 * job's state. A job moves queued -> running -> done | failed | cancelled | interrupted and never back; retrying
 * makes a new one. What a process left running when it ended is interrupted when the next one looks.
 */
import { randomBytes } from 'node:crypto';
import { CairnError, toFailure } from '../contract/errors.ts';
import type { PayloadOf } from '../contract/methods.ts';
import type { Job, JobKind, JobLogLine, JobState } from '../contract/model.ts';
import { jobAccess, type JobFunction, type JobResult, type ProgressUpdate } from './job.ts';
import type { JobRecords, KeptJob } from './job-records.ts';
import { contextOf, newLiveJob, StopReason, type LiveJob, type QueueAccess } from './live-job.ts';
import { keptParams, lives, thisOwner, type KeptParams, type Owner } from './owner.ts';
import { noProgress } from './progress-meter.ts';

/** With the last state, which is never held back, at most ten events come in any second. */
const eventGapMs = 112;
/** While a job runs, rate and ETA are told again this often even where it says nothing. */
const tickMs = 1000;
/** Progress is kept at least this often, for whoever looks after a crash. */
const keepGapMs = 2000;
const maxReaders = 2;
const maxListed = 1000;
const maxLogLines = 10_000;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has parameters of its own, checked by the contract
export type JobFunctions = Record<JobKind, JobFunction<any>>;

export interface QueueOptions extends QueueAccess {
  records: JobRecords;
  functions: JobFunctions;
  onChange(payload: PayloadOf<'job.changed'>): void;
  onLog(payload: PayloadOf<'job.log'>): void;
  /** One line about the queue itself. */
  onProblem(message: string): void;
  /** Runs jobs that another process left in the queue when it ended. For services that stay. */
  adopt?: boolean;
  nowMs?: () => number;
}

const ended: ReadonlySet<JobState> = new Set<JobState>(['done', 'failed', 'cancelled', 'interrupted']);

export class JobQueue {
  readonly #options: QueueOptions;
  readonly #nowMs: () => number;
  readonly #owner: Owner = thisOwner();
  /** In the order of queueing. */
  readonly #live = new Map<string, LiveJob>();
  #closed = false;
  #recordsFail = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#takeStock();
  }

  /** Queues a job and starts it as soon as its turn has come. */
  enqueue(kind: JobKind, params: unknown, told: { title: string; command: string }): Job {
    if (this.#closed) throw new CairnError('cancelled', 'the service is closing; start it again');
    const job: Job = { id: randomBytes(6).toString('hex'), kind, ...told, state: 'queued', queued: this.#time(), progress: noProgress };
    this.#add(job, params);
    return this.#live.get(job.id)!.job;
  }

  /** Newest first. */
  list(): Job[] {
    return this.#options.records.jobs(maxListed).map(({ job }) => this.#current(job));
  }

  /** @throws CairnError `not_found` */
  get(id: string): { job: Job; log: JobLogLine[] } {
    return { job: this.#current(this.#found(id).job), log: this.#options.records.jobLog(id) };
  }

  /**
   * Asks a job to stop and returns at once; its state changes when it has. A job that has ended stays as it is.
   *
   * @throws CairnError `not_found`; `bad_request` where another process runs it.
   */
  cancel(id: string): void {
    const live = this.#live.get(id);
    if (live) return this.#abort(live, new StopReason('cancelled', 'cancelled by the user'));
    const { job, ...kept } = this.#kept(id);
    const { owner } = kept;
    if (ended.has(job.state)) return;
    if (lives(kept, this.#nowMs()))
      throw new CairnError('bad_request', `job ${id} belongs to another process (${owner.pid} on ${owner.host}); cancel it there`);
    this.#options.records.saveJob({ ...job, state: 'cancelled', ended: this.#time() }, kept);
  }

  /**
   * Queues the same again under a new id.
   *
   * @throws CairnError `not_found`; `bad_request` where the job has not ended.
   */
  retry(id: string): Job {
    const { params } = this.#kept(id);
    const { kind, title, command, state } = this.get(id).job;
    if (!ended.has(state)) throw new CairnError('bad_request', `job ${id} is ${state}; wait for it or cancel it first`);
    return this.enqueue(kind, params, { title, command });
  }

  /** Interrupts what runs and resolves when it has stopped. Queued jobs stay queued for the next service. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#live.values()].filter(({ job }) => job.state === 'running');
    for (const live of running) this.#abort(live, new StopReason('interrupted', 'the service was closed'));
    await Promise.all(running.map((live) => live.ended));
    for (const live of this.#live.values()) clearTimeout(live.timer);
    this.#live.clear();
  }

  /** Settles what other processes left behind, and forgets what is long past. */
  #takeStock(): void {
    this.#record((records) => records.forgetJobs(maxListed));
    for (const { job, params } of this.#options.records.jobs(maxListed).reverse()) {
      const kept = keptParams.safeParse(params).data;
      if (ended.has(job.state) || (kept && lives(kept, this.#nowMs()))) continue;
      if (job.state === 'queued' && kept && this.#options.adopt) this.#add(job, kept.params);
      else if (job.state === 'running')
        this.#record((records) => records.saveJob({ ...job, state: 'interrupted', ended: this.#time() }, params));
    }
  }

  #add(job: Job, params: unknown): void {
    const live = newLiveJob(job, params);
    this.#live.set(job.id, live);
    this.#keep(live);
    this.#tell(live);
    // Not within the call: whoever queued it sees it queued first.
    setImmediate(() => this.#startNext());
  }

  #startNext(): void {
    if (this.#closed) return;
    for (const live of this.#live.values()) {
      if (live.job.state === 'queued' && this.#hasTurn(live.job)) live.ended = this.#run(live);
    }
  }

  #hasTurn(job: Job): boolean {
    const access = jobAccess[job.kind];
    const running = [...this.#live.values()].filter((live) => live.job.state === 'running' && jobAccess[live.job.kind] === access);
    return running.length < (access === 'write' ? 1 : maxReaders);
  }

  async #run(live: LiveJob): Promise<void> {
    live.job = { ...live.job, state: 'running', started: this.#time() };
    this.#keep(live);
    this.#tell(live);
    const ticking = setInterval(() => this.#tell(live), tickMs);
    try {
      const result = await this.#work(live);
      this.#finish(live, { state: 'done', result });
    } catch (thrown) {
      this.#finish(live, this.#failureOf(live, thrown));
    } finally {
      clearInterval(ticking);
      this.#startNext();
    }
  }

  async #work(live: LiveJob): Promise<JobResult> {
    const { context, release } = contextOf(live, this.#options, {
      progress: (update) => this.#progress(live, update),
      log: (level, message) => this.#log(live, level, message),
    });
    try {
      return await this.#options.functions[live.job.kind](context, live.params);
    } finally {
      await release();
    }
  }

  #failureOf(live: LiveJob, thrown: unknown): Partial<Job> & { state: JobState } {
    const { reason } = live.controller.signal as { reason: unknown };
    if (reason instanceof StopReason) return { state: reason.state };
    this.#log(live, 'error', toFailure(thrown).message);
    return { state: 'failed', error: toFailure(thrown) };
  }

  #finish(live: LiveJob, outcome: Partial<Job> & { state: JobState }): void {
    clearTimeout(live.timer);
    const { etaMs: _, ...progress } = live.meter.read(this.#nowMs());
    live.job = { ...live.job, ...outcome, ended: this.#time(), progress };
    this.#keep(live);
    this.#live.delete(live.job.id);
    this.#options.onChange({ job: live.job });
  }

  #abort(live: LiveJob, reason: StopReason): void {
    if (live.controller.signal.aborted) return;
    live.controller.abort(reason);
    if (live.job.state === 'queued') this.#finish(live, { state: reason.state });
    else this.#tell(live);
  }

  #progress(live: LiveJob, update: ProgressUpdate): void {
    if (!this.#live.has(live.job.id)) return;
    live.meter.update(update, this.#nowMs());
    this.#tell(live);
  }

  #log(live: LiveJob, level: JobLogLine['level'], message: string): void {
    live.logLines += 1;
    if (live.logLines > maxLogLines) return;
    const last = live.logLines === maxLogLines;
    const line: JobLogLine = { time: this.#time(), level, message: last ? 'the log is full; further lines are left out' : message };
    this.#record((records) => records.addJobLog(live.job.id, line));
    this.#options.onLog({ id: live.job.id, line });
  }

  /** Tells the state now, or as soon as the gap to the last telling is wide enough. */
  #tell(live: LiveJob): void {
    if (live.timer || !this.#live.has(live.job.id)) return;
    const waitMs = live.toldAtMs + eventGapMs - this.#nowMs();
    if (waitMs > 0) {
      live.timer = setTimeout(() => ((live.timer = undefined), this.#tell(live)), waitMs);
      return;
    }
    live.toldAtMs = this.#nowMs();
    live.job = this.#current(live.job);
    if (live.toldAtMs - live.keptAtMs >= keepGapMs) this.#keep(live);
    this.#options.onChange({ job: live.job });
  }

  #keep(live: LiveJob): void {
    live.keptAtMs = this.#nowMs();
    this.#record((records) => records.saveJob(live.job, { owner: this.#owner, params: live.params, keptAtMs: live.keptAtMs }));
  }

  /** What can't be recorded (a full disk, say) is lost to later services only; it must not end a job that is running well. */
  #record(write: (records: JobRecords) => void): void {
    try {
      write(this.#options.records);
    } catch (thrown) {
      if (this.#recordsFail) return;
      this.#recordsFail = true;
      this.#options.onProblem(`jobs can't be recorded: ${toFailure(thrown).message}`);
    }
  }

  /** The newest state of a job: with live progress where it runs here. */
  #current(job: Job): Job {
    const live = this.#live.get(job.id);
    if (live?.job.state !== 'running') return live?.job ?? job;
    const progress = live.meter.read(this.#nowMs());
    return { ...live.job, progress: live.controller.signal.aborted ? { ...progress, phase: 'stopping' } : progress };
  }

  #kept(id: string): KeptParams & { job: Job } {
    const { job, params } = this.#found(id);
    return { job, ...keptParams.parse(params) };
  }

  #found(id: string): KeptJob {
    const found = this.#options.records.job(id);
    if (!found) throw new CairnError('not_found', `${id}: no such job; see the list of jobs`);
    return found;
  }

  #time(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}
