/** What a restore would do, before it does anything: how much it writes, what room there is, and what stands in its way. */
import { lstat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../store/manifest.ts';
import { chooseEntries } from './restore.ts';
import { findTensor, roomForTensor } from './tensor-export.ts';
import { fileNameOf } from './tensor-file.ts';

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
  /** Room that it takes. */
  bytes: number;
  bytesFree: number;
  /** Paths of existing files and symbolic links that it would replace: the first few, and how many in all. */
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

/** What it writes, by path below the target, and the room that takes. */
function writesOf(
  manifest: Manifest,
  { wanted, tensor, tensorFormat }: RestoreWish,
): Pick<RestorePlan, 'files' | 'bytes'> & { names: string[] } {
  if (tensor !== undefined) {
    const found = findTensor(manifest, tensor, wanted);
    return { files: 1, bytes: roomForTensor(manifest, found), names: [`${fileNameOf(found.name)}.${tensorFormat}`] };
  }
  const { files, links } = chooseEntries(manifest, wanted);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  return { files: files.length, bytes, names: [...files, ...links].map((entry) => entry.path) };
}

/** @throws CairnError `not_found` where nothing is wanted, `ambiguous` for a tensor */
export async function planRestore(manifest: Manifest, wish: RestoreWish): Promise<RestorePlan> {
  const to = wish.to ?? placeOf(manifest);
  const { names, ...writes } = writesOf(manifest, wish);
  const there: string[] = [];
  for (const name of names) if (await isThere(path.join(to, name))) there.push(name);
  return { to, ...writes, bytesFree: await freeBytes(to), overwrites: there.slice(0, mostListed), overwritesTotal: there.length };
}
