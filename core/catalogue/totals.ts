/**
 * Totals of runs, kept beside them so that a list of runs reads one row a run however many snapshots there are. The
 * row of store '' counts checkpoints alone; a store's row counts its snapshots too. A checkpoint whose path
 * and step a snapshot has is no step of its own.
 */
import { z } from 'zod';
import type { WriteHandle } from './handles.ts';

const storeRow = z.object({ store_id: z.string() });
const countRow = z.object({ count: z.number() });

const totalsSql = `
  WITH archived AS (SELECT * FROM snapshots INDEXED BY snapshots_by_run WHERE run_key = $runKey AND store_id = $storeId),
  positions AS (
    SELECT step, 1 AS archived, bytes_original, bytes_original AS bytes_archived, bytes_stored, time AS activity FROM archived
    UNION ALL
    SELECT step, 0, bytes, 0, 0, modified FROM checkpoints
    WHERE run_key = $runKey AND NOT EXISTS (
      SELECT 1 FROM snapshots INDEXED BY snapshots_by_run
      WHERE snapshots.run_key = $runKey AND store_id = $storeId AND snapshots.path = checkpoints.path AND snapshots.step = checkpoints.step
    )
  )
  INSERT INTO run_totals
  SELECT $runKey, $storeId, count(*), min(step), max(step), ifnull(sum(archived), 0),
    (SELECT count(*) FROM checkpoints WHERE run_key = $runKey AND state != 'complete'),
    ifnull(sum(bytes_original), 0), ifnull(sum(bytes_archived), 0), ifnull(sum(bytes_stored), 0), max(activity)
  FROM positions`;

/** Counts a run anew for every store that has snapshots of it; forgets a run that has nothing left. */
export function refreshTotals(writer: WriteHandle, runKey: number): void {
  writer.run('DELETE FROM run_totals WHERE run_key = $runKey', { runKey });
  const stores = writer.all('SELECT DISTINCT store_id FROM snapshots WHERE run_key = $runKey', storeRow, { runKey });
  const held = writer.get('SELECT count(*) AS count FROM checkpoints WHERE run_key = $runKey', countRow, { runKey });
  if (stores.length === 0 && held?.count === 0) {
    writer.run('DELETE FROM runs WHERE run_key = $runKey', { runKey });
    return;
  }
  for (const { store_id: storeId } of [{ store_id: '' }, ...stores]) writer.run(totalsSql, { runKey, storeId });
}
