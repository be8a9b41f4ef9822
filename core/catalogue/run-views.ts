/** Runs as the interface shows them: what is on disk and what is archived, joined by run, path and step. */
import { join } from 'node:path';
import { z } from 'zod';
import { checkpoint as checkpointSchema, runSummary, type Checkpoint, type Run, type RunSummary, type Step } from '../contract/model.ts';
import type { ReadHandle } from './handles.ts';
import { listSnapshots } from './snapshots.ts';

const summaryColumns = `
  runs.id, name, runs.path, layout, steps, first_step AS firstStep, last_step AS lastStep, archived, incomplete,
  bytes_original AS bytesOriginal, bytes_archived AS bytesArchived, bytes_stored AS bytesStored, activity`;

/** A store's totals of each run, or those of the disk alone where it has nothing of the run. */
export const summariesSql = `
  SELECT ${summaryColumns} FROM runs JOIN run_totals USING (run_key)
  WHERE store_id = $storeId OR (store_id = '' AND NOT EXISTS (
    SELECT 1 FROM run_totals AS other WHERE other.run_key = runs.run_key AND other.store_id = $storeId
  )) ORDER BY name, runs.path`;
export const summarySql = summariesSql.replace('WHERE', 'WHERE runs.id = $runId AND (').replace('ORDER BY', ') ORDER BY');

const nullableStep = z.number().nullable();
const summaryRow = runSummary
  .extend({ firstStep: nullableStep, lastStep: nullableStep, activity: z.string().nullable() })
  .transform(({ firstStep, lastStep, activity, ...row }): RunSummary => ({
    ...row,
    ...(firstStep !== null && { firstStep }),
    ...(lastStep !== null && { lastStep }),
    ...(activity !== null && { activity }),
  }));

const jsonList = z.string().transform((text): unknown => JSON.parse(text));
const checkpointRow = checkpointSchema.extend({
  reason: z.string().nullable(),
  formats: jsonList.pipe(checkpointSchema.shape.formats),
  parts: jsonList.pipe(checkpointSchema.shape.parts),
});
const lossesRow = z.object({ losses: jsonList.pipe(z.array(z.tuple([z.number(), z.number()]))) });

export const checkpointsSql = `
  SELECT checkpoints.path, step, step_from AS stepFrom, files, bytes, modified, state, reason, formats, parts
  FROM runs JOIN checkpoints USING (run_key) WHERE runs.id = $runId`;

/** Every run known, with what is on disk, and what `storeId` holds of it. Runs that only another store has are shown without steps. */
export function listRuns(reader: ReadHandle, storeId: string): RunSummary[] {
  return reader.all(summariesSql, summaryRow, { storeId }).filter((run) => run.steps > 0);
}

/** One run with its chain, ascending by step. */
export function readRun(reader: ReadHandle, storeId: string, runId: string): Run | undefined {
  const summary = reader.get(summarySql, summaryRow, { storeId, runId });
  if (!summary) return undefined;
  const curve = reader.get('SELECT losses FROM runs WHERE id = $runId', lossesRow, { runId })?.losses ?? [];
  const losses = curve.map(([step, loss]) => ({ step, loss }));
  return { ...summary, chain: readChain(reader, storeId, summary, new Map(curve)), losses };
}

function readChain(reader: ReadHandle, storeId: string, run: RunSummary, losses: ReadonlyMap<number, number>): Step[] {
  const onDisk = new Map(readCheckpoints(reader, run).map(([key, checkpoint]) => [key, checkpoint]));
  const chain: Step[] = [];
  // Newest first, so that of several snapshots of one place the newest is joined with what is on disk.
  for (const snapshot of listSnapshots(reader, storeId, run.id).reverse()) {
    const key = `${snapshot.step} ${snapshot.path}`;
    const checkpoint = onDisk.get(key);
    onDisk.delete(key);
    chain.push({ step: snapshot.step, ...(checkpoint && { checkpoint }), snapshot });
  }
  for (const checkpoint of onDisk.values()) chain.push({ step: checkpoint.step, checkpoint });
  chain.sort((a, b) => a.step - b.step || compare(a.snapshot?.created ?? '~', b.snapshot?.created ?? '~'));
  return chain.map((step) => withLoss(step, losses));
}

function readCheckpoints(reader: ReadHandle, run: RunSummary): [string, Checkpoint][] {
  return reader.all(checkpointsSql, checkpointRow, { runId: run.id }).map(({ reason, ...row }) => {
    const checkpoint: Checkpoint = { ...row, path: join(run.path, row.path), ...(reason !== null && { reason }) };
    return [`${row.step} ${row.path}`, checkpoint];
  });
}

function withLoss(step: Step, losses: ReadonlyMap<number, number>): Step {
  const loss = losses.get(step.step);
  return loss === undefined ? step : { ...step, loss };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
