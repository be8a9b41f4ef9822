/** A job while it waits or runs in this process, and the context that its function is given. */
import { CairnError } from '../contract/errors.ts';
import type { Job, JobKind } from '../contract/model.ts';
import type { Store } from '../store/store.ts';
import type { Budget } from './budget.ts';
import { Gate } from './gate.ts';
import type { JobContext, Priority, StageAccess } from './job.ts';
import type { Lack } from './lack.ts';
import type { KeptParams } from './owner.ts';
import { ProgressMeter } from './progress-meter.ts';

export interface LiveJob {
  job: Job;
  params: unknown;
  controller: AbortController;
  meter: ProgressMeter;
  gate: Gate;
  /** A pause that somebody asked for. */
  hold: KeptParams['hold'];
  interruptions: number;
  /** Given to it while it runs; its own word against what work in the background gets. */
  threads: number | undefined;
  since: string | undefined;
  /** Where it waits for room on a disk, or for another process to end writing. */
  lack: Lack | undefined;
  logLines: number;
  /** When its state was last told, and last recorded. */
  toldAtMs: number;
  keptAtMs: number;
  /** Runs out when the next telling may come. */
  timer: NodeJS.Timeout | undefined;
  /** Resolves when its function has ended. */
  ended: Promise<void>;
}

type More = Partial<Pick<KeptParams, 'hold' | 'interruptions' | 'since'>>;

/** A job that waits for its turn. @param more of one that is taken over or gone on with */
export function newLiveJob(job: Job, params: unknown, budget: Budget, more: More = {}): LiveJob {
  const told = { logLines: 0, toldAtMs: -Infinity, keptAtMs: -Infinity, timer: undefined };
  const { hold, interruptions = 0, since } = more;
  const parts = { controller: new AbortController(), meter: new ProgressMeter(), gate: new Gate(budget), ended: Promise.resolve() };
  return { job, params, ...parts, hold, interruptions, threads: undefined, since, lack: undefined, ...told };
}

/** Whether its function was called. */
export const hasBegun = ({ job }: LiveJob): boolean => job.started !== undefined;

/** What a job finds in `signal.reason`: a CairnError, and the state that it leads to. */
export class StopReason extends CairnError {
  readonly state: 'cancelled' | 'interrupted';

  constructor(state: 'cancelled' | 'interrupted', message: string) {
    super('cancelled', message);
    this.state = state;
  }
}

/** What the queue needs of the service to give jobs their context. */
export interface QueueAccess {
  access: StageAccess;
  /** Opens the store with its lock for a job of this kind; `close` gives it up. */
  openForWriting(kind: JobKind): Promise<{ store: Store; close(): Promise<void> }>;
  /** Lists a committed snapshot in the catalogue. */
  catalogueSnapshot: JobContext['catalogueSnapshot'];
}

/** Of jobs that a schedule or a watch started nobody waits for the end. */
export function priorityOf({ job, params }: Pick<LiveJob, 'job' | 'params'>): Priority {
  const inBackground = (params as { background?: boolean } | null)?.background === true;
  return inBackground || job.schedule !== undefined ? 'low' : 'normal';
}

/** How many of its tasks run at once: what it was given, or for work in the background its share; the rest is up to the budget. */
export function shareOf(live: LiveJob, backgroundThreads: number): number {
  const asked = live.threads ?? (live.params as { threads?: number } | null)?.threads;
  return asked ?? (priorityOf(live) === 'low' ? backgroundThreads : Infinity);
}

/** @returns the context, and what gives back the lock of the store where the job took it */
export function contextOf(
  live: LiveJob,
  { access, openForWriting, catalogueSnapshot }: QueueAccess,
  told: Pick<JobContext, 'progress' | 'log'>,
): { context: JobContext; release(): Promise<void> } {
  let writing: ReturnType<QueueAccess['openForWriting']> | undefined;
  const context: JobContext = {
    storePath: access.storePath,
    catalogue: access.catalogue,
    pool: (threads) => access.pool(threads, priorityOf(live)).behind(live.gate),
    readStore: () => access.readStore(),
    storeExists: () => access.storeExists(),
    changed: (runs) => access.changed(runs),
    id: live.job.id,
    record: () => live.job,
    goesOnSince: live.since,
    signal: live.controller.signal,
    ...told,
    catalogueSnapshot,
    writeStore: async () => (await (writing ??= openForWriting(live.job.kind))).store,
  };
  const release = async (): Promise<void> => {
    // A store that could not be opened was the job's failure already.
    await writing?.then(
      ({ close }) => close(),
      () => undefined,
    );
  };
  return { context, release };
}
