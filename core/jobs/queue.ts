/**
 * Jobs, kept in the catalogue and run from here: one writer at a time, readers beside it. Only this file changes a
 * job's state. A job moves queued -> running -> done | failed | cancelled | interrupted and never back; retrying
 * makes a new one. What a process left running when it ended is interrupted when the next one looks.
 */
import { randomBytes } from 'node:crypto';
import { CairnError, toFailure } from '../contract/errors.ts';
import type { PayloadOf } from '../contract/methods.ts';
import type { Job, JobKind, JobLogLine, JobState } from '../contract/model.ts';
import type { Store } from '../store/store.ts';
import { jobAccess, type JobContext, type JobFunction, type JobResult, type ProgressUpdate, type StageAccess } from './job.ts';
import type { JobRecords } from './job-records.ts';
import { keptParams, lives, thisOwner, type KeptParams, type Owner } from './owner.ts';
import { noProgress, ProgressMeter } from './progress-meter.ts';

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

export interface QueueOptions {
  records: JobRecords;
  functions: JobFunctions;
  access: StageAccess;
  /** Opens the store with its lock for a job of this kind; `close` gives it up. */
  openForWriting(kind: JobKind): Promise<{ store: Store; close(): Promise<void> }>;
  /** Lists a committed snapshot in the catalogue. */
  catalogueSnapshot: JobContext['catalogueSnapshot'];
  onChange(payload: PayloadOf<'job.changed'>): void;
  onLog(payload: PayloadOf<'job.log'>): void;
  /** One line about the queue itself. */
  onProblem(message: string): void;
  /** Runs jobs that another process left in the queue when it ended. For services that stay. */
  adopt?: boolean;
  nowMs?: () => number;
}

/** A job of this process that has not ended. */
interface Live {
  job: Job;
  params: unknown;
  controller: AbortController;
  meter: ProgressMeter;
  logLines: number;
  toldAtMs: number;
  keptAtMs: number;
  timer: NodeJS.Timeout | undefined;
  ended: Promise<void>;
}

const ended: ReadonlySet<JobState> = new Set<JobState>(['done', 'failed', 'cancelled', 'interrupted']);

export class JobQueue {
  readonly #options: QueueOptions;
  readonly #nowMs: () => number;
  readonly #owner: Owner = thisOwner();
  /** In the order of queueing. */
  readonly #live = new Map<string, Live>();
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
    return { job: this.#current(this.#kept(id).job), log: this.#options.records.jobLog(id) };
  }

  /**
   * Asks a job to stop and returns at once; its state changes when it has. A job that has ended stays as it is.
   *
   * @throws CairnError `not_found`; `bad_request` where another process runs it.
   */
  cancel(id: string): void {
    const live = this.#live.get(id);
    if (live) return this.#abort(live, new CairnError('cancelled', 'cancelled by the user'), 'cancelled');
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
    for (const live of running) this.#abort(live, new CairnError('cancelled', 'the service was closed'), 'interrupted');
    await Promise.all(running.map((live) => live.ended));
    for (const live of this.#live.values()) clearTimeout(live.timer);
    this.#live.clear();
  }

  /** Settles what other processes left behind. */
  #takeStock(): void {
    for (const { job, params } of this.#options.records.jobs(maxListed).reverse()) {
      const kept = keptParams.safeParse(params).data;
      if (ended.has(job.state) || (kept && lives(kept, this.#nowMs()))) continue;
      if (job.state === 'queued' && kept && this.#options.adopt) this.#add(job, kept.params);
      else if (job.state === 'running') this.#options.records.saveJob({ ...job, state: 'interrupted', ended: this.#time() }, params);
    }
  }

  #add(job: Job, params: unknown): void {
    const live: Live = {
      job,
      params,
      controller: new AbortController(),
      meter: new ProgressMeter(),
      logLines: 0,
      toldAtMs: -Infinity,
      keptAtMs: -Infinity,
      timer: undefined,
      ended: Promise.resolve(),
    };
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

  async #run(live: Live): Promise<void> {
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

  async #work(live: Live): Promise<JobResult> {
    let writing: ReturnType<QueueOptions['openForWriting']> | undefined;
    const { access, functions, openForWriting, catalogueSnapshot } = this.#options;
    const context: JobContext = {
      storePath: access.storePath,
      catalogue: access.catalogue,
      pool: (threads) => access.pool(threads),
      readStore: () => access.readStore(),
      storeExists: () => access.storeExists(),
      changed: (runs) => access.changed(runs),
      id: live.job.id,
      signal: live.controller.signal,
      progress: (update) => this.#progress(live, update),
      log: (level, message) => this.#log(live, level, message),
      catalogueSnapshot,
      writeStore: async () => (await (writing ??= openForWriting(live.job.kind))).store,
    };
    try {
      return await functions[live.job.kind](context, live.params);
    } finally {
      await writing?.then(
        ({ close }) => close(),
        () => {},
      );
    }
  }

  #failureOf(live: Live, thrown: unknown): Partial<Job> & { state: JobState } {
    const { aborted, reason } = live.controller.signal as { aborted: boolean; reason: StopReason };
    if (aborted) return { state: reason.state };
    this.#log(live, 'error', toFailure(thrown).message);
    return { state: 'failed', error: toFailure(thrown) };
  }

  #finish(live: Live, outcome: Partial<Job> & { state: JobState }): void {
    clearTimeout(live.timer);
    const { etaMs: _, ...progress } = live.meter.read(this.#nowMs());
    live.job = { ...live.job, ...outcome, ended: this.#time(), progress };
    this.#keep(live);
    this.#live.delete(live.job.id);
    this.#options.onChange({ job: live.job });
  }

  #abort(live: Live, error: CairnError, state: 'cancelled' | 'interrupted'): void {
    if (live.controller.signal.aborted) return;
    live.controller.abort(new StopReason(error, state));
    if (live.job.state === 'queued') this.#finish(live, { state });
    else this.#tell(live);
  }

  #progress(live: Live, update: ProgressUpdate): void {
    if (!this.#live.has(live.job.id)) return;
    live.meter.update(update, this.#nowMs());
    this.#tell(live);
  }

  #log(live: Live, level: JobLogLine['level'], message: string): void {
    live.logLines += 1;
    if (live.logLines > maxLogLines) return;
    const last = live.logLines === maxLogLines;
    const line: JobLogLine = { time: this.#time(), level, message: last ? 'the log is full; further lines are left out' : message };
    this.#record((records) => records.addJobLog(live.job.id, line));
    this.#options.onLog({ id: live.job.id, line });
  }

  /** Tells the state now, or as soon as the gap to the last telling is wide enough. */
  #tell(live: Live): void {
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

  #keep(live: Live): void {
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
    const found = this.#options.records.job(id);
    if (!found) throw new CairnError('not_found', `${id}: no such job; see the list of jobs`);
    return { job: found.job, ...keptParams.parse(found.params) };
  }

  #time(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}

/** What a job finds in `signal.reason`: a CairnError, and the state that it leads to. */
class StopReason extends CairnError {
  readonly state: 'cancelled' | 'interrupted';

  constructor(error: CairnError, state: 'cancelled' | 'interrupted') {
    super(error.code, error.message);
    this.state = state;
  }
}
