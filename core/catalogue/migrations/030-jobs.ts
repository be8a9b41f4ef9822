import type { Migration } from './migration.ts';

/** Jobs with their logs, and what verifying found. */
export const jobs: Migration = {
  number: 30,
  sql: `
    CREATE TABLE jobs (
      id TEXT NOT NULL PRIMARY KEY,
      kind TEXT NOT NULL,
      state TEXT NOT NULL,
      queued TEXT NOT NULL,
      record TEXT NOT NULL,
      params TEXT NOT NULL
    ) STRICT;
    CREATE INDEX jobs_by_queued ON jobs (queued);

    CREATE TABLE job_log (
      line_key INTEGER PRIMARY KEY,
      job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
      time TEXT NOT NULL,
      level TEXT NOT NULL,
      message TEXT NOT NULL
    ) STRICT;
    CREATE INDEX job_log_by_job ON job_log (job_id, line_key);

    CREATE TABLE verifications (
      verification_key INTEGER PRIMARY KEY,
      store_id TEXT NOT NULL,
      time TEXT NOT NULL,
      mode TEXT NOT NULL,
      snapshots INTEGER NOT NULL,
      bytes_read INTEGER NOT NULL,
      findings INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX verifications_by_store ON verifications (store_id, time);
  `,
};
