/**
 * Snapshots without their optimizer state: a record of its own that names the other files, in the place of the full one. What only
 * the files left out needed, prune then frees. Files are left out whole; where weights and optimizer state share a file, it stays.
 */
import path from 'node:path';
import { partOf } from '../../scan/layouts/file-kinds.ts';
import { encodeManifest, type Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';

export interface Thinned {
  /** Of the snapshot as it was, and as it is to be. */
  id: string;
  thinId: string;
  manifest: Manifest;
  /** What is left out: files, and their original bytes. */
  files: number;
  bytes: number;
  /** Length of the new manifest's file. */
  manifestBytes: number;
}

/** @returns undefined where the snapshot has no file of optimizer state, or nothing else */
export async function planThin(store: Store, id: string): Promise<Thinned | undefined> {
  const before = await store.manifest(id);
  const isState = ({ path: name }: { path: string }): boolean => partOf(path.posix.basename(name)) === 'optimizer';
  const dropped = before.files.filter(isState);
  if (dropped.length === 0 || dropped.length === before.files.length) return undefined;
  const manifest = await without(store, before, isState);
  const { id: thinId, bytes } = await encodeManifest(manifest, store.hashing);
  return {
    ...{ id, thinId, manifest, files: dropped.length, manifestBytes: bytes.length },
    bytes: dropped.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Puts the thin record in the place of the full one. Cut off in between, both are there, and doing it again ends it. */
export async function carryOutThin(store: Store, { id, thinId, manifest }: Thinned): Promise<void> {
  if (!(await store.snapshotIds()).includes(thinId)) await store.commit(manifest);
  await store.remove(id);
}

async function without(store: Store, before: Manifest, isDropped: (file: Manifest['files'][number]) => boolean): Promise<Manifest> {
  const files = before.files.filter((file) => !isDropped(file));
  const used = new Set(files.flatMap(({ parts, rest }) => [...parts.map(([, , blob]) => blob), ...(rest === -1 ? [] : [rest])]));
  const blobAt = placesOf(before.blobs.keys(), (blob) => used.has(blob));
  const fileAt = placesOf(before.files.keys(), (file) => !isDropped(before.files[file]!));
  const written = before.new.filter((blob) => used.has(blob));
  return {
    ...before,
    bytesOriginal: files.reduce((sum, { size }) => sum + size, 0),
    bytesStored: await storedBytes(
      store,
      written.map((blob) => before.blobs[blob]!),
    ),
    blobs: before.blobs.filter((_, blob) => used.has(blob)),
    new: written.map((blob) => blobAt.get(blob)!),
    files: files.map((file) => ({
      ...file,
      rest: blobAt.get(file.rest) ?? -1,
      parts: file.parts.map(([offset, length, blob]) => [offset, length, blobAt.get(blob)!]),
    })),
    tensors: before.tensors.filter(({ file }) => fileAt.has(file)).map((tensor) => ({ ...tensor, file: fileAt.get(tensor.file)! })),
    dropped: [
      ...(before.dropped ?? []),
      ...before.files.filter(isDropped).map(({ path: name, size, mtimeNs }) => ({ path: name, size, mtimeNs })),
    ],
  };
}

/** Where each index goes when the others are left out. */
function placesOf(indices: Iterable<number>, stays: (index: number) => boolean): Map<number, number> {
  return new Map([...indices].filter(stays).map((index, place) => [index, place]));
}

async function storedBytes(store: Store, digests: readonly string[]): Promise<number> {
  let sum = 0;
  for (const digest of digests) sum += (await store.lookup(digest))?.entry.storedLength ?? 0;
  return sum;
}
