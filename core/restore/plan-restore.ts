/** What a restore would do, before it does anything: how much it writes, what room there is, and what stands in its way. */
import { lstat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../store/manifest.ts';
import { findTensor } from './tensor-export.ts';
import { fileNameOf, tensorBytes } from './tensor-file.ts';

export interface RestoreWish {
  /** Absolute; absent: where the checkpoint came from. */
  to?: string | undefined;
  wanted(file: string): boolean;
  tensor?: string | undefined;
  tensorFormat: 'npy' | 'safetensors';
}

export interface RestorePlan {
  to: string;
  files: number;
  bytes: number;
  bytesFree: number;
  /** Paths of existing files that it would replace: the first few, and how many in all. */
  overwrites: string[];
  overwritesTotal: number;
}

const mostListed = 20;

/** The folder that a snapshot's files are restored to so that they are where they came from. */
export function placeOf({ run, path: within, files }: Manifest): string {
  const checkpoint = path.join(run.path, within);
  const [only] = files;
  const isFile = files.length === 1 && path.basename(checkpoint) === only!.path && !only!.path.includes('/');
  return isFile ? path.dirname(checkpoint) : checkpoint;
}

const isThere = (place: string): Promise<boolean> =>
  lstat(place).then(
    () => true,
    () => false,
  );

/** Of the nearest folder that is there. */
async function freeBytes(place: string): Promise<number> {
  for (let folder = place; ; folder = path.dirname(folder)) {
    const status = await statfs(folder).catch(() => undefined);
    if (status) return status.bavail * status.bsize;
    if (folder === path.dirname(folder)) return 0;
  }
}

/** @throws CairnError `not_found`, `ambiguous` for a tensor */
export async function planRestore(manifest: Manifest, { to: asked, wanted, tensor, tensorFormat }: RestoreWish): Promise<RestorePlan> {
  const to = asked ?? placeOf(manifest);
  const files = manifest.files.filter((file) => wanted(file.path));
  const found = tensor === undefined ? undefined : findTensor(manifest, tensor, wanted);
  const names = found ? [`${fileNameOf(found.name)}.${tensorFormat}`] : files.map((file) => file.path);
  const bytes = found ? tensorBytes(found) : files.reduce((sum, file) => sum + file.size, 0);
  const overwrites: string[] = [];
  for (const name of names) if (await isThere(path.join(to, name))) overwrites.push(name);
  const bytesFree = await freeBytes(to);
  return { to, files: names.length, bytes, bytesFree, overwrites: overwrites.slice(0, mostListed), overwritesTotal: overwrites.length };
}
