import type { Migration } from './migration.ts';

/** Schedules and the pause are in a file of the home; the rows of before wait to be taken there. Runs no longer refer to a table. */
export const scheduleFile: Migration = {
  number: 60,
  sql: `
    CREATE TABLE runs_of_schedules (
      run_key INTEGER PRIMARY KEY,
      schedule_id TEXT NOT NULL,
      at TEXT NOT NULL,
      record TEXT NOT NULL
    ) STRICT;
    INSERT INTO runs_of_schedules SELECT run_key, schedule_id, at, record FROM schedule_runs;
    DROP TABLE schedule_runs;
    ALTER TABLE runs_of_schedules RENAME TO schedule_runs;
    CREATE INDEX schedule_runs_by_schedule ON schedule_runs (schedule_id, run_key);

    ALTER TABLE schedules RENAME TO earlier_schedules;
    ALTER TABLE queue_pause RENAME TO earlier_pause;
  `,
};
