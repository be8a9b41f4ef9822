import type { Migration } from './migration.ts';

/** Schedules with what became of each of their runs, and the pause of all jobs. */
export const schedules: Migration = {
  number: 40,
  sql: `
    CREATE TABLE schedules (
      id TEXT NOT NULL PRIMARY KEY,
      record TEXT NOT NULL,
      last_due_ms INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE schedule_runs (
      run_key INTEGER PRIMARY KEY,
      schedule_id TEXT NOT NULL REFERENCES schedules ON DELETE CASCADE,
      at TEXT NOT NULL,
      record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX schedule_runs_by_schedule ON schedule_runs (schedule_id, run_key);

    CREATE TABLE queue_pause (
      only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
      until TEXT
    ) STRICT;
  `,
};
