/** What became of schedules' runs, as rows; and what earlier versions kept of the schedules themselves, which are in `schedules.json` now. */
import { z } from 'zod';
import { queuePause, schedule, scheduleRun, type ScheduleRun } from '../contract/model.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

const keptRuns = 500;
const json = z.string().transform((text): unknown => JSON.parse(text));
const runRow = z.object({ record: json.pipe(scheduleRun) }).transform(({ record }) => record);

/** Adds a run to a schedule's history, of which the newest are kept. */
export function addScheduleRun(writer: WriteHandle, id: string, run: ScheduleRun): void {
  writer.run('INSERT INTO schedule_runs (schedule_id, at, record) VALUES ($id, $at, $record)', {
    id,
    at: run.at,
    record: JSON.stringify(run),
  });
  writer.run(
    `DELETE FROM schedule_runs WHERE schedule_id = $id AND run_key <=
     (SELECT run_key FROM schedule_runs WHERE schedule_id = $id ORDER BY run_key DESC LIMIT 1 OFFSET $keptRuns)`,
    { id, keptRuns },
  );
}

/** Newest first. */
export function listScheduleRuns(reader: ReadHandle, id: string, limit: number): ScheduleRun[] {
  return reader.all('SELECT record FROM schedule_runs WHERE schedule_id = $id ORDER BY run_key DESC LIMIT $limit', runRow, { id, limit });
}

const lastRow = z.object({ last: z.number() });

/** Key of the newest run of all schedules. */
export function lastScheduleRun(reader: ReadHandle): number {
  return reader.get('SELECT coalesce(max(run_key), 0) AS last FROM schedule_runs', lastRow)!.last;
}

/** Forgets the history of a schedule that was removed. */
export function forgetScheduleRuns(writer: WriteHandle, id: string): void {
  writer.run('DELETE FROM schedule_runs WHERE schedule_id = $id', { id });
}

const earlierSchedule = z
  .object({ record: json.pipe(schedule), last_due_ms: z.number() })
  .transform(({ record, last_due_ms }) => ({ schedule: record, lastDueMs: last_due_ms }));
const earlierPause = z.object({ until: z.string().nullable() }).transform(({ until }) => queuePause.parse(until === null ? {} : { until }));

export interface EarlierSchedules {
  schedules: z.output<typeof earlierSchedule>[];
  pause: z.output<typeof earlierPause> | undefined;
}

const countRow = z.object({ rows: z.number() });

/** Whether there is anything to take. */
export function hasEarlierSchedules(reader: ReadHandle): boolean {
  const sql = 'SELECT (SELECT count(*) FROM earlier_schedules) + (SELECT count(*) FROM earlier_pause) AS rows';
  return reader.get(sql, countRow)!.rows > 0;
}

/** Takes out what catalogues held before schedules and the pause had files of their own. */
export function takeEarlierSchedules(writer: WriteHandle): EarlierSchedules {
  const schedules = writer.all('SELECT record, last_due_ms FROM earlier_schedules', earlierSchedule);
  const pause = writer.get('SELECT until FROM earlier_pause', earlierPause);
  writer.run('DELETE FROM earlier_schedules');
  writer.run('DELETE FROM earlier_pause');
  return { schedules, pause };
}
