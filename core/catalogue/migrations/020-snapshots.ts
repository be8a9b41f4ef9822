import type { Migration } from './migration.ts';

/** Snapshots by store, the totals of runs that lists show, and what the packs of a store hold. */
export const snapshots: Migration = {
  number: 20,
  sql: `
    CREATE TABLE snapshots (
      store_id TEXT NOT NULL,
      id TEXT NOT NULL,
      run_key INTEGER NOT NULL REFERENCES runs,
      step INTEGER NOT NULL,
      path TEXT NOT NULL,
      time TEXT NOT NULL,
      created TEXT NOT NULL,
      kind TEXT NOT NULL,
      depth INTEGER NOT NULL,
      files INTEGER NOT NULL,
      tensors INTEGER NOT NULL,
      bytes_original INTEGER NOT NULL,
      bytes_stored INTEGER NOT NULL,
      method TEXT NOT NULL,
      sealed INTEGER NOT NULL,
      pinned INTEGER NOT NULL,
      base TEXT,
      PRIMARY KEY (store_id, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX snapshots_by_run ON snapshots (run_key, store_id, path, step, created);

    CREATE TABLE run_totals (
      run_key INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
      store_id TEXT NOT NULL,
      steps INTEGER NOT NULL,
      first_step INTEGER,
      last_step INTEGER,
      archived INTEGER NOT NULL,
      incomplete INTEGER NOT NULL,
      bytes_original INTEGER NOT NULL,
      bytes_archived INTEGER NOT NULL,
      bytes_stored INTEGER NOT NULL,
      activity TEXT,
      PRIMARY KEY (run_key, store_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE packs (
      store_id TEXT NOT NULL,
      pack_id TEXT NOT NULL,
      digests BLOB NOT NULL,
      PRIMARY KEY (store_id, pack_id)
    ) STRICT;
  `,
};
