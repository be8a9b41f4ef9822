/** Where the queue keeps jobs and their logs: two tables of the catalogue. */
import type { Job, JobLogLine, QueuePause } from '../contract/model.ts';
import type { RequestRecords } from './requests.ts';

/** A job as it is kept: the record that clients see, and what is needed to run it again. */
export interface KeptJob {
  job: Job;
  /** Plain JSON. */
  params: unknown;
}

export interface JobRecords extends RequestRecords {
  /** Inserts or replaces by `job.id`. */
  saveJob(job: Job, params: unknown): void;
  /** Newest first by `queued`. */
  jobs(limit: number): KeptJob[];
  job(id: string): KeptJob | undefined;
  addJobLog(id: string, line: JobLogLine): void;
  /** In the order they were added. */
  jobLog(id: string): JobLogLine[];
  /** Forgets all but the newest `keep` jobs, except those that have not ended. */
  forgetJobs(keep: number): void;
  /** Those that have not ended, and those that a service left to the next one; oldest first. */
  unfinishedJobs(): KeptJob[];
  /** The newest job that a schedule of this name started. */
  lastJobOfSchedule(schedule: string): KeptJob | undefined;
  /** Another one whenever anything was written, by whatever process. */
  version(): number;
  /** Jobs that have not ended, that are newer than `key`, or that are among `ids`. */
  jobsSince(key: number, ids: readonly string[]): { key: number; job: Job }[];
  /** Lines of these jobs' logs that are newer than `key`. */
  jobLogSince(key: number, ids: readonly string[]): { key: number; id: string; line: JobLogLine }[];
  /** Keys of the newest job and of the newest line of a log. */
  lastJobKeys(): { job: number; line: number };
}

/** Where the pause of every job of the home is kept, which any process may set. */
export interface PauseRecord {
  queuePause(): QueuePause | undefined;
  saveQueuePause(pause: QueuePause | undefined): void;
}
