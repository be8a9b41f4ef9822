/**
 * The running core: catalogue, settings, store and job queue of one home, served over any number of connections. The
 * desktop, the local server, the command line and the tests all run this one.
 */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Catalogue } from '../catalogue/catalogue.ts';
import { ScheduleFile } from '../catalogue/schedule-file.ts';
import { Settings } from '../catalogue/settings.ts';
import { aboutCore } from '../codec/hashing.ts';
import { CodecPool, startWorkers } from '../codec/pool.ts';
import type { Connection } from '../contract/connection.ts';
import type { Manners } from '../contract/model.ts';
import type { EventName, PayloadOf, ResultOf } from '../contract/methods.ts';
import { Budget } from '../jobs/budget.ts';
import type { Priority, StageAccess } from '../jobs/job.ts';
import { Onlooker } from '../jobs/onlooker.ts';
import { JobQueue } from '../jobs/queue.ts';
import type { Scheduler } from '../jobs/scheduler.ts';
import { Wakefulness } from '../jobs/wakefulness.ts';
import type { Manifest } from '../store/manifest.ts';
import { formatVersion } from '../store/store.ts';
import { dispatch, type Handlers } from './dispatcher.ts';
import { createHandlers } from './handlers.ts';
import type { ServiceAccess } from './handlers/access.ts';
import { jobFunctions } from './job-functions.ts';
import { createScheduler } from './scheduling.ts';
import { Seat } from './seat.ts';
import { SnapshotContents } from './snapshot-contents.ts';
import { SnapshotMirror } from './snapshot-mirror.ts';
import { StoreAccess } from './store-access.ts';
import { Surroundings } from './surroundings.ts';
import { version } from './version.ts';

export interface ServiceOptions {
  /** Folder of catalogue and settings; made where it isn't there. */
  home: string;
  storePath: string;
  /** What the service runs inside, in a user's words. */
  host: string;
  /** Workers of the codec; by default one for every core. */
  threads?: number;
  /** For services that live on: they run jobs that a process left queued when it ended, and notice what others archive. */
  stays?: boolean;
  /** Its jobs wait for what they lack, as those of one that stays do. */
  waits?: boolean;
  /** What it runs inside keeps the machine awake where that matters. */
  isKeptAwake?: boolean;
  /** One line that belongs to no call: a catalogue moved aside, a stale lock replaced. */
  onProblem?: (message: string) => void;
}

type EventListener = <E extends EventName>(event: E, payload: PayloadOf<E>) => void;

/** A service that stays looks this often for what other processes changed in the store. */
const lookAgainMs = 5000;
/** And this often for what their jobs do. */
const followMs = 1000;
/** Schedules are looked at this often. */
const scheduleTickMs = 10_000;

/** From sources, everything that goes out is held against the contract; a bundle trusts what the tests have shown. */
const checkResults = import.meta.url.endsWith('.ts');

export class Service implements ServiceAccess {
  readonly catalogue: Catalogue;
  readonly settings: Settings;
  readonly store: StoreAccess;
  readonly mirror: SnapshotMirror;
  readonly queue: JobQueue;
  readonly scheduler: Scheduler;
  readonly stages: StageAccess;
  readonly surroundings: Surroundings;
  readonly #budget = new Budget();
  readonly #wakefulness = new Wakefulness();
  readonly #seat: Seat;
  #isSeated = false;
  readonly #options: ServiceOptions;
  readonly #handlers: Handlers;
  readonly #pools = new Map<string, CodecPool>();
  readonly #listeners = new Set<EventListener>();
  readonly #connections = new Set<Connection>();
  #contents: SnapshotContents | undefined;
  #looking: NodeJS.Timeout | undefined;
  #following: NodeJS.Timeout | undefined;
  readonly #schedules: ScheduleFile;
  #schedulesSeen: string | undefined;

  private constructor(options: ServiceOptions, catalogue: Catalogue, settings: Settings, schedules: ScheduleFile) {
    const onProblem = options.onProblem ?? (() => undefined);
    this.#options = options;
    this.catalogue = catalogue;
    this.settings = settings;
    this.#schedules = schedules;
    this.#seat = new Seat(options.home, catalogue, randomUUID());
    this.store = new StoreAccess(options.storePath, catalogue, onProblem);
    this.mirror = new SnapshotMirror(catalogue, this.store, () => this.emit('catalogue.changed', {}), options.stays ?? false);
    this.stages = this.#stages();
    this.surroundings = new Surroundings(this.store.backend);
    const onScheduleChange = (): void => this.emit('schedules.changed', {});
    this.scheduler = createScheduler({
      stages: this.stages,
      records: schedules,
      queue: () => this.queue,
      machine: this.surroundings,
      manners: () => this.settings.manners,
      onChange: onScheduleChange,
      onProblem,
    });
    this.queue = new JobQueue({
      records: catalogue,
      pauses: schedules,
      functions: jobFunctions,
      access: this.stages,
      openForWriting: (kind) => this.store.write(kind === 'archive'),
      catalogueSnapshot: (id, manifest) => this.#catalogueSnapshot(id, manifest),
      onChange: (payload) => this.emit('job.changed', payload),
      onLog: (payload) => this.emit('job.log', payload),
      onPause: (payload) => this.emit('queue.changed', payload),
      onProblem,
      adopt: this.#sits(),
      stays: options.stays ?? false,
      waits: options.waits ?? false,
      policyHold: ({ schedule }, priority) => (priority === 'low' ? this.scheduler.holdOf(schedule) : undefined),
      budget: this.#budget,
      ...(options.isKeptAwake ? {} : { keepAwake: (wanted: boolean) => this.#wakefulness.keep(wanted) }),
    });
    this.#applyManners();
    this.#handlers = createHandlers(this);
    if (catalogue.notice) onProblem(catalogue.notice);
    if (this.#isSeated) this.scheduler.begin(scheduleTickMs);
    if (options.stays) this.#lookOn();
  }

  /** @throws CairnError `bad_input` for settings that can't be read, `denied`, `no_space`, `io`. */
  static async open(options: ServiceOptions): Promise<Service> {
    const settings = await Settings.open(options.home);
    const catalogue = Catalogue.open(path.join(options.home, 'catalogue.sqlite'));
    try {
      return new Service(options, catalogue, settings, ScheduleFile.open(options.home, catalogue));
    } catch (thrown) {
      catalogue.close();
      throw thrown;
    }
  }

  /** Serves a connection until it closes. */
  serve(connection: Connection): void {
    this.#connections.add(connection);
    dispatch(connection, this.#handlers, (listener) => this.#listen(listener), {
      checkResults,
      onEnd: () => this.#connections.delete(connection),
    });
  }

  /** Interrupts running jobs, waits for them, and closes everything. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    clearInterval(this.#following);
    await this.scheduler.close();
    await this.queue.close();
    this.#wakefulness.close();
    this.#seat.leave();
    this.#budget.close();
    for (const connection of [...this.#connections]) connection.close('the service has closed');
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    this.catalogue.close();
  }

  emit<E extends EventName>(event: E, payload: PayloadOf<E>): void {
    for (const listener of [...this.#listeners]) listener(event, payload);
  }

  about(): ResultOf<'service.about'> {
    const { home, storePath, host } = this.#options;
    return {
      version: version(),
      format: formatVersion,
      host,
      implementation: aboutCore().implementation,
      threads: this.#threads(),
      store: storePath,
      home,
    };
  }

  evaluatesSchedules(): boolean {
    return this.#isSeated || this.#seat.isTaken(Date.now());
  }

  /** Of the services that stay one evaluates schedules and adopts jobs; another takes over when that is gone. */
  #sits(): boolean {
    this.#isSeated = this.#options.stays === true && this.#seat.take(Date.now());
    if (this.#options.stays && !this.#isSeated)
      this.#options.onProblem?.('another service runs schedules of this home; this one takes over when that ends');
    return this.#isSeated;
  }

  /** From now on what other processes of this home do is seen here too. */
  #lookOn(): void {
    this.#looking = setInterval(() => this.#lookAgain(), lookAgainMs).unref();
    const onlooker = new Onlooker({
      records: this.catalogue,
      isOwn: (id) => this.queue.isOwn(id),
      onChange: (payload) => this.emit('job.changed', payload),
      onLog: (payload) => this.emit('job.log', payload),
    });
    const look = (): void => {
      try {
        onlooker.look();
        this.queue.followPause();
        this.#followSchedules();
      } catch {
        // A catalogue that is busy for a moment: the next look tells.
      }
    };
    look();
    this.#following = setInterval(look, followMs).unref();
  }

  /** Another process may have changed them, or run one. */
  #followSchedules(): void {
    const seen = this.#schedules.version();
    if (this.#schedulesSeen !== undefined && seen !== this.#schedulesSeen) this.emit('schedules.changed', {});
    this.#schedulesSeen = seen;
  }

  #lookAgain(): void {
    void this.mirror.sync().catch(() => undefined);
    try {
      this.#followSettings();
      if (!this.#seat.take(Date.now())) return;
      if (this.#isSeated) return this.queue.takeStock();
      this.#isSeated = true;
      this.queue.adopt();
      this.scheduler.begin(scheduleTickMs);
    } catch {
      // A home that can't be written for a moment: it is tried again.
    }
  }

  /** What a command line changed meanwhile holds here too. */
  #followSettings(): void {
    if (!this.settings.refresh()) return;
    this.#applyManners();
    this.emit('manners.changed', { manners: this.settings.manners });
    this.emit('catalogue.changed', {});
  }

  /** From now on: the next task of every job sees it. */
  async setManners(manners: Manners): Promise<void> {
    await this.settings.setManners(manners);
    this.#applyManners();
    this.emit('manners.changed', { manners });
  }

  /** What the machine runs on changed; or it woke up, so that something may be due. */
  tellPower(power: { onBattery: boolean }): void {
    this.surroundings.tellPower(power);
    if (this.#isSeated) void this.scheduler.tick();
  }

  #applyManners(): void {
    const { threads, backgroundThreads, bytesPerSecond } = this.settings.manners;
    this.#budget.set({ threads, bytesPerSecond });
    this.queue.limitBackground(backgroundThreads ?? Math.max(1, Math.floor(availableParallelism() / 2)));
  }

  async contents(): Promise<SnapshotContents> {
    this.#contents ??= new SnapshotContents(await this.store.read());
    return this.#contents;
  }

  #threads(): number {
    return this.#options.threads ?? availableParallelism();
  }

  #stages(): StageAccess {
    return {
      storePath: this.store.path,
      catalogue: this.catalogue,
      pool: (threads, priority) => this.#pool(threads ?? this.#threads(), priority ?? 'normal'),
      readStore: () => this.store.read(),
      storeExists: () => this.store.exists(),
      changed: (runs) => {
        this.mirror.invalidate();
        this.emit('catalogue.changed', runs ? { runs } : {});
      },
    };
  }

  #pool(threads: number, priority: Priority): CodecPool {
    const key = `${threads} ${priority}`;
    const pool = this.#pools.get(key) ?? new CodecPool(threads, startWorkers(threads, priority));
    this.#pools.set(key, pool);
    return pool;
  }

  async #catalogueSnapshot(id: string, manifest: Manifest): Promise<void> {
    this.mirror.save((await this.store.read()).id, id, manifest);
    this.emit('catalogue.changed', {});
  }

  #listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
