/**
 * The jobs of this process that have not ended: whose turn it is, what holds them, and running each to its end. What people and
 * other processes ask of them comes through the queue (queue.ts).
 */
import { toFailure } from '../contract/errors.ts';
import { wakefulPhases, type Job, type JobLogLine, type JobState } from '../contract/model.ts';
import type { StoreLocked } from '../store/lock.ts';
import type { LacksRoom } from '../store/room.ts';
import { heldAs } from './held.ts';
import { canPause, userHold, type Hold } from './holds.ts';
import { FailedWith, type JobResult, type ProgressUpdate } from './job.ts';
import type { JobBook } from './job-book.ts';
import { currentOf, JobTeller } from './job-teller.ts';
import { canBeWaitedFor, Lack } from './lack.ts';
import { contextOf, hasBegun, priorityOf, shareOf, StopReason, type LiveJob } from './live-job.ts';
import type { QueueOptions } from './queue-options.ts';
import { behind, firstOrder, hasTurn, inOrder } from './turns.ts';
import type { WholePause } from './whole-pause.ts';

/** While a job runs, rate and ETA are told again this often even where it says nothing. */
const tickMs = 1000;
/** Holds are looked at again this often, since other processes may pause everything, and policies change with the clock. */
const reviewMs = 500;
/** What other processes ask of this one's jobs is looked for this often. */
const answerMs = 150;

/** What the queue brings beside its own options. */
export interface LiveJobsOptions extends QueueOptions {
  nowMs: () => number;
  book: JobBook;
  pause: WholePause;
  /** Whether its jobs wait for what they lack. */
  waits: boolean;
  /** Whether others go on with what it leaves. */
  stays: boolean;
  /** Does what other processes ask of its jobs. */
  answer(): void;
}

export class LiveJobs {
  readonly #options: LiveJobsOptions;
  readonly #teller: JobTeller;
  /** In the order of queueing. */
  readonly #live = new Map<string, LiveJob>();
  #backgroundThreads = Infinity;
  #closed = false;
  #review: NodeJS.Timeout | undefined;
  #answering: NodeJS.Timeout | undefined;

  constructor(options: LiveJobsOptions) {
    this.#options = options;
    const { nowMs, book } = options;
    this.#teller = new JobTeller({ nowMs, book, isLive: (id) => this.#live.has(id), onChange: (job) => options.onChange({ job }) });
  }

  get all(): LiveJob[] {
    return [...this.#live.values()];
  }

  find(id: string): LiveJob | undefined {
    return this.#live.get(id);
  }

  has(id: string): boolean {
    return this.#live.has(id);
  }

  /** Takes a job in; it begins as soon as its turn has come. */
  add(live: LiveJob): void {
    this.#live.set(live.job.id, live);
    live.gate.limit(shareOf(live, this.#backgroundThreads));
    this.#changed(live);
    this.#review ??= setInterval(() => this.#look(), reviewMs).unref();
    this.#answering ??= setInterval(() => this.#options.answer(), answerMs).unref();
    // Not within the call: whoever queued it sees it queued first.
    setImmediate(() => this.settle());
  }

  /** Brings every job to the state that the holds ask for, and starts what may begin. */
  settle(): void {
    if (this.#closed) return;
    for (const live of inOrder(this.all)) this.#applyHold(live, this.#holdOf(live));
    for (const live of inOrder(this.all)) {
      if (live.job.state === 'queued' && hasTurn(this.all, live.job)) live.ended = this.#run(live);
    }
  }

  /** Gives jobs their turns, in this order. */
  reorder(lives: readonly LiveJob[]): void {
    lives.forEach((live, order) => {
      live.job = { ...live.job, order };
      this.#changed(live);
    });
    this.settle();
  }

  /** How many threads each job in the background has from now on, where it wasn't given a number of its own. */
  limitBackground(threads: number): void {
    this.#backgroundThreads = threads;
    for (const live of this.all) live.gate.limit(shareOf(live, threads));
  }

  /** Ends a job that has not begun, and asks one that has to stop; its state changes when it has. */
  abort(live: LiveJob, reason: StopReason): void {
    if (live.controller.signal.aborted) return;
    live.controller.abort(reason);
    live.gate.abandon();
    if (!hasBegun(live)) return this.#finish(live, { state: reason.state });
    live.job = { ...live.job, state: 'running' };
    this.#teller.tell(live);
  }

  log(live: LiveJob, level: JobLogLine['level'], message: string): void {
    const line = this.#options.book.addLog(live, level, message);
    if (line) this.#options.onLog({ id: live.job.id, line });
  }

  /** Interrupts what runs and resolves when it has stopped. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rest();
    const running = this.all.filter(hasBegun);
    for (const live of running) this.abort(live, new StopReason('interrupted', 'the service was closed'));
    await Promise.all(running.map((live) => live.ended));
    // Those that have not begun are free for whoever comes next.
    for (const live of this.all) this.#options.book.keep(live, true);
    for (const live of this.all) clearTimeout(live.timer);
    this.#live.clear();
  }

  #look(): void {
    if (this.#closed) return;
    this.#options.pause.follow();
    for (const live of this.all) if (live.lack) void this.#lookWhether(live, live.lack);
    this.settle();
    if (this.#live.size === 0 && !this.#options.pause.now) this.#rest();
  }

  /** Nothing is looked at until the next job comes. */
  #rest(): void {
    clearInterval(this.#review);
    clearInterval(this.#answering);
    [this.#review, this.#answering] = [undefined, undefined];
  }

  #holdOf(live: LiveJob): Hold | undefined {
    if (hasBegun(live) && !canPause(live.job.kind)) return undefined;
    const nowMs = this.#options.nowMs();
    if (live.hold?.untilMs !== undefined && live.hold.untilMs <= nowMs) live.hold = undefined;
    return (
      userHold(live.hold, this.#options.pause.now, nowMs) ??
      live.lack?.hold ??
      this.#policyHold(live) ??
      (hasBegun(live) ? undefined : behind(this.all, live))
    );
  }

  /** Where schedules can't be read, what one of them started waits for the user to see to that. */
  #policyHold(live: LiveJob): Hold | undefined {
    try {
      return this.#options.policyHold?.(live.job, priorityOf(live));
    } catch (thrown) {
      return { by: 'policy', reason: toFailure(thrown).message };
    }
  }

  #applyHold(live: LiveJob, hold: Hold | undefined): void {
    if (live.controller.signal.aborted) return;
    if (hold) live.gate.close();
    else live.gate.open();
    const next = heldAs(live, hold, this.#options.nowMs());
    if (!next) return;
    live.job = next;
    this.#changed(live);
    this.#tellSleep();
  }

  async #run(live: LiveJob): Promise<void> {
    const { order: _, ...job } = live.job;
    live.job = { ...job, state: 'running', started: this.#time() };
    this.#changed(live);
    const ticking = setInterval(() => this.#teller.tell(live), tickMs);
    try {
      const result = await this.#work(live);
      this.#finish(live, { state: 'done', result });
    } catch (thrown) {
      if (this.#canWaitFor(live, thrown)) this.#wait(live, thrown);
      else this.#finish(live, this.#failureOf(live, thrown));
    } finally {
      clearInterval(ticking);
      this.settle();
    }
  }

  async #work(live: LiveJob): Promise<JobResult> {
    const { context, release } = contextOf(live, this.#options, {
      progress: (update) => this.#progress(live, update),
      log: (level, message) => this.log(live, level, message),
    });
    try {
      return await this.#options.functions[live.job.kind](context, live.params);
    } finally {
      await release();
    }
  }

  #canWaitFor(live: LiveJob, thrown: unknown): thrown is LacksRoom | StoreLocked {
    return canBeWaitedFor(thrown) && this.#options.waits && !live.controller.signal.aborted;
  }

  /** It gives up its turn, and with it the store, so that a prune may make room; then it begins again where it was. */
  #wait(live: LiveJob, error: LacksRoom | StoreLocked): void {
    const { started, ...job } = live.job;
    live.since ??= started;
    live.lack = new Lack(error, this.#options.nowMs());
    live.job = { ...job, state: 'queued', order: firstOrder(this.all) };
    live.meter.restart();
    this.log(live, 'info', `waits: ${error.reason}`);
    this.#options.book.keep(live);
  }

  async #lookWhether(live: LiveJob, lack: Lack): Promise<void> {
    if (!(await lack.isOver(this.#options.nowMs())) || live.lack !== lack) return;
    live.lack = undefined;
    this.log(live, 'info', 'goes on; what it waited for is there');
    this.settle();
  }

  #failureOf(live: LiveJob, thrown: unknown): Partial<Job> & { state: JobState } {
    const { reason } = live.controller.signal as { reason: unknown };
    if (reason instanceof StopReason) return { state: reason.state };
    this.log(live, 'error', toFailure(thrown).message);
    return { state: 'failed', error: toFailure(thrown), ...(thrown instanceof FailedWith ? { result: thrown.result } : {}) };
  }

  #finish(live: LiveJob, outcome: Partial<Job> & { state: JobState }): void {
    clearTimeout(live.timer);
    const { etaMs: _, ...progress } = live.meter.read(this.#options.nowMs());
    const { reason: _reason, until: _until, order: _order, ...job } = live.job;
    live.job = { ...job, ...outcome, ended: this.#time(), progress };
    this.#options.book.keep(live, outcome.state === 'interrupted' && this.#options.stays);
    this.#live.delete(live.job.id);
    this.#tellSleep();
    this.#options.onChange({ job: live.job });
  }

  #progress(live: LiveJob, update: ProgressUpdate): void {
    if (!this.#live.has(live.job.id)) return;
    live.meter.update(update, this.#options.nowMs());
    this.#teller.tell(live);
    this.#tellSleep();
  }

  #tellSleep(): void {
    this.#options.keepAwake?.(this.all.some(({ job, meter }) => job.state === 'running' && wakefulPhases.includes(meter.phase)));
  }

  #changed(live: LiveJob): void {
    this.#options.book.keep(live);
    this.#teller.tell(live);
  }

  /** The newest state of a job, with its progress of now where this process has it. */
  current(job: Job): Job {
    const live = this.#live.get(job.id);
    return live ? currentOf(live, this.#options.nowMs()) : job;
  }

  #time(): string {
    return new Date(this.#options.nowMs()).toISOString();
  }
}
