import type { Migration } from './migration.ts';

/** What an archive that was cut off had published of a checkpoint: `content` says which bytes of which file, as it was then. */
export const durable: Migration = {
  number: 70,
  sql: `
    CREATE TABLE durable_contents (
      store_id TEXT NOT NULL,
      checkpoint TEXT NOT NULL,
      content TEXT NOT NULL,
      digest TEXT NOT NULL,
      is_new INTEGER NOT NULL,
      time_ms INTEGER NOT NULL,
      PRIMARY KEY (store_id, checkpoint, content)
    ) STRICT, WITHOUT ROWID;`,
};
