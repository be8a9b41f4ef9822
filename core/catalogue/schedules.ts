/** Schedules and what became of their runs, as rows. Several processes may evaluate the same schedules: `claim` decides who runs one. */
import { z } from 'zod';
import { schedule as scheduleSchema, scheduleRun, type Schedule, type ScheduleRun } from '../contract/model.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** A schedule, and the due time that was settled last (its creation, before the first one). */
export interface KeptSchedule {
  schedule: Schedule;
  lastDueMs: number;
}

const keptRuns = 500;
const json = z.string().transform((text): unknown => JSON.parse(text));
const scheduleRow = z
  .object({ record: json.pipe(scheduleSchema), last_due_ms: z.number() })
  .transform(({ record, last_due_ms }): KeptSchedule => ({ schedule: record, lastDueMs: last_due_ms }));
const runRow = z.object({ record: json.pipe(scheduleRun) }).transform(({ record }) => record);

/** By name. */
export function listSchedules(reader: ReadHandle): KeptSchedule[] {
  const found = reader.all('SELECT record, last_due_ms FROM schedules', scheduleRow);
  return found.sort((a, b) => a.schedule.name.localeCompare(b.schedule.name, 'en', { numeric: true }));
}

/** Inserts or replaces; the clock of a changed one starts anew at `lastDueMs`. */
export function saveSchedule(writer: WriteHandle, schedule: Schedule, lastDueMs: number): void {
  writer.run(
    `INSERT INTO schedules (id, record, last_due_ms) VALUES ($id, $record, $lastDueMs)
     ON CONFLICT (id) DO UPDATE SET record = excluded.record, last_due_ms = excluded.last_due_ms`,
    { id: schedule.id, record: JSON.stringify(schedule), lastDueMs },
  );
}

/** With its history. @returns whether it was there */
export function removeSchedule(writer: WriteHandle, id: string): boolean {
  return writer.run('DELETE FROM schedules WHERE id = $id', { id }) > 0;
}

/** @returns true for the one caller that settles this due time; false where another process has */
export function claimDue(writer: WriteHandle, id: string, beforeMs: number, dueMs: number): boolean {
  const values = { id, beforeMs, dueMs };
  return writer.run('UPDATE schedules SET last_due_ms = $dueMs WHERE id = $id AND last_due_ms = $beforeMs', values) > 0;
}

export function addScheduleRun(writer: WriteHandle, id: string, run: ScheduleRun): void {
  writer.run(
    `INSERT INTO schedule_runs (schedule_id, at, record)
     SELECT $id, $at, $record WHERE EXISTS (SELECT 1 FROM schedules WHERE id = $id)`,
    { id, at: run.at, record: JSON.stringify(run) },
  );
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
