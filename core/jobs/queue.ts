/**
 * Jobs, kept in the catalogue and run from here: one writer at a time, readers beside it. Only this file changes a
 * job's state. A job moves from queued (waiting, paused) over running (paused) to done | failed | cancelled | interrupted and
 * never back; retrying makes a new one. What a process left running when it ended is interrupted when the next one looks, and a
 * service that stays goes on with it in a new job: what is in the store is not done again.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CairnError, toFailure } from '../contract/errors.ts';
import type { PayloadOf } from '../contract/methods.ts';
import { wakefulPhases, type Job, type JobKind, type JobLogLine, type JobState, type QueuePause } from '../contract/model.ts';
import { Budget } from './budget.ts';
import { heldAs } from './held.ts';
import { canPause, userHold, type Hold } from './holds.ts';
import { FailedWith, type JobFunction, type JobResult, type Priority, type ProgressUpdate } from './job.ts';
import { JobBook } from './job-book.ts';
import { currentOf, JobTeller } from './job-teller.ts';
import type { JobRecords, PauseRecord } from './job-records.ts';
import { contextOf, hasBegun, newLiveJob, priorityOf, shareOf, StopReason, type LiveJob, type QueueAccess } from './live-job.ts';
import { keptParams, lives, type KeptParams } from './owner.ts';
import type { StoreLocked } from '../store/lock.ts';
import type { LacksRoom } from '../store/room.ts';
import { canBeWaitedFor, Lack } from './lack.ts';
import { noProgress } from './progress-meter.ts';
import { answerAll, ask, type Steering } from './requests.ts';
import { behind, firstOrder, hasTurn, inOrder, lastOrder, moved, type Move } from './turns.ts';

/** What people read of a job, and where it comes from. */
export type Told = Pick<Job, 'title' | 'command' | 'schedule' | 'resumes'>;

/** While a job runs, rate and ETA are told again this often even where it says nothing. */
const tickMs = 1000;
/** Holds are looked at again this often, since other processes may pause everything, and policies change with the clock. */
const reviewMs = 500;
/** What other processes ask of this one's jobs is looked for this often. */
const answerMs = 150;
/** A job that was interrupted this often is left to the user: it may be what ends the process. */
const maxInterruptions = 3;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has parameters of its own, checked by the contract
export type JobFunctions = Record<JobKind, JobFunction<any>>;

export interface QueueOptions extends QueueAccess {
  records: JobRecords;
  /** Absent: nobody pauses everything. */
  pauses?: PauseRecord;
  functions: JobFunctions;
  onChange(payload: PayloadOf<'job.changed'>): void;
  onLog(payload: PayloadOf<'job.log'>): void;
  /** One line about the queue itself. */
  onProblem(message: string): void;
  /** Runs jobs that another process left in the queue when it ended, and goes on with what it interrupted. For services that stay. */
  adopt?: boolean;
  /** Nobody waits for its end: its jobs wait for what they lack, and others go on with what it leaves. One that adopts stays. */
  stays?: boolean;
  /** Its jobs wait for what they lack, though it doesn't stay. */
  waits?: boolean;
  /** What keeps a schedule's job back for now. */
  policyHold?: (job: Job, priority: Priority) => Hold | undefined;
  /** What all jobs together may take. */
  budget?: Budget;
  onPause?: (payload: PayloadOf<'queue.changed'>) => void;
  /** Told at every step of a job whether one is at what sleep should not cut in two. */
  keepAwake?: (wanted: boolean) => void;
  nowMs?: () => number;
}

const ended: ReadonlySet<JobState> = new Set<JobState>(['done', 'failed', 'cancelled', 'interrupted']);

export class JobQueue {
  readonly #options: QueueOptions;
  readonly #nowMs: () => number;
  readonly #book: JobBook;
  readonly #teller: JobTeller;
  /** In the order of queueing. */
  readonly #live = new Map<string, LiveJob>();
  readonly #budget: Budget;
  #backgroundThreads = Infinity;
  #adopts: boolean;
  readonly #stays: boolean;
  readonly #waits: boolean;
  /** Every job that this process has, or had. */
  readonly #own = new Set<string>();
  #closed = false;
  #review: NodeJS.Timeout | undefined;
  #answering: NodeJS.Timeout | undefined;
  #pause: QueuePause | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#book = new JobBook(options.records, this.#nowMs, (message) => options.onProblem(message));
    this.#teller = new JobTeller({
      nowMs: this.#nowMs,
      book: this.#book,
      isLive: (id) => this.#live.has(id),
      onChange: (job) => options.onChange({ job }),
    });
    this.#budget = options.budget ?? new Budget();
    this.#adopts = options.adopt ?? false;
    this.#stays = options.stays ?? this.#adopts;
    this.#waits = options.waits ?? this.#stays;
    this.#pause = this.#readPause();
    this.#book.forget();
    this.#takeStock();
  }

  /** Queues a job and starts it as soon as its turn has come. */
  enqueue(kind: JobKind, params: unknown, told: Told): Job {
    if (this.#closed) throw new CairnError('cancelled', 'the service is closing; start it again');
    const live = newLiveJob(this.#newJob(kind, told), params, this.#budget);
    this.#add(live);
    return live.job;
  }

  /** Newest first. */
  list(): Job[] {
    return this.#book.list().map((job) => this.#current(job));
  }

  /** Jobs that have not ended, of every process; oldest first. */
  unfinished(): Job[] {
    const kept = this.#book.unfinished().map(({ job }) => this.#current(job));
    return kept.filter(({ state }) => !ended.has(state));
  }

  /** The newest job that a schedule of this name started, with its parameters. */
  lastOf(schedule: string): { job: Job; params: unknown } | undefined {
    return this.#book.lastOf(schedule);
  }

  /** @throws CairnError `not_found` */
  get(id: string): { job: Job; log: JobLogLine[] } {
    return { job: this.#current(this.#book.find(id).job), log: this.#book.log(id) };
  }

  /** Whether this process has, or had, the job. */
  isOwn(id: string): boolean {
    return this.#own.has(id);
  }

  /**
   * Does something to a job, whichever process of this home has it.
   *
   * @throws CairnError as `cancel`, `hold`, `resume`, `move` and `setThreads`; `io` where the process that has it doesn't answer
   */
  async steer(id: string, request: Steering): Promise<void> {
    if (this.#live.has(id)) return this.#act(id, request);
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (ended.has(job.state) || !lives(kept, this.#nowMs()) || owner.host !== hostname()) return this.#act(id, request);
    await ask(this.#options.records, id, request, `another process (${owner.pid})`);
  }

  /** Lets every job go on that was paused by itself, in other processes too. */
  async resumeAll(): Promise<void> {
    this.holdAll(undefined);
    const others = this.#book.unfinished().filter(({ job }) => job.state === 'paused' && !this.#live.has(job.id));
    await Promise.all(others.map(({ job }) => this.steer(job.id, { act: 'resume' }).catch(() => undefined)));
  }

  /**
   * Asks a job to stop and returns at once; its state changes when it has. A job that has ended stays as it is.
   *
   * @throws CairnError `not_found`; `bad_request` where another process runs it.
   */
  cancel(id: string): void {
    const live = this.#live.get(id);
    if (live) return this.#abort(live, new StopReason('cancelled', 'cancelled by the user'));
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (ended.has(job.state)) return;
    if (lives(kept, this.#nowMs()))
      throw new CairnError('bad_request', `job ${id} belongs to another process (${owner.pid} on ${owner.host}); cancel it there`);
    this.#book.save({ ...job, state: 'cancelled', ended: this.#time() }, kept);
  }

  /**
   * Queues the same again under a new id.
   *
   * @throws CairnError `not_found`; `bad_request` where the job has not ended.
   */
  retry(id: string): Job {
    const { params } = this.#book.kept(id);
    const { kind, title, command, state, schedule } = this.get(id).job;
    if (!ended.has(state)) throw new CairnError('bad_request', `job ${id} is ${state}; wait for it or cancel it first`);
    return this.enqueue(kind, params, { title, command, ...(schedule === undefined ? {} : { schedule }) });
  }

  /** The pause of everything, where there is one. */
  get pause(): QueuePause | undefined {
    return this.#pause;
  }

  /**
   * Pauses a job: one that runs stops between two tasks and gives its memory back, one that waits does not begin. Pausing again sets a
   * new end.
   *
   * @param untilMs when it goes on by itself; without, at `resume`
   * @throws CairnError `not_found`; `bad_request` where it has ended, can't be paused any more or belongs to another process.
   */
  hold(id: string, untilMs?: number): void {
    const live = this.#ownJob(id);
    if (hasBegun(live) && !canPause(live.job.kind))
      throw new CairnError('bad_request', `job ${id} has begun and can't be paused; it ends soon, or cancel it`);
    live.hold = untilMs === undefined ? {} : { untilMs };
    this.#settle();
    this.#book.keep(live);
  }

  /** @throws CairnError as `hold` */
  resume(id: string): void {
    const live = this.#ownJob(id);
    live.hold = undefined;
    this.#settle();
    this.#book.keep(live);
  }

  /** Pauses everything, in every process of this home; undefined ends that, and every job's own pause. */
  holdAll(pause: QueuePause | undefined): void {
    this.#options.pauses?.saveQueuePause(pause);
    if (!pause) for (const live of this.#live.values()) live.hold = undefined;
    this.#setPause(pause);
    this.#settle();
  }

  /**
   * Changes a job's turn.
   *
   * @throws CairnError `not_found`; `bad_request` where it has begun or belongs to another process.
   */
  move(id: string, to: Move): void {
    const live = this.#ownJob(id);
    if (hasBegun(live)) throw new CairnError('bad_request', `job ${id} has begun; only jobs that wait can be moved`);
    moved(this.#lives, live, to).forEach((other, order) => {
      other.job = { ...other.job, order };
      this.#book.keep(other);
      this.#teller.tell(other);
    });
    this.#settle();
  }

  /**
   * Gives a running job another number of threads: fewer at once, up to as many as it began with.
   *
   * @throws CairnError `not_found`; `bad_request` where it has ended or belongs to another process.
   */
  setThreads(id: string, threads: number): void {
    const live = this.#ownJob(id);
    live.threads = threads;
    live.gate.limit(threads);
  }

  #act(id: string, request: Steering): void {
    if (request.act === 'cancel') this.cancel(id);
    else if (request.act === 'hold') this.hold(id, request.untilMs);
    else if (request.act === 'resume') this.resume(id);
    else if (request.act === 'move') this.move(id, request.to);
    else this.setThreads(id, request.threads);
  }

  /** From now on it runs what other processes left in the queue when they ended, and goes on with what they were at. */
  adopt(): void {
    if (this.#adopts || this.#closed) return;
    this.#adopts = true;
    this.#takeStock();
  }

  /** How many threads each job in the background has from now on, where it wasn't given a number of its own. */
  limitBackground(threads: number): void {
    this.#backgroundThreads = threads;
    for (const live of this.#live.values()) live.gate.limit(shareOf(live, threads));
  }

  /** Interrupts what runs and resolves when it has stopped. Queued jobs stay queued for the next service. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#review);
    clearInterval(this.#answering);
    const running = [...this.#live.values()].filter(hasBegun);
    for (const live of running) this.#abort(live, new StopReason('interrupted', 'the service was closed'));
    await Promise.all(running.map((live) => live.ended));
    // Those that have not begun are free for whoever comes next.
    for (const live of this.#live.values()) this.#book.keep(live, true);
    for (const live of this.#live.values()) clearTimeout(live.timer);
    this.#live.clear();
  }

  /** Settles what processes left behind that have ended meanwhile. Whoever adopts calls it every now and then. */
  takeStock(): void {
    if (this.#adopts && !this.#closed) this.#takeStock();
  }

  #takeStock(): void {
    for (const { job, params } of this.#book.unfinished()) {
      if (this.#live.has(job.id)) continue;
      const kept = keptParams.safeParse(params).data;
      if ((ended.has(job.state) && !kept?.goOn) || (kept && lives(kept, this.#nowMs()) && !kept.goOn)) continue;
      if (job.started !== undefined || job.state === 'running') this.#interrupted(job, kept, params);
      else if (kept && this.#adopts) this.#add(newLiveJob({ ...job, state: 'queued' }, kept.params, this.#budget, kept));
    }
  }

  /** Another process ended while it ran this job. */
  #interrupted(job: Job, kept: KeptParams | undefined, params: unknown): void {
    const goesOn = kept !== undefined && this.#adopts && canPause(job.kind) && kept.interruptions < maxInterruptions;
    if (kept?.goOn && !goesOn) return;
    const { etaMs: _, ...progress } = job.progress;
    const settled: Job = { ...job, state: 'interrupted', progress, ended: job.ended ?? this.#time() };
    this.#book.save(settled, kept ? { ...kept, goOn: false } : params);
    if (!goesOn) return;
    const { title, command, schedule } = job;
    const next = this.#newJob(job.kind, { title, command, resumes: job.id, ...(schedule === undefined ? {} : { schedule }) });
    const { hold, interruptions, since = job.started } = kept;
    const live = newLiveJob(next, kept.params, this.#budget, { hold, interruptions: interruptions + 1, since });
    this.#add(live);
    this.#log(live, 'info', `goes on from job ${job.id}, which was interrupted; what is in the store already is not done again`);
  }

  #newJob(kind: JobKind, told: Told): Job {
    return {
      id: randomBytes(6).toString('hex'),
      kind,
      ...told,
      state: 'queued',
      queued: this.#time(),
      progress: noProgress,
      order: lastOrder(this.#lives),
    };
  }

  #add(live: LiveJob): void {
    this.#live.set(live.job.id, live);
    this.#own.add(live.job.id);
    live.gate.limit(shareOf(live, this.#backgroundThreads));
    this.#book.keep(live);
    this.#teller.tell(live);
    this.#review ??= setInterval(() => this.#look(), reviewMs).unref();
    this.#answering ??= setInterval(() => this.#answer(), answerMs).unref();
    // Not within the call: whoever queued it sees it queued first.
    setImmediate(() => this.#settle());
  }

  get #lives(): LiveJob[] {
    return [...this.#live.values()];
  }

  #readPause(): QueuePause | undefined {
    try {
      const pause = this.#options.pauses?.queuePause();
      return pause?.until !== undefined && Date.parse(pause.until) <= this.#nowMs() ? undefined : pause;
    } catch {
      return this.#pause; // a catalogue that is busy for a moment changes nothing
    }
  }

  /** Another process may have paused everything, or let it go on. */
  followPause(): void {
    this.#setPause(this.#readPause());
  }

  #setPause(pause: QueuePause | undefined): void {
    if (pause?.until === this.#pause?.until && (pause === undefined) === (this.#pause === undefined)) return;
    this.#pause = pause;
    this.#options.onPause?.(pause ? { pause } : {});
  }

  #look(): void {
    if (this.#closed) return;
    this.followPause();
    for (const live of this.#live.values()) if (live.lack) void this.#lookWhether(live, live.lack);
    this.#settle();
    if (this.#live.size > 0 || this.#pause) return;
    clearInterval(this.#review);
    clearInterval(this.#answering);
    [this.#review, this.#answering] = [undefined, undefined];
  }

  #answer(): void {
    try {
      answerAll(
        this.#options.records,
        (id) => this.#live.has(id),
        (id, request) => this.#act(id, request),
      );
    } catch {
      // A catalogue that is busy for a moment: whoever asks still waits.
    }
  }

  /** Brings every job to the state that the holds ask for, and starts what may begin. */
  #settle(): void {
    if (this.#closed) return;
    for (const live of inOrder(this.#lives)) this.#applyHold(live, this.#holdOf(live));
    this.#startNext();
  }

  #holdOf(live: LiveJob): Hold | undefined {
    if (hasBegun(live) && !canPause(live.job.kind)) return undefined;
    const nowMs = this.#nowMs();
    if (live.hold?.untilMs !== undefined && live.hold.untilMs <= nowMs) live.hold = undefined;
    return (
      userHold(live.hold, this.#pause, nowMs) ??
      live.lack?.hold ??
      this.#policyHold(live) ??
      (hasBegun(live) ? undefined : behind(this.#lives, live))
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
    const next = heldAs(live, hold, this.#nowMs());
    if (!next) return;
    live.job = next;
    this.#book.keep(live);
    this.#teller.tell(live);
    this.#tellSleep();
  }

  #startNext(): void {
    if (this.#closed) return;
    for (const live of inOrder(this.#lives)) {
      if (live.job.state === 'queued' && hasTurn(this.#lives, live.job)) live.ended = this.#run(live);
    }
  }

  async #run(live: LiveJob): Promise<void> {
    const { order: _, ...job } = live.job;
    live.job = { ...job, state: 'running', started: this.#time() };
    this.#book.keep(live);
    this.#teller.tell(live);
    const ticking = setInterval(() => this.#teller.tell(live), tickMs);
    try {
      const result = await this.#work(live);
      this.#finish(live, { state: 'done', result });
    } catch (thrown) {
      if (this.#canWaitFor(live, thrown)) this.#wait(live, thrown);
      else this.#finish(live, this.#failureOf(live, thrown));
    } finally {
      clearInterval(ticking);
      this.#settle();
    }
  }

  #canWaitFor(live: LiveJob, thrown: unknown): thrown is LacksRoom | StoreLocked {
    return canBeWaitedFor(thrown) && (this.#stays || this.#waits) && !live.controller.signal.aborted;
  }

  /** It gives up its turn, and with it the store, so that a prune may make room; then it begins again where it was. */
  #wait(live: LiveJob, error: LacksRoom | StoreLocked): void {
    const { started, ...job } = live.job;
    live.since ??= started;
    live.lack = new Lack(error, this.#nowMs());
    live.job = { ...job, state: 'queued', order: firstOrder(this.#lives) };
    live.meter.restart();
    this.#log(live, 'info', `waits: ${error.reason}`);
    this.#book.keep(live);
  }

  async #lookWhether(live: LiveJob, lack: Lack): Promise<void> {
    if (!(await lack.isOver(this.#nowMs())) || live.lack !== lack) return;
    live.lack = undefined;
    this.#log(live, 'info', 'goes on; what it waited for is there');
    this.#settle();
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
    return { state: 'failed', error: toFailure(thrown), ...(thrown instanceof FailedWith ? { result: thrown.result } : {}) };
  }

  #finish(live: LiveJob, outcome: Partial<Job> & { state: JobState }): void {
    clearTimeout(live.timer);
    const { etaMs: _, ...progress } = live.meter.read(this.#nowMs());
    const { reason: _reason, until: _until, order: _order, ...job } = live.job;
    live.job = { ...job, ...outcome, ended: this.#time(), progress };
    this.#book.keep(live, outcome.state === 'interrupted' && this.#stays);
    this.#live.delete(live.job.id);
    this.#tellSleep();
    this.#options.onChange({ job: live.job });
  }

  #abort(live: LiveJob, reason: StopReason): void {
    if (live.controller.signal.aborted) return;
    live.controller.abort(reason);
    live.gate.abandon();
    if (!hasBegun(live)) return this.#finish(live, { state: reason.state });
    live.job = { ...live.job, state: 'running' };
    this.#teller.tell(live);
  }

  #progress(live: LiveJob, update: ProgressUpdate): void {
    if (!this.#live.has(live.job.id)) return;
    live.meter.update(update, this.#nowMs());
    this.#teller.tell(live);
    this.#tellSleep();
  }

  #tellSleep(): void {
    this.#options.keepAwake?.(this.#lives.some(({ job, meter }) => job.state === 'running' && wakefulPhases.includes(meter.phase)));
  }

  #log(live: LiveJob, level: JobLogLine['level'], message: string): void {
    const line = this.#book.addLog(live, level, message);
    if (line) this.#options.onLog({ id: live.job.id, line });
  }

  /** @throws CairnError `not_found`; `bad_request` where the job has ended or another process has it. */
  #ownJob(id: string): LiveJob {
    const live = this.#live.get(id);
    if (live) return live;
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (ended.has(job.state)) throw new CairnError('bad_request', `job ${id} is ${job.state}; run it again with retry`);
    throw new CairnError(
      'bad_request',
      lives(kept, this.#nowMs())
        ? `job ${id} belongs to another process (${owner.pid} on ${owner.host}); change it there`
        : `job ${id} was left by a process that has ended; cairn serve or the desktop goes on with it`,
    );
  }

  /** The newest state of a job: with live progress where it runs here. */
  #current(job: Job): Job {
    const live = this.#live.get(job.id);
    if (live) return currentOf(live, this.#nowMs());
    return ended.has(job.state) ? job : { ...job, elsewhere: true };
  }

  #time(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}
