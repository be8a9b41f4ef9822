/**
 * What must hold of any damaged or lying pack and manifest, as properties for fast-check: a typed error in one line, or the
 * right content. `damaged-files.spec.ts` tries some hundred, `build/fuzz-readers.ts` as many as one likes.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { hashing } from '../../core/codec/hashing.ts';
import { CairnError } from '../../core/contract/errors.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { readBlocksIn } from '../../core/store/block-reader.ts';
import type { BlobEntry } from '../../core/store/blob-source.ts';
import { decodeManifest, encodeManifest, type Manifest } from '../../core/store/manifest.ts';
import type { PackTable } from '../../core/store/pack-format.ts';
import { nameOfPack, readPackTable } from '../../core/store/pack-reader.ts';
import { readManifest } from '../decoder/manifest.ts';
import { readPack } from '../decoder/pack.ts';
import type { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { damaged, damages } from './damage.ts';
import { lyingBlock, lyingManifest, lyingTable, manifestAround, packsOf, realManifests, realPacks, type NamedFile } from './real-files.ts';

/** No property may wait longer than this for a reader that hangs. */
const patienceMs = 60_000;

/** How often a reader refused what it was given, and how often it read it. */
export interface Outcomes {
  refused: number;
  read: number;
}

export interface Tried {
  property: fc.IAsyncProperty<unknown>;
  outcomes: Outcomes;
}

/** Undefined where `work` throws an error that may be shown; fails where it is of no kind, a defect, or longer than a line. */
async function orRefusal<T>(work: () => Promise<T>, codes = ['damaged', 'unsupported']): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof CairnError)) throw thrown;
    assert.ok(codes.includes(thrown.code), `${thrown.code}: ${thrown.message}`);
    assert.match(thrown.message, /^[^\n]+$/);
    return undefined;
  }
}

function tried<T>(arbitrary: fc.Arbitrary<T>, work: (value: T) => Promise<unknown>): Tried {
  const outcomes = { refused: 0, read: 0 };
  const property = fc.asyncProperty(arbitrary, async (value) => {
    const made = await orPatience(work(value));
    outcomes[made === undefined ? 'refused' : 'read']++;
  });
  return { property: property as fc.IAsyncProperty<unknown>, outcomes };
}

async function orPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a reader took more than ${patienceMs} ms`)), patienceMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A file of a store in `folder`, in place of whatever has its name. */
function place(folder: string, { id, bytes }: NamedFile): LocalBackend {
  const file = path.join(folder, nameOfPack(id));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return new LocalBackend(folder);
}

async function blocksOf(backend: LocalBackend, id: string, entry: BlobEntry): Promise<Buffer> {
  const runs: Uint8Array[] = [];
  for await (const { bytes } of readBlocksIn({ backend, hashing }, nameOfPack(id), entry)) runs.push(bytes);
  return Buffer.concat(runs);
}

/** Accidents: the name still says what the table was, so a table that is read is the one that was written. */
export const damagedPacks = (folder: string): Tried =>
  tried(fc.tuple(fc.constantFrom(...realPacks), damages), async ([pack, all]) => {
    const backend = place(folder, { id: pack.id, bytes: damaged(pack.bytes, all) });
    const table = await orRefusal(() => readPackTable(backend, hashing, pack.id));
    if (!table) return undefined;
    assert.deepEqual([...table.entries()], pack.entries);
    for (const entry of pack.entries) {
      const blocks = await orRefusal(() => blocksOf(backend, pack.id, entry));
      if (blocks) assert.ok(blocks.equals(pack.bytes.subarray(entry.offset, entry.offset + entry.storedLength)), `blob ${entry.digest}`);
    }
    return table;
  });

/** Of blobs, as the footer says; mostly the truth. */
const strangeCount = fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, { arbitrary: fc.nat(2 ** 32 - 1), weight: 1 });

/** Lies: every sum fits. What is read is what the second decoder reads, and lies inside the file. */
export const lyingTables = (folder: string): Tried =>
  tried(fc.tuple(fc.constantFrom(...realPacks), damages, strangeCount), async ([pack, all, count]) => {
    const lie = lyingTable(pack, all, count);
    const backend = place(folder, lie);
    const table = await orRefusal(() => readPackTable(backend, hashing, lie.id));
    rmSync(backend.localPath(nameOfPack(lie.id)));
    if (table) assertAgrees(table, lie);
    return table;
  });

function assertAgrees(table: PackTable, { id, bytes }: NamedFile): void {
  const entries = [...table.entries()].map(({ coding, storedLength, lengths, checksums, ...entry }) => ({
    ...entry,
    coding: coding === 'tensor' ? 1 : 2,
    blocks: Array.from(lengths, (length, index) => ({ length, checksum: checksums[index]! })),
  }));
  assert.deepEqual(entries, readPack(bytes, id).entries);
  for (const { offset, storedLength } of table.entries()) assert.ok(offset >= 16 && offset + storedLength <= bytes.length);
}

/**
 * Lies in a store: whatever a pack of it says, and whatever a block of it holds, each snapshot comes back as it was or not at all.
 *
 * @param golden a store; packs of its copy in the bench are replaced in turn
 */
export async function lyingStore(bench: Bench, golden: string, snapshots: readonly string[]): Promise<Tried> {
  const to = bench.path('back');
  cpSync(golden, bench.storePath, { recursive: true });
  const restored = async (snapshot: string): Promise<ReturnType<typeof picture> | undefined> => {
    rmSync(to, { recursive: true, force: true });
    const done = await orRefusal(() => bench.restore({ snapshot, to }), ['damaged', 'unsupported', 'not_found']);
    return done && picture(to);
  };
  const sound = new Map<string, ReturnType<typeof picture> | undefined>();
  for (const id of snapshots) sound.set(id, await restored(id));
  assert.ok([...sound.values()].every(Boolean));
  const packs = packsOf(golden);
  return tried(fc.tuple(fc.constantFrom(...packs), fc.option(fc.nat(), { freq: 2 }), damages), async ([pack, block, all]) => {
    const lie = block === null ? lyingTable(pack, all) : lyingBlock(pack, block, all);
    fc.pre(lie !== undefined);
    const file = path.join(bench.storePath, nameOfPack(pack.id));
    rmSync(file);
    place(bench.storePath, lie);
    let back = 0;
    for (const id of snapshots) {
      const made = await restored(id);
      if (made) assert.deepEqual(made, sound.get(id));
      back += made ? 1 : 0;
    }
    rmSync(path.join(bench.storePath, nameOfPack(lie.id)));
    writeFileSync(file, pack.bytes);
    return back === snapshots.length ? back : undefined;
  });
}

/** Accidents: a manifest that is read says what it said. */
export const damagedManifests = (): Tried =>
  tried(fc.tuple(fc.constantFrom(...realManifests), damages), async ([{ id, bytes }, all]) => {
    const manifest = await orRefusal(() => decodeManifest(damaged(bytes, all), id, hashing, id));
    if (manifest) assert.deepEqual(manifest, await decodeManifest(bytes, id, hashing, id));
    return manifest;
  });

/** Lies: every sum fits. What is read contradicts nothing, leads nowhere outside, and is written again as it is. */
export const lyingManifests = (): Tried =>
  tried(lyingManifest, async ({ id, bytes }) => {
    const manifest = await orRefusal(() => decodeManifest(bytes, id, hashing, id));
    if (!manifest) return undefined;
    assertContained(manifest);
    const { files, blobs } = readManifest(bytes, id);
    assert.deepEqual([blobs, files.map((file) => file.path)], [manifest.blobs, manifest.files.map((file) => file.path)]);
    const again = await encodeManifest(manifest, hashing);
    assert.deepEqual(await decodeManifest(again.bytes, again.id, hashing, id), manifest);
    return manifest;
  });

function assertContained({ files, folders, links, tensors, blobs }: Manifest): void {
  for (const entry of [...files, ...folders, ...links])
    assert.ok(path.posix.resolve('/target', entry.path).startsWith('/target/'), entry.path);
  for (const { size, rest, parts } of files) {
    assert.ok(rest < blobs.length);
    for (const [offset, length, blob] of parts) assert.ok(offset + length <= size && blob < blobs.length);
  }
  for (const { file, part } of tensors) assert.ok(part < files[file]!.parts.length);
}

const bombBytes = 64 * 2 ** 20;
const bomb = zstdCompressSync(Buffer.alloc(bombBytes));

/** A payload that unpacks to far more than is stated is not unpacked further than that. */
export const bombs = (): Tried =>
  tried(fc.nat(2 ** 20), async (stated) => {
    const { id, bytes } = manifestAround(Buffer.from('{}'), bomb, stated);
    return orRefusal(() => decodeManifest(bytes, id, hashing, id));
  });
