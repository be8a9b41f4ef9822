/**
 * The catalogue: an SQLite index over what scans found and what stores hold, and the record of jobs. All of it but the
 * jobs and the schedules' runs can be had again from the store and the next scan. Several processes may have it open.
 */
import { z } from 'zod';
import type { Job, JobLogLine, Run, RunSummary, ScheduleRun, Snapshot } from '../contract/model.ts';
import type { KnownFile, ScanResult } from '../scan/found.ts';
import type { IndexCache } from '../store/blob-index.ts';
import { knownFile, saveScan } from './found.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { addDurable, forgetDurable, listDurable, type DurableContent } from './durable.ts';
import { addJobRequest, answerJobRequest, jobRequestAnswer, listJobRequests, removeJobRequest, type JobRequest } from './job-requests.ts';
import {
  addJobLog,
  forgetJobs,
  lastJobKeys,
  lastJobOfSchedule,
  listJobLogSince,
  listJobs,
  listJobsSince,
  listUnfinishedJobs,
  readJob,
  readJobLog,
  saveJob,
  type JobLineSince,
  type JobSince,
  type KeptJob,
} from './jobs.ts';
import { openHandles } from './open.ts';
import { PackIndexCache } from './pack-index.ts';
import { listRuns, readRun } from './run-views.ts';
import {
  hasSnapshots,
  listSnapshots,
  removeSnapshots,
  replaceSnapshots,
  saveSnapshots,
  snapshotIds,
  type CataloguedSnapshot,
} from './snapshots.ts';
import {
  addScheduleRun,
  hasEarlierSchedules,
  forgetScheduleRuns,
  lastScheduleRun,
  listScheduleRuns,
  takeEarlierSchedules,
  type EarlierSchedules,
} from './schedule-runs.ts';
import { addVerification, coverageNext, listVerifications, type Verification } from './verifications.ts';

const dataVersionRow = z.object({ data_version: z.number() });

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

  /** Another one whenever anything was written, by whatever process. */
  version(): number {
    return this.reader.get('PRAGMA data_version', dataVersionRow)!.data_version;
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

  hasSnapshots(storeId: string): boolean {
    return hasSnapshots(this.reader, storeId);
  }

  /** For `StoreOptions.indexCache`. */
  indexCache(storeId: string): IndexCache {
    return new PackIndexCache(this.reader, this.#writer, storeId);
  }

  /** What an archive into a store that was cut off had published of a checkpoint. @param checkpoint its path */
  durableContents(storeId: string, checkpoint: string): DurableContent[] {
    return listDurable(this.reader, storeId, checkpoint);
  }

  addDurable(storeId: string, checkpoint: string, contents: readonly DurableContent[], nowMs: number): void {
    addDurable(this.#writer, storeId, checkpoint, contents, nowMs);
  }

  forgetDurable(storeId: string, checkpoint: string): void {
    forgetDurable(this.#writer, storeId, checkpoint);
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

  /** Those that have not ended, and those that a service left to the next one; oldest first. */
  unfinishedJobs(): KeptJob[] {
    return listUnfinishedJobs(this.reader);
  }

  /** The newest job that a schedule of this name started. */
  lastJobOfSchedule(schedule: string): KeptJob | undefined {
    return lastJobOfSchedule(this.reader, schedule);
  }

  /** Jobs that have not ended, that are newer than `key`, or that are among `ids`. */
  jobsSince(key: number, ids: readonly string[]): JobSince[] {
    return listJobsSince(this.reader, key, ids);
  }

  /** Lines of these jobs' logs that are newer than `key`. */
  jobLogSince(key: number, ids: readonly string[]): JobLineSince[] {
    return listJobLogSince(this.reader, key, ids);
  }

  /** Keys of the newest job and of the newest line of a log. */
  lastJobKeys(): { job: number; line: number } {
    return lastJobKeys(this.reader);
  }

  /** What this process asks of a job that another one has. */
  addJobRequest(request: JobRequest, nowMs: number): void {
    this.#writer.transaction(() => addJobRequest(this.#writer, request, nowMs));
  }

  /** Those without an answer, in the order in which they came. */
  jobRequests(): JobRequest[] {
    return listJobRequests(this.reader);
  }

  answerJobRequest(id: string, answer: unknown): void {
    answerJobRequest(this.#writer, id, answer);
  }

  /** @returns undefined while there is none */
  jobRequestAnswer(id: string): unknown {
    return jobRequestAnswer(this.reader, id);
  }

  removeJobRequest(id: string): void {
    removeJobRequest(this.#writer, id);
  }

  /** Forgets all but the newest `keep` jobs, except those not ended. @returns how many went */
  forgetJobs(keep: number): number {
    return forgetJobs(this.#writer, keep);
  }

  /** Schedules' runs: when they were due, and what became of them. */
  addScheduleRun(id: string, run: ScheduleRun): void {
    addScheduleRun(this.#writer, id, run);
  }

  /** Newest first. */
  scheduleRuns(id: string, limit: number): ScheduleRun[] {
    return listScheduleRuns(this.reader, id, limit);
  }

  /** Key of the newest run of all schedules. */
  lastScheduleRun(): number {
    return lastScheduleRun(this.reader);
  }

  forgetScheduleRuns(id: string): void {
    forgetScheduleRuns(this.#writer, id);
  }

  /** Does something while no other process of this home does any such thing. */
  exclusively<T>(work: () => T): T {
    return this.#writer.transaction(work);
  }

  /** Whether there is anything for `takeEarlierSchedules`. */
  hasEarlierSchedules(): boolean {
    return hasEarlierSchedules(this.reader);
  }

  /** Schedules and the pause that catalogues of earlier versions kept, once: they are no longer there afterwards. */
  takeEarlierSchedules(): EarlierSchedules {
    return takeEarlierSchedules(this.#writer);
  }

  /** @param next of a verification of the whole store: where the next partial one goes on */
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
