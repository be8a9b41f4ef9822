/** Snapshots as rows: one store's, kept in step with its manifests, which are the truth. */
import type { SQLInputValue } from 'node:sqlite';
import { z } from 'zod';
import { snapshot as snapshotSchema, type Snapshot } from '../contract/model.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { ensureRun } from './runs.ts';
import { refreshTotals } from './totals.ts';

/** A snapshot with what its record in the contract leaves out. */
export interface CataloguedSnapshot {
  snapshot: Snapshot;
  layout: string;
}

const snapshotColumns = `
  snapshots.id, runs.name AS run, runs.path AS runPath, snapshots.step, snapshots.path, snapshots.time, snapshots.created, snapshots.kind,
  snapshots.depth, snapshots.files, snapshots.tensors, snapshots.bytes_original AS bytesOriginal, snapshots.bytes_stored AS bytesStored,
  snapshots.method, snapshots.sealed, snapshots.pinned, snapshots.base`;

const flag = z.number().transform((value) => value !== 0);
const base = z.string().nullable();
const rawRow = snapshotSchema.extend({ time: z.string(), created: z.string(), sealed: flag, pinned: flag, base });

/** One row of `snapshotColumns`. */
const snapshotRow = rawRow.transform(({ base: id, ...row }): Snapshot => (id === null ? row : { ...row, base: id }));

const runKeyRow = z.object({ run_key: z.number() });
const idRow = z.object({ id: z.string() });

const saveSql = `
  INSERT OR REPLACE INTO snapshots (store_id, id, run_key, step, path, time, created, kind, depth, files, tensors, bytes_original,
    bytes_stored, method, sealed, pinned, base)
  VALUES ($storeId, $id, $runKey, $step, $path, $time, $created, $kind, $depth, $files, $tensors, $bytesOriginal, $bytesStored,
    $method, $sealed, $pinned, $base)`;

/** Adds or replaces snapshots of a store. */
export function saveSnapshots(writer: WriteHandle, storeId: string, snapshots: readonly CataloguedSnapshot[]): void {
  writer.transaction(() => {
    const runKeys = new Map<string, number>();
    for (const { snapshot, layout } of snapshots) {
      const { run, runPath, sealed, pinned, base: baseId = null, ...columns } = snapshot;
      const runKey = runKeys.get(runPath) ?? ensureRun(writer, runPath, run, layout);
      runKeys.set(runPath, runKey);
      const row: Record<string, SQLInputValue> = {
        ...columns,
        storeId,
        runKey,
        sealed: Number(sealed),
        pinned: Number(pinned),
        base: baseId,
      };
      writer.run(saveSql, row);
    }
    for (const runKey of runKeys.values()) refreshTotals(writer, runKey);
  });
}

/** Makes the catalogue hold exactly these snapshots of a store. */
export function replaceSnapshots(writer: WriteHandle, storeId: string, snapshots: readonly CataloguedSnapshot[]): void {
  writer.transaction(() => {
    const kept = new Set(snapshots.map(({ snapshot }) => snapshot.id));
    const known = writer.all('SELECT id FROM snapshots WHERE store_id = $storeId', idRow, { storeId });
    removeSnapshots(
      writer,
      storeId,
      known.map(({ id }) => id).filter((id) => !kept.has(id)),
    );
    saveSnapshots(writer, storeId, snapshots);
  });
}

/** Forgets snapshots that a store no longer has. */
export function removeSnapshots(writer: WriteHandle, storeId: string, ids: readonly string[]): void {
  writer.transaction(() => {
    const touched = new Set<number>();
    for (const id of ids) {
      const row = writer.get('SELECT run_key FROM snapshots WHERE store_id = $storeId AND id = $id', runKeyRow, { storeId, id });
      if (row) touched.add(row.run_key);
      writer.run('DELETE FROM snapshots WHERE store_id = $storeId AND id = $id', { storeId, id });
    }
    for (const runKey of touched) refreshTotals(writer, runKey);
  });
}

const listSql = `SELECT ${snapshotColumns} FROM snapshots JOIN runs USING (run_key) WHERE store_id = $storeId ORDER BY run_key, step, created`;
export const listOfRunSql = `
  SELECT ${snapshotColumns} FROM runs JOIN snapshots INDEXED BY snapshots_by_run USING (run_key)
  WHERE runs.id = $runId AND store_id = $storeId ORDER BY step, created`;

/** Snapshots of a store, by run and step; of one run where its id is given. */
export function listSnapshots(reader: ReadHandle, storeId: string, runId?: string): Snapshot[] {
  if (runId === undefined) return reader.all(listSql, snapshotRow, { storeId });
  return reader.all(listOfRunSql, snapshotRow, { storeId, runId });
}

/** Ids of a store's snapshots. */
export function snapshotIds(reader: ReadHandle, storeId: string): Set<string> {
  return new Set(reader.all('SELECT id FROM snapshots WHERE store_id = $storeId', idRow, { storeId }).map(({ id }) => id));
}

/** Whether anything of a store is known. */
export function hasSnapshots(reader: ReadHandle, storeId: string): boolean {
  return reader.get('SELECT id FROM snapshots WHERE store_id = $storeId LIMIT 1', idRow, { storeId }) !== undefined;
}
