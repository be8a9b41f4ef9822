/**
 * The catalogue: an SQLite index over what scans found and what stores hold, and the record of jobs. All of it but the
 * jobs can be had again from the store and the next scan. Several processes may have it open.
 */
import type { Job, JobLogLine, QueuePause, Run, RunSummary, Schedule, ScheduleRun, Snapshot } from '../contract/model.ts';
import type { KnownFile, ScanResult } from '../scan/found.ts';
import type { IndexCache } from '../store/blob-index.ts';
import { knownFile, saveScan } from './found.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { addJobLog, forgetJobs, listJobs, readJob, readJobLog, readQueuePause, saveJob, saveQueuePause, type KeptJob } from './jobs.ts';
import { openHandles } from './open.ts';
import { PackIndexCache } from './pack-index.ts';
import { listRuns, readRun } from './run-views.ts';
import { listSnapshots, removeSnapshots, replaceSnapshots, saveSnapshots, snapshotIds, type CataloguedSnapshot } from './snapshots.ts';
import { addScheduleRun, claimDue, listScheduleRuns, listSchedules, removeSchedule, saveSchedule, type KeptSchedule } from './schedules.ts';
import { addVerification, coverageNext, listVerifications, type Verification } from './verifications.ts';

export class Catalogue {
  /** One line for the user where an old catalogue was moved aside. */
  readonly notice: string | undefined;
  readonly reader: ReadHandle;
  readonly #writer: WriteHandle;

  private constructor(reader: ReadHandle, writer: WriteHandle, notice: string | undefined) {
    this.reader = reader;
    this.#writer = writer;
    this.notice = notice;
  }

  /**
   * Opens the catalogue at `path`, or begins one; its folder is made.
   *
   * @throws CairnError `denied`, `io`, `no_space` or `locked` as the system says
   */
  static open(path: string): Catalogue {
    const { reader, writer, notice } = openHandles(path);
    return new Catalogue(reader, writer, notice);
  }

  /** Replaces what is known below the scan's roots. @returns ids of the runs found, in the scan's order */
  saveScan(result: ScanResult): string[] {
    return saveScan(this.#writer, result);
  }

  /** For `ScanOptions.previous`: what the last scan knew of a file. */
  readonly previousFile = (path: string): KnownFile | undefined => knownFile(this.reader, path);

  /** Every run on disk or in the store, by name. @param storeId absent: only what is on disk */
  runSummaries(storeId = ''): RunSummary[] {
    return listRuns(this.reader, storeId);
  }

  /** One run with its chain by ascending step. */
  run(id: string, storeId = ''): Run | undefined {
    return readRun(this.reader, storeId, id);
  }

  /** Adds or replaces snapshots of a store. */
  saveSnapshots(storeId: string, snapshots: readonly CataloguedSnapshot[]): void {
    saveSnapshots(this.#writer, storeId, snapshots);
  }

  /** Makes the catalogue hold exactly these snapshots of a store. */
  replaceSnapshots(storeId: string, snapshots: readonly CataloguedSnapshot[]): void {
    replaceSnapshots(this.#writer, storeId, snapshots);
  }

  removeSnapshots(storeId: string, ids: readonly string[]): void {
    removeSnapshots(this.#writer, storeId, ids);
  }

  /** A store's snapshots by run and step; of one run where its id is given. */
  snapshots(storeId: string, runId?: string): Snapshot[] {
    return listSnapshots(this.reader, storeId, runId);
  }

  snapshotIds(storeId: string): Set<string> {
    return snapshotIds(this.reader, storeId);
  }

  /** For `StoreOptions.indexCache`. */
  indexCache(storeId: string): IndexCache {
    return new PackIndexCache(this.reader, this.#writer, storeId);
  }

  saveJob(job: Job, params: unknown): void {
    saveJob(this.#writer, job, params);
  }

  jobs(limit: number): KeptJob[] {
    return listJobs(this.reader, limit);
  }

  job(id: string): KeptJob | undefined {
    return readJob(this.reader, id);
  }

  addJobLog(id: string, line: JobLogLine): void {
    addJobLog(this.#writer, id, line);
  }

  jobLog(id: string): JobLogLine[] {
    return readJobLog(this.reader, id);
  }

  /** Forgets all but the newest `keep` jobs, except those not ended. @returns how many went */
  forgetJobs(keep: number): number {
    return forgetJobs(this.#writer, keep);
  }

  queuePause(): QueuePause | undefined {
    return readQueuePause(this.reader);
  }

  saveQueuePause(pause: QueuePause | undefined): void {
    saveQueuePause(this.#writer, pause);
  }

  /** @param next of a verification of the whole store: where the next partial one goes on */
  /** By name. */
  schedules(): KeptSchedule[] {
    return listSchedules(this.reader);
  }

  saveSchedule(schedule: Schedule, lastDueMs: number): void {
    saveSchedule(this.#writer, schedule, lastDueMs);
  }

  removeSchedule(id: string): boolean {
    return removeSchedule(this.#writer, id);
  }

  /** True for the one caller, in whichever process, that settles a due time. */
  claimDue(id: string, beforeMs: number, dueMs: number): boolean {
    return claimDue(this.#writer, id, beforeMs, dueMs);
  }

  addScheduleRun(id: string, run: ScheduleRun): void {
    addScheduleRun(this.#writer, id, run);
  }

  /** Newest first. */
  scheduleRuns(id: string, limit: number): ScheduleRun[] {
    return listScheduleRuns(this.reader, id, limit);
  }

  addVerification(storeId: string, verification: Verification, next?: string): void {
    addVerification(this.#writer, storeId, verification, next);
  }

  /** Where the next partial verification of a store goes on; undefined: at the beginning. */
  coverageNext(storeId: string): string | undefined {
    return coverageNext(this.reader, storeId);
  }

  /** Newest first. */
  verifications(storeId: string, limit = 100): Verification[] {
    return listVerifications(this.reader, storeId, limit);
  }

  close(): void {
    this.reader.close();
    this.#writer.close();
  }
}
