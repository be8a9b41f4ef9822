/** Small contents, packs and manifests for the tests of stores. Blocks are raw: a store doesn't look inside them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { elements, roles, type ElementId } from '../../core/codec/elements.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import type { BlobEntry } from '../../core/store/blob-source.ts';
import { toHex } from '../../core/store/hashing.ts';
import type { Manifest } from '../../core/store/manifest.ts';
import type { FinishedPack, PackWriter } from '../../core/store/pack-writer.ts';
import { Store, type StoreOptions } from '../../core/store/store.ts';
import { crc32c, hashing } from './hashing.ts';

/** An empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function openStore(folder: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  return Store.open({ backend: new LocalBackend(folder), hashing, mode: 'write', create: true, ...options });
}

/** A store for writing in a new folder, closed after the test. */
export async function newStore(): Promise<Store> {
  const store = await openStore(await temporaryFolder());
  onTestFinished(() => store.close());
  return store;
}

export function contentOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function digestOf(content: Uint8Array): string {
  return toHex(hashing.digestBytes(content));
}

/** Stores a content of at most one block raw; with a base, the block is `unchanged` or raw. */
export async function addBlob(pack: PackWriter, content: Uint8Array, base?: Uint8Array): Promise<BlobEntry> {
  const same = base !== undefined && Buffer.compare(base, content) === 0;
  const block = same ? Uint8Array.of(2) : Buffer.concat([Uint8Array.of(0), content]);
  const empty = content.length === 0;
  const offset = pack.reserve(empty ? 0 : block.length);
  if (!empty) await pack.write(offset, block);
  const entry: BlobEntry = {
    digest: digestOf(content),
    rawLength: content.length,
    offset,
    storedLength: empty ? 0 : block.length,
    element: elements.bytes8,
    blockLog2: base ? 19 : 22,
    coding: base ? 'tensor' : 'bytes',
    needs: base ? [{ role: roles.base, digest: digestOf(base) }] : [],
    lengths: empty ? new Uint32Array() : Uint32Array.of(block.length),
    checksums: empty ? new Uint32Array() : Uint32Array.of(crc32c(block)),
  };
  pack.add(entry);
  return entry;
}

/** Stores a content under the tensor coding, so that it can be a base or have one. */
export async function addTensor(
  pack: PackWriter,
  content: Uint8Array,
  base?: Uint8Array,
  element: ElementId = elements.bytes8,
): Promise<BlobEntry> {
  const block = Buffer.concat([Uint8Array.of(0), content]);
  const offset = pack.reserve(block.length);
  await pack.write(offset, block);
  const entry: BlobEntry = {
    digest: digestOf(content),
    rawLength: content.length,
    offset,
    storedLength: block.length,
    element,
    blockLog2: 19,
    coding: 'tensor',
    needs: base ? [{ role: roles.base, digest: digestOf(base) }] : [],
    lengths: Uint32Array.of(block.length),
    checksums: Uint32Array.of(crc32c(block)),
  };
  pack.add(entry);
  return entry;
}

export async function storePack(store: Store, contents: Uint8Array[]): Promise<FinishedPack> {
  const pack = await store.createPack();
  for (const content of contents) await addTensor(pack, content);
  return pack.finish();
}

/** A manifest with one file a content, each whole the remainder of its file. */
export function manifestOf(contents: Uint8Array[], changes: Partial<Manifest> = {}): Manifest {
  return {
    created: '2026-01-02T03:04:05.678Z',
    run: { name: 'ft-07', path: '/runs/ft-07', layout: 'folders' },
    step: 100,
    path: 'checkpoint-100',
    time: '2026-01-02T03:00:00.000Z',
    method: 'cairn',
    depth: 0,
    bytesOriginal: contents.reduce((sum, { length }) => sum + length, 0),
    bytesStored: 0,
    blobs: contents.map(digestOf),
    new: contents.map((_, index) => index),
    files: contents.map((content, index) => ({
      ...{ path: `part-${index}.bin`, size: content.length, mode: 0o644, mtimeNs: '1767322800123456789' },
      ...{ digest: digestOf(content), format: 'bytes', rest: index, parts: [] },
    })),
    folders: [],
    links: [],
    tensors: [],
    ...changes,
  };
}

/** Stores contents in a pack of their own and commits a snapshot of them. */
export async function archive(store: Store, contents: Uint8Array[], changes: Partial<Manifest> = {}): Promise<string> {
  await storePack(store, contents);
  return store.commit(manifestOf(contents, changes));
}
