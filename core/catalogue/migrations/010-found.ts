import type { Migration } from './migration.ts';

/** Runs, and the checkpoints and files that scans found. Paths of checkpoints are relative to their run. */
export const found: Migration = {
  number: 10,
  sql: `
    CREATE TABLE runs (
      run_key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      path TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      layout TEXT NOT NULL,
      losses TEXT NOT NULL
    ) STRICT;

    CREATE TABLE checkpoints (
      checkpoint_key INTEGER PRIMARY KEY,
      run_key INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      path TEXT NOT NULL,
      step INTEGER NOT NULL,
      step_from TEXT NOT NULL,
      files INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      modified TEXT NOT NULL,
      state TEXT NOT NULL,
      reason TEXT,
      formats TEXT NOT NULL,
      parts TEXT NOT NULL,
      UNIQUE (run_key, path)
    ) STRICT;

    CREATE TABLE files (
      path TEXT NOT NULL PRIMARY KEY,
      checkpoint_key INTEGER NOT NULL REFERENCES checkpoints ON DELETE CASCADE,
      size INTEGER NOT NULL,
      mtime_ns INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      device INTEGER NOT NULL,
      header TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX files_by_checkpoint ON files (checkpoint_key);
  `,
};
