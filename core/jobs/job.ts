/**
 * What a job is: a function from a context and its parameters to a result record. The queue starts it, keeps its state
 * and log, and ends it; the job does the work and speaks only through its context.
 */
import type { CodecPool } from '../codec/pool.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { CairnError, type Failure } from '../contract/errors.ts';
import type { Job, JobKind, JobLogLine, JobProgress } from '../contract/model.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';

/** How far a job is. The queue adds rate and ETA, and passes at most ten updates a second on; call it as often as is handy. */
export type ProgressUpdate = Omit<JobProgress, 'bytesPerSecond' | 'etaMs'>;

/** Of threads: jobs that a schedule started stay behind whatever else the machine does. */
export type Priority = 'normal' | 'low';

/** What planning, archiving and all other stages may reach. Whoever made it closes what it opened; jobs close nothing. */
export interface StageAccess {
  readonly storePath: string;
  readonly catalogue: Catalogue;
  /** The one thread budget of the process, started on first use; `threads` where the caller asked for another number. */
  pool(threads?: number, priority?: Priority): CodecPool;
  /**
   * The store opened for reading, without a lock; the same one at every call.
   *
   * @throws CairnError `not_found` where there is no store yet, `unsupported` for another format.
   */
  readStore(): Promise<Store>;
  /** True where the store's folder holds a store. */
  storeExists(): Promise<boolean>;
  /** Tells views that runs or snapshots changed: run ids, or nothing where it may be any. */
  changed(runs?: string[]): void;
}

export interface JobContext extends StageAccess {
  readonly id: string;
  /** The job as it is now. */
  record(): Job;
  /** Of a job that goes on from an earlier attempt: when that began. What was sealed since then is this job's own. */
  readonly goesOnSince?: string | undefined;
  /** Aborted when the user cancels or the service closes: stop soon and throw `signal.reason` (a CairnError `cancelled`). */
  readonly signal: AbortSignal;
  progress(update: ProgressUpdate): void;
  /** One line of the job's log, for people. */
  log(level: JobLogLine['level'], message: string): void;
  /**
   * The store opened for writing, created where there is none; its lock is held until the job has ended. The same one at every call.
   *
   * @throws CairnError `locked` where another process writes.
   */
  writeStore(): Promise<Store>;
  /** Lists a snapshot that was just committed, and tells views. */
  catalogueSnapshot(id: string, manifest: Manifest): Promise<void>;
}

/** The record that a job leaves: the members that the command line prints as its summary (DESIGN section 7). */
export type JobResult = Record<string, unknown>;

/** Work that went as far as it could but must not pass for success: the job has failed, and keeps its record. */
export class FailedWith extends CairnError {
  readonly result: JobResult;

  constructor({ code, message, path }: Failure, result: JobResult) {
    super(code, message, path === undefined ? {} : { path });
    this.result = result;
  }
}

/** One kind of job. `params` are those of the contract's `<kind>.start`, checked, defaults filled in. */
export type JobFunction<Params> = (context: JobContext, params: Params) => Promise<JobResult>;

/** Whether jobs of a kind write to the store: of these one runs at a time, readers run beside. */
export const jobAccess: Record<JobKind, 'read' | 'write'> = {
  archive: 'write',
  verify: 'read',
  restore: 'read',
  rebuild: 'write',
  remove: 'write',
  prune: 'write',
  repair: 'write',
  copy: 'read', // it writes to the other store, under that one's lock
};
