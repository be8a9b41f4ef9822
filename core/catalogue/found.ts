/** What scans found: written whole for the folders that were looked through, read back file by file for the next scan. */
import { join, relative, sep } from 'node:path';
import { z } from 'zod';
import type { Checkpoint } from '../contract/model.ts';
import type { FoundCheckpoint, FoundFile, FoundRun, KnownFile, ScanResult } from '../scan/found.ts';
import { bytesOf, pathOfFile } from '../scan/layouts/contents.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { saveRun } from './runs.ts';
import { refreshTotals } from './totals.ts';

const header = z.object({
  version: z.number(),
  format: z.string(),
  whole: z.boolean(),
  unreadable: z.boolean().optional(),
  damaged: z.boolean().optional(),
  note: z.string().optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
});
const fileRow = z.object({ size: z.bigint(), mtime_ns: z.bigint(), inode: z.bigint(), device: z.bigint(), header: z.string() });
const keyRow = z.object({ key: z.number() });
const placeRow = z.object({ key: z.number(), run_key: z.number(), run_path: z.string(), path: z.string() });

/** The record of a checkpoint as views show it. */
function describeFound(found: FoundCheckpoint): Checkpoint {
  return {
    path: found.path,
    step: found.step,
    files: found.files.length,
    bytes: bytesOf(found.files),
    modified: modifiedOf(found),
    state: found.state,
    ...(found.reason !== undefined && { reason: found.reason }),
    stepFrom: found.stepFrom,
    formats: found.formats,
    parts: found.parts,
  };
}

function modifiedOf({ files, folders }: FoundCheckpoint): string {
  const newest = [...files, ...folders].reduce((time, entry) => (entry.mtimeNs > time ? entry.mtimeNs : time), 0n);
  const milliseconds = Number(newest / 1_000_000n);
  // Times beyond what a Date holds come from broken clocks; they must not break the list.
  return new Date(Math.abs(milliseconds) > 8.64e15 ? 0 : milliseconds).toISOString();
}

/** Path of a checkpoint below its run, as manifests record it: "/" between parts, "" for the run's folder itself. */
export function pathInRun(runPath: string, path: string): string {
  return relative(runPath, path).split(sep).join('/');
}

/** Replaces what is known below the scan's roots by its result. @returns ids of the runs found */
export function saveScan(writer: WriteHandle, result: ScanResult): string[] {
  return writer.transaction(() => {
    const touched = new Set<number>();
    const kept = new Set<number>();
    const before = checkpointsBelow(writer, result.roots);
    const ids = result.runs.map((run) => {
      const { key, id } = saveRun(writer, { ...run, losses: run.losses.map(({ step, loss }) => [step, loss]) });
      touched.add(key);
      for (const checkpoint of run.checkpoints) kept.add(saveCheckpoint(writer, key, run, checkpoint));
      return id;
    });
    for (const { key, run_key } of before) {
      if (kept.has(key)) continue;
      writer.run('DELETE FROM checkpoints WHERE checkpoint_key = $key', { key });
      touched.add(run_key);
    }
    for (const key of touched) refreshTotals(writer, key);
    return ids;
  });
}

function checkpointsBelow(writer: WriteHandle, roots: readonly string[]): z.infer<typeof placeRow>[] {
  const sql = `SELECT checkpoint_key AS key, run_key, runs.path AS run_path, checkpoints.path AS path FROM checkpoints JOIN runs USING (run_key)`;
  const isBelow = (path: string): boolean => roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
  return writer.all(sql, placeRow).filter((row) => isBelow(join(row.run_path, row.path)));
}

const saveCheckpointSql = `
  INSERT INTO checkpoints (run_key, path, step, step_from, files, bytes, modified, state, reason, formats, parts)
  VALUES ($runKey, $path, $step, $stepFrom, $files, $bytes, $modified, $state, $reason, $formats, $parts)
  ON CONFLICT (run_key, path) DO UPDATE SET step = excluded.step, step_from = excluded.step_from, files = excluded.files,
    bytes = excluded.bytes, modified = excluded.modified, state = excluded.state, reason = excluded.reason,
    formats = excluded.formats, parts = excluded.parts
  RETURNING checkpoint_key AS key`;

function saveCheckpoint(writer: WriteHandle, runKey: number, run: FoundRun, found: FoundCheckpoint): number {
  const { step, stepFrom, files, bytes, modified, state, reason = null, formats, parts } = describeFound(found);
  const path = pathInRun(run.path, found.path);
  const lists = { formats: JSON.stringify(formats), parts: JSON.stringify(parts) };
  const row = writer.get(saveCheckpointSql, keyRow, { runKey, path, step, stepFrom, files, bytes, modified, state, reason, ...lists });
  const key = row!.key;
  writer.run('DELETE FROM files WHERE checkpoint_key = $key', { key });
  for (const file of found.files) saveFile(writer, key, pathOfFile(found, file), file);
  return key;
}

function saveFile(writer: WriteHandle, checkpointKey: number, path: string, file: FoundFile): void {
  if (!file.header) return;
  writer.run(
    `INSERT OR REPLACE INTO files (path, checkpoint_key, size, mtime_ns, inode, device, header)
     VALUES ($path, $checkpointKey, $size, $mtimeNs, $inode, $device, $header)`,
    {
      path,
      checkpointKey,
      size: file.size,
      mtimeNs: file.mtimeNs,
      inode: BigInt.asIntN(64, file.inode),
      device: BigInt.asIntN(64, file.device),
      header: JSON.stringify(file.header),
    },
  );
}

/** What the last scan knew of the file at the absolute `path`. */
export function knownFile(reader: ReadHandle, path: string): KnownFile | undefined {
  const row = reader.get('SELECT size, mtime_ns, inode, device, header FROM files WHERE path = $path', fileRow, { path }, true);
  if (!row) return undefined;
  return {
    size: Number(row.size),
    mtimeNs: row.mtime_ns,
    inode: BigInt.asUintN(64, row.inode),
    device: BigInt.asUintN(64, row.device),
    header: header.parse(JSON.parse(row.header)),
  };
}
