/** Jobs and their logs as rows. What a record means is the queue's; here it is kept. */
import { z } from 'zod';
import { job as jobSchema, jobLogLine, type Job, type JobLogLine } from '../contract/model.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** A job as it is kept: the record that clients see, and what is needed to run it again. */
export interface KeptJob {
  job: Job;
  /** Plain JSON. */
  params: unknown;
}

const json = z.string().transform((text): unknown => JSON.parse(text));
const jobRow = z
  .object({ record: json.pipe(jobSchema), params: json })
  .transform(({ record, params }): KeptJob => ({ job: record, params }));

export const jobsSql = 'SELECT record, params FROM jobs ORDER BY queued DESC, rowid DESC LIMIT $limit';
export const jobLogSql = 'SELECT time, level, message FROM job_log WHERE job_id = $id ORDER BY line_key';

/** Inserts or replaces by `job.id`. @param params plain JSON, enough to run it again */
export function saveJob(writer: WriteHandle, job: Job, params: unknown): void {
  const { id, kind, state, queued } = job;
  writer.run(
    `INSERT INTO jobs (id, kind, state, queued, record, params) VALUES ($id, $kind, $state, $queued, $record, $params)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record, params = excluded.params`,
    { id, kind, state, queued, record: JSON.stringify(job), params: JSON.stringify(params ?? null) },
  );
}

/** Newest first. */
export function listJobs(reader: ReadHandle, limit: number): KeptJob[] {
  return reader.all(jobsSql, jobRow, { limit });
}

export function readJob(reader: ReadHandle, id: string): KeptJob | undefined {
  return reader.get('SELECT record, params FROM jobs WHERE id = $id', jobRow, { id });
}

/** Adds a line; one for a job that is not known is dropped. */
export function addJobLog(writer: WriteHandle, id: string, { time, level, message }: JobLogLine): void {
  writer.run(
    'INSERT INTO job_log (job_id, time, level, message) SELECT $id, $time, $level, $message WHERE EXISTS (SELECT 1 FROM jobs WHERE id = $id)',
    { id, time, level, message },
  );
}

/** In the order in which they were added. */
export function readJobLog(reader: ReadHandle, id: string): JobLogLine[] {
  return reader.all(jobLogSql, jobLogLine, { id });
}

/** Forgets all but the newest ended jobs, with their logs. @returns how many went */
export function forgetJobs(writer: WriteHandle, keep: number): number {
  return writer.run(
    `DELETE FROM jobs WHERE state NOT IN ('queued', 'waiting', 'running', 'paused') AND id NOT IN (SELECT id FROM jobs ORDER BY queued DESC, rowid DESC LIMIT $keep)`,
    { keep },
  );
}
