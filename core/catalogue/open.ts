/**
 * Opens the file of a catalogue and brings it to this build's schema. It is a cache: one that is damaged, newer or no
 * catalogue at all is moved aside with a word about it, and a new one is begun.
 */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { CairnError, toCairnError } from '../contract/errors.ts';
import { ReadHandle, toCatalogueError, WriteHandle } from './handles.ts';
import { migrations, schemaVersion } from './migrations/registry.ts';

/** "Cair" as SQLite's application id. */
const applicationId = 0x43616972;
/** Larger catalogues are not checked as a whole when they are opened, which would take too long. */
const maxCheckedBytes = 64 * 1024 * 1024;

export interface OpenedCatalogue {
  reader: ReadHandle;
  writer: WriteHandle;
  /** One line for the user where an old catalogue was moved aside. */
  notice?: string;
}

/** @throws CairnError where the folder can't be written or another process holds the catalogue. */
export function openHandles(path: string): OpenedCatalogue {
  makeFolder(dirname(path));
  const problem = existsSync(path) ? tryUse(path) : undefined;
  if (problem !== undefined) moveAside(path);
  try {
    const writer = openWriter(path);
    const notice = problem && `${path}: ${problem}; it was moved aside and is rebuilt from the store and the next scan`;
    return { writer, reader: new ReadHandle(path), ...(notice && { notice }) };
  } catch (thrown) {
    throw toCatalogueError(thrown, path);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw toCairnError(thrown);
  }
}

/** Why the file at `path` is of no use, or undefined where it is. */
function tryUse(path: string): string | undefined {
  let writer: WriteHandle | undefined;
  try {
    writer = openWriter(path);
    if (statSync(path).size > maxCheckedBytes) return undefined;
    const found = writer.get('PRAGMA quick_check(1)', z.object({ quick_check: z.string() }));
    return found?.quick_check === 'ok' ? undefined : 'the catalogue is damaged';
  } catch (thrown) {
    const error = toCatalogueError(thrown, path);
    if (error instanceof CairnError && error.code === 'unsupported') return 'the catalogue is of a newer version of Cairn';
    if (error instanceof CairnError && error.code !== 'damaged') throw error;
    return 'the catalogue is damaged';
  } finally {
    writer?.close();
  }
}

function openWriter(path: string): WriteHandle {
  const writer = new WriteHandle(path);
  try {
    // A catalogue may lose its last moments in a power failure, never its consistency.
    writer.script('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    migrate(writer);
    return writer;
  } catch (thrown) {
    writer.close();
    throw thrown;
  }
}

function migrate(writer: WriteHandle): void {
  if (versionOf(writer) === schemaVersion) return;
  writer.transaction(() => {
    const version = versionOf(writer);
    for (const migration of migrations) if (migration.number > version) writer.script(migration.sql);
    writer.script(`PRAGMA user_version = ${schemaVersion}; PRAGMA application_id = ${applicationId};`);
  });
}

/** @throws CairnError `unsupported` for a newer schema, `damaged` for a database that is no catalogue. */
function versionOf(writer: WriteHandle): number {
  const version = writer.get('PRAGMA user_version', z.object({ user_version: z.number() }))?.user_version ?? 0;
  const id = writer.get('PRAGMA application_id', z.object({ application_id: z.number() }))?.application_id ?? 0;
  const tables = writer.get('SELECT count(*) AS count FROM sqlite_schema', z.object({ count: z.number() }))?.count ?? 0;
  if (version > schemaVersion)
    throw new CairnError('unsupported', `${writer.path}: the catalogue is of a newer version of Cairn`, { path: writer.path });
  if (id !== applicationId && tables > 0) throw new CairnError('damaged', `${writer.path}: this is no catalogue`, { path: writer.path });
  return version;
}

function moveAside(path: string): void {
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, `${path}.aside-${stamp}${suffix}`);
  }
}
