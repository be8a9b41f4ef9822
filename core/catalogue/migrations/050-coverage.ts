import type { Migration } from './migration.ts';

/** Where the next partial verification of a store goes on; NULL where a verification says nothing of that. */
export const coverage: Migration = {
  number: 50,
  sql: 'ALTER TABLE verifications ADD COLUMN next TEXT;',
};
