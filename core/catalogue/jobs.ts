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

export const unfinishedJobsSql = `SELECT record, params FROM jobs WHERE state IN ('queued', 'waiting', 'running', 'paused')
  OR (state = 'interrupted' AND json_extract(params, '$.goOn')) ORDER BY queued, rowid`;
/** Not ended, new since `key`, or among `ids`. */
export const jobsSinceSql = `SELECT rowid AS key, record FROM jobs WHERE rowid > $key OR state IN ('queued', 'waiting', 'running', 'paused')
  OR id IN (SELECT value FROM json_each($ids)) ORDER BY rowid`;
export const jobLogSinceSql =
  'SELECT line_key AS key, job_id AS id, time, level, message FROM job_log WHERE line_key > $key AND job_id IN (SELECT value FROM json_each($ids)) ORDER BY line_key';

const jobSinceRow = z.object({ key: z.number(), record: json.pipe(jobSchema) }).transform(({ key, record }) => ({ key, job: record }));
const lineSinceRow = jobLogLine.extend({ key: z.number(), id: z.string() }).transform(({ key, id, ...line }) => ({ key, id, line }));

/** A job or a line of a log with what tells it from earlier ones. */
export type JobSince = z.output<typeof jobSinceRow>;
export type JobLineSince = z.output<typeof lineSinceRow>;

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

/** Those that have not ended, and those that a service left to the next one; oldest first. */
export function listUnfinishedJobs(reader: ReadHandle): KeptJob[] {
  return reader.all(unfinishedJobsSql, jobRow);
}

/** Jobs that have not ended, that are newer than `key`, or that are among `ids`. */
export function listJobsSince(reader: ReadHandle, key: number, ids: readonly string[]): JobSince[] {
  return reader.all(jobsSinceSql, jobSinceRow, { key, ids: JSON.stringify(ids) });
}

/** Lines of these jobs' logs that are newer than `key`. */
export function listJobLogSince(reader: ReadHandle, key: number, ids: readonly string[]): JobLineSince[] {
  return reader.all(jobLogSinceSql, lineSinceRow, { key, ids: JSON.stringify(ids) });
}

const lastRow = z.object({ job: z.number(), line: z.number() });

/** Keys of the newest job and the newest line. */
export function lastJobKeys(reader: ReadHandle): { job: number; line: number } {
  return reader.get(
    'SELECT (SELECT coalesce(max(rowid), 0) FROM jobs) AS job, (SELECT coalesce(max(line_key), 0) FROM job_log) AS line',
    lastRow,
  )!;
}

/** The newest job that a schedule of this name started. */
export function lastJobOfSchedule(reader: ReadHandle, schedule: string): KeptJob | undefined {
  const sql =
    "SELECT record, params FROM jobs WHERE json_extract(record, '$.schedule') = $schedule ORDER BY queued DESC, rowid DESC LIMIT 1";
  return reader.get(sql, jobRow, { schedule });
}

/** A job as it was written down last; undefined where none has the id. */
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
