/** Rows of runs, which scans and snapshots share. */
import { z } from 'zod';
import type { WriteHandle } from './handles.ts';
import { runId } from './run-id.ts';

export interface RunRecord {
  path: string;
  name: string;
  layout: string;
  /** Pairs of step and loss. */
  losses: [number, number][];
}

const keyRow = z.object({ key: z.number() });

/** Makes or updates the row of a run; a loss curve is kept until a longer scan replaces it. @returns its key and its id */
export function saveRun(writer: WriteHandle, { path, name, layout, losses }: RunRecord): { key: number; id: string } {
  const id = runId(path);
  const row = writer.get(
    `INSERT INTO runs (id, path, name, layout, losses) VALUES ($id, $path, $name, $layout, $losses)
     ON CONFLICT (path) DO UPDATE SET name = excluded.name, layout = excluded.layout,
       losses = CASE WHEN excluded.losses = '[]' THEN losses ELSE excluded.losses END
     RETURNING run_key AS key`,
    keyRow,
    { id, path, name, layout, losses: JSON.stringify(losses) },
  );
  return { key: row!.key, id };
}

/** The key of a run known by its path; made where no scan has found it. What a scan said of it stays. */
export function ensureRun(writer: WriteHandle, path: string, name: string, layout: string): number {
  const known = writer.get('SELECT run_key AS key FROM runs WHERE path = $path', keyRow, { path });
  return known?.key ?? saveRun(writer, { path, name, layout, losses: [] }).key;
}
