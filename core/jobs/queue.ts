/**
 * Jobs, kept in the catalogue and run from here: one writer at a time, readers beside it. Only the queue and its live jobs
 * (live-jobs.ts) change a job's state. A job moves from queued (waiting, paused) over running (paused) to done | failed | cancelled |
 * interrupted and never back; retrying makes a new one. What a process left running when it ended is interrupted when the next one
 * looks, and a service that stays goes on with it in a new job: what is in the store is not done again.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CairnError } from '../contract/errors.ts';
import { hasEnded, type Job, type JobKind, type JobLogLine, type QueuePause } from '../contract/model.ts';
import { Budget } from './budget.ts';
import { canPause } from './holds.ts';
import { JobBook } from './job-book.ts';
import { interruptedAt, leftBehind, type LeftBehind } from './left-behind.ts';
import { hasBegun, newLiveJob, StopReason, type LiveJob } from './live-job.ts';
import { LiveJobs } from './live-jobs.ts';
import { lives } from './owner.ts';
import { noProgress } from './progress-meter.ts';
import type { QueueOptions, Told } from './queue-options.ts';
import { answerAll, ask, type Steering } from './requests.ts';
import { lastOrder, moved, type Move } from './turns.ts';
import { WholePause } from './whole-pause.ts';

/** A job that was interrupted this often is left to the user: it may be what ends the process. */
const maxInterruptions = 3;

export class JobQueue {
  readonly #options: QueueOptions;
  readonly #nowMs: () => number;
  readonly #book: JobBook;
  readonly #pause: WholePause;
  readonly #jobs: LiveJobs;
  readonly #budget: Budget;
  /** Every job that this process has, or had. */
  readonly #own = new Set<string>();
  #adopts: boolean;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    const nowMs = (this.#nowMs = options.nowMs ?? Date.now);
    const book = (this.#book = new JobBook(options.records, nowMs, (message) => options.onProblem(message)));
    const pause = (this.#pause = new WholePause(options.pauses, nowMs, (now) => options.onPause?.(now ? { pause: now } : {})));
    this.#budget = options.budget ?? new Budget();
    this.#adopts = options.adopt ?? false;
    const stays = options.stays ?? this.#adopts;
    const waits = stays || (options.waits ?? false);
    this.#jobs = new LiveJobs({ ...options, nowMs, book, pause, stays, waits, answer: () => this.#answer() });
    book.forget();
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
    return kept.filter((job) => !hasEnded(job));
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
    if (this.#jobs.has(id)) return this.#act(id, request);
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (hasEnded(job) || !lives(kept, this.#nowMs()) || owner.host !== hostname()) return this.#act(id, request);
    await ask(this.#options.records, id, request, `another process (${owner.pid})`);
  }

  /** Lets every job go on that was paused by itself, in other processes too. */
  async resumeAll(): Promise<void> {
    this.holdAll(undefined);
    const others = this.#book.unfinished().filter(({ job }) => job.state === 'paused' && !this.#jobs.has(job.id));
    await Promise.all(others.map(({ job }) => this.steer(job.id, { act: 'resume' }).catch(() => undefined)));
  }

  /**
   * Asks a job to stop and returns at once; its state changes when it has. A job that has ended stays as it is.
   *
   * @throws CairnError `not_found`; `bad_request` where another process runs it.
   */
  cancel(id: string): void {
    const live = this.#jobs.find(id);
    if (live) return this.#jobs.abort(live, new StopReason('cancelled', 'cancelled by the user'));
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (hasEnded(job)) return;
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
    const job = this.get(id).job;
    const { kind, title, command, state, schedule } = job;
    if (!hasEnded(job)) throw new CairnError('bad_request', `job ${id} is ${state}; wait for it or cancel it first`);
    return this.enqueue(kind, params, { title, command, ...(schedule === undefined ? {} : { schedule }) });
  }

  /** The pause of everything, where there is one. */
  get pause(): QueuePause | undefined {
    return this.#pause.now;
  }

  /** Another process may have paused everything, or let it go on. */
  followPause(): void {
    this.#pause.follow();
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
    this.#jobs.settle();
    this.#book.keep(live);
  }

  /** @throws CairnError as `hold` */
  resume(id: string): void {
    const live = this.#ownJob(id);
    live.hold = undefined;
    this.#jobs.settle();
    this.#book.keep(live);
  }

  /** Pauses everything, in every process of this home; undefined ends that, and every job's own pause. */
  holdAll(pause: QueuePause | undefined): void {
    this.#pause.set(pause);
    if (!pause) for (const live of this.#jobs.all) live.hold = undefined;
    this.#jobs.settle();
  }

  /**
   * Changes a job's turn.
   *
   * @throws CairnError `not_found`; `bad_request` where it has begun or belongs to another process.
   */
  move(id: string, to: Move): void {
    const live = this.#ownJob(id);
    if (hasBegun(live)) throw new CairnError('bad_request', `job ${id} has begun; only jobs that wait can be moved`);
    this.#jobs.reorder(moved(this.#jobs.all, live, to));
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
    this.#jobs.limitBackground(threads);
  }

  /** Interrupts what runs and resolves when it has stopped. Queued jobs stay queued for the next service. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#jobs.close();
  }

  /** Settles what processes left behind that have ended meanwhile. Whoever adopts calls it every now and then. */
  takeStock(): void {
    if (this.#adopts && !this.#closed) this.#takeStock();
  }

  #takeStock(): void {
    const free = this.#book.unfinished().filter(({ job }) => !this.#jobs.has(job.id));
    for (const left of leftBehind(free, this.#nowMs())) {
      const { job, kept } = left;
      if (job.started !== undefined || job.state === 'running') this.#interrupted(left);
      else if (kept && this.#adopts) this.#add(newLiveJob({ ...job, state: 'queued' }, kept.params, this.#budget, kept));
    }
  }

  /** Another process ended while it ran this job. */
  #interrupted({ job, kept, params }: LeftBehind): void {
    const goesOn = kept !== undefined && this.#adopts && canPause(job.kind) && kept.interruptions < maxInterruptions;
    if (kept?.goOn && !goesOn) return;
    this.#book.save(interruptedAt(job, this.#time()), kept ? { ...kept, goOn: false } : params);
    if (!goesOn) return;
    const { title, command, schedule } = job;
    const next = this.#newJob(job.kind, { title, command, resumes: job.id, ...(schedule === undefined ? {} : { schedule }) });
    const { hold, interruptions, since = job.started } = kept;
    const live = newLiveJob(next, kept.params, this.#budget, { hold, interruptions: interruptions + 1, since });
    this.#add(live);
    this.#jobs.log(live, 'info', `goes on from job ${job.id}, which was interrupted; what is in the store already is not done again`);
  }

  #newJob(kind: JobKind, told: Told): Job {
    return {
      id: randomBytes(6).toString('hex'),
      kind,
      ...told,
      state: 'queued',
      queued: this.#time(),
      progress: noProgress,
      order: lastOrder(this.#jobs.all),
    };
  }

  #add(live: LiveJob): void {
    this.#own.add(live.job.id);
    this.#jobs.add(live);
  }

  #answer(): void {
    try {
      answerAll(
        this.#options.records,
        (id) => this.#jobs.has(id),
        (id, request) => this.#act(id, request),
      );
    } catch {
      // A catalogue that is busy for a moment: whoever asks still waits.
    }
  }

  /** @throws CairnError `not_found`; `bad_request` where the job has ended or another process has it. */
  #ownJob(id: string): LiveJob {
    const live = this.#jobs.find(id);
    if (live) return live;
    const { job, ...kept } = this.#book.kept(id);
    const { owner } = kept;
    if (hasEnded(job)) throw new CairnError('bad_request', `job ${id} is ${job.state}; run it again with retry`);
    throw new CairnError(
      'bad_request',
      lives(kept, this.#nowMs())
        ? `job ${id} belongs to another process (${owner.pid} on ${owner.host}); change it there`
        : `job ${id} was left by a process that has ended; cairn serve or the desktop goes on with it`,
    );
  }

  /** The newest state of a job: with live progress where it runs here. */
  #current(job: Job): Job {
    if (this.#jobs.has(job.id)) return this.#jobs.current(job);
    return hasEnded(job) ? job : { ...job, elsewhere: true };
  }

  #time(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}
