import type { Migration } from './migration.ts';

/** What one process asks of a job that another one has, and the answer; and how to find the jobs that have not ended. */
export const jobRequests: Migration = {
  number: 80,
  sql: `
    CREATE TABLE job_requests (
      id TEXT NOT NULL PRIMARY KEY,
      job_id TEXT NOT NULL,
      request TEXT NOT NULL,
      answer TEXT,
      time_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state);
  `,
};
