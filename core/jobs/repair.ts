/**
 * Repairs damaged manifests from their copies, and damaged packs: from their parity, byte for byte; else content by content, from another pack that has it too or from an
 * original whose bytes still have its digest. Then the damaged pack is condemned, so that readers take the good ones, and the next
 * prune moves what else it holds and removes it. Nothing is removed here. With `parity`, packs without get theirs.
 */
import type { CodecPool } from '../codec/pool.ts';
import { toCairnError } from '../contract/errors.ts';
import type { CheckedParamsOf } from '../contract/methods.ts';
import { hasWholeBlocks, type ReadOptions } from '../store/block-reader.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import { nameOfPack, packIdOf, readPackTable } from '../store/pack-reader.ts';
import { isParityWhole, nameOfParity, parityFileBytes, readParity, restoreFromParity, writeParity, type Parity } from '../store/parity.ts';
import { decodeManifest, maxManifestBytes } from '../store/manifest.ts';
import { listRedundancy, nameOfCopy } from '../store/redundancy.ts';
import { nameOfManifest } from '../store/snapshots.ts';
import { assertRoom } from '../store/room.ts';
import type { Store } from '../store/store.ts';
import type { JobContext, JobResult } from './job.ts';
import { storeFromOriginals } from './repair/originals.ts';

export interface RepairResult {
  packs: number;
  packsDamaged: number;
  /** Made whole by their parity. */
  packsRestored: number;
  stripesRestored: number;
  /** Damaged contents that another pack has as well, and those stored anew from originals. */
  contentsElsewhere: number;
  contentsFromOriginals: number;
  /** Damaged contents that nothing here can bring back. */
  contentsLost: Digest[];
  /** Packs whose table is damaged and that have no parity which could restore it. */
  packsLost: string[];
  /** Damaged manifests that their copy made whole, and ids of those without a whole copy. */
  manifestsRestored: number;
  manifestsLost: string[];
  parityWritten: number;
  bytesWritten: number;
}

export interface RepairOptions {
  pool: CodecPool;
  /** True: gives every whole pack its parity and every manifest its copy, where there is none or a damaged one; false: removes them. */
  parity?: boolean;
  signal?: AbortSignal;
  onProgress?: (packsDone: number, packsTotal: number) => void;
}

/**
 * What it repaired stays repaired where it is cancelled.
 *
 * @throws CairnError `locked`, `no_space`, `io`, and the signal's reason; what can't be repaired is in the result.
 */
export async function repair(store: Store, options: RepairOptions): Promise<RepairResult> {
  await store.assertWriting();
  const result: RepairResult = {
    ...{ packs: 0, packsDamaged: 0, packsRestored: 0, stripesRestored: 0, contentsElsewhere: 0, contentsFromOriginals: 0 },
    ...{ contentsLost: [], packsLost: [], manifestsRestored: 0, manifestsLost: [], parityWritten: 0, bytesWritten: 0 },
  };
  // First, because what is stored anew from originals is found by the manifests.
  await repairManifests(store, options.parity ?? store.keepsParity, result);
  const packIds = (await store.backend.list('packs')).map(packIdOf).filter((id) => id !== undefined);
  options.onProgress?.(0, packIds.length);
  if (options.parity) await assertRoomForParity(store, packIds);
  for (const packId of packIds) {
    options.signal?.throwIfAborted();
    await repairPack(store, packId, options, result);
    result.packs++;
    options.onProgress?.(result.packs, packIds.length);
  }
  if (options.parity !== undefined) await store.keepParity(options.parity);
  if (options.parity === false) for (const { name } of await listRedundancy(store.backend)) await store.backend.remove(name);
  return result;
}

/** @throws LacksRoom where the disk doesn't hold the parity of those packs that have none */
async function assertRoomForParity(store: Store, packIds: readonly string[]): Promise<void> {
  let bytesNeeded = 0;
  for (const packId of packIds) {
    if (await store.backend.stat(nameOfParity(packId))) continue;
    bytesNeeded += parityFileBytes((await store.backend.stat(nameOfPack(packId)))?.sizeBytes ?? 0);
  }
  await assertRoom('parity', { path: store.backend.place, bytesNeeded, bytesFree: () => store.backend.freeBytes() });
}

/** Puts whole manifests in the place of damaged ones; where the store keeps parity, copies that are missing or damaged are written. */
async function repairManifests(store: Store, parity: boolean, result: RepairResult): Promise<void> {
  for (const id of await store.snapshotIds()) {
    const [stored, copy] = await Promise.all([nameOfManifest(id), nameOfCopy(id)].map((name) => wholeManifest(store, id, name)));
    if (stored) {
      if (parity && !copy) await store.copyManifest(id, stored);
    } else if (copy) {
      await replaceManifest(store, id, copy);
      result.manifestsRestored++;
    } else result.manifestsLost.push(id);
  }
}

/** The bytes of a manifest or its copy, or undefined where they are not what the id says. */
async function wholeManifest(store: Store, id: string, name: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await store.backend.readWhole(name, maxManifestBytes);
    await decodeManifest(bytes, id, store.hashing, store.backend.localPath(name));
    return bytes;
  } catch (thrown) {
    if (['damaged', 'not_found', 'unsupported'].includes(toCairnError(thrown).code)) return undefined;
    throw thrown;
  }
}

async function replaceManifest(store: Store, id: string, bytes: Uint8Array): Promise<void> {
  const temporary = await store.backend.createTemporary();
  try {
    await store.backend.writeAt(temporary, 0, bytes);
    await store.backend.publish(temporary, nameOfManifest(id), true);
  } finally {
    await store.backend.remove(temporary).catch(() => {});
  }
}

async function repairPack(store: Store, packId: string, options: RepairOptions, result: RepairResult): Promise<void> {
  let damaged = await damageOf(store, packId, options);
  const parity = await parityOf(store, packId);
  if (damaged.length > 0 || damaged === wholePack) {
    result.packsDamaged++;
    const restored = parity && (await restoreFromParity(store.backend, store.hashing, packId, parity, options.signal));
    if (restored !== undefined) {
      await store.index.drop(packId);
      await store.index.refresh();
      damaged = await damageOf(store, packId, options);
    }
    if (restored === undefined || damaged === wholePack || damaged.length > 0)
      return repairContents(store, packId, damaged, options, result);
    result.packsRestored++;
    result.stripesRestored += restored;
  }
  if (options.parity ?? store.keepsParity) await ensureParity(store, packId, parity, options, result);
}

/** Stands for damage to a pack's header, table or footer. */
const wholePack: BlobEntry[] = [];

const readingOf = ({ pool, signal }: RepairOptions): ReadOptions => ({ signal, pace: (runs) => pool.paced(runs) });

/** Blobs of the pack whose stored bytes don't have their checksums. */
async function damageOf(store: Store, packId: string, options: RepairOptions): Promise<BlobEntry[]> {
  const { signal } = options;
  try {
    const damaged: BlobEntry[] = [];
    for (const entry of (await readPackTable(store.backend, store.hashing, packId)).entries()) {
      if (!(await hasWholeBlocks(store, packId, entry, readingOf(options)))) damaged.push(entry);
    }
    return damaged;
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    if (toCairnError(thrown).code === 'damaged' || toCairnError(thrown).code === 'unsupported') return wholePack;
    throw thrown;
  }
}

/** A parity that is damaged itself is none. */
async function parityOf(store: Store, packId: string): Promise<Parity | undefined> {
  try {
    return await readParity(store.backend, store.hashing, packId);
  } catch (thrown) {
    if (toCairnError(thrown).code === 'damaged') return undefined;
    throw thrown;
  }
}

async function ensureParity(
  { backend, hashing }: Store,
  packId: string,
  parity: Parity | undefined,
  { signal }: RepairOptions,
  result: RepairResult,
): Promise<void> {
  if (parity && (await isParityWhole(backend, hashing, packId, parity, signal))) return;
  await backend.remove(nameOfParity(packId));
  result.bytesWritten += await writeParity(backend, hashing, packId, signal);
  result.parityWritten++;
}

async function repairContents(
  store: Store,
  packId: string,
  damaged: BlobEntry[],
  options: RepairOptions,
  result: RepairResult,
): Promise<void> {
  if (damaged === wholePack) {
    result.packsLost.push(packId);
    return;
  }
  const alone: BlobEntry[] = [];
  for (const entry of damaged) {
    if (await isElsewhere(store, packId, entry.digest, options)) result.contentsElsewhere++;
    else alone.push(entry);
  }
  const stored = await storeFromOriginals(store, options.pool, alone, options.signal);
  result.contentsFromOriginals += stored.digests.size;
  result.contentsLost.push(...alone.map(({ digest }) => digest).filter((digest) => !stored.digests.has(digest)));
  // Where all of it was stored anew as it was, the new pack has taken the place of the damaged one.
  if (stored.packId !== packId) await store.condemn(packId);
}

async function isElsewhere(store: Store, packId: string, digest: Digest, options: RepairOptions): Promise<boolean> {
  for (const place of store.index.places(digest)) {
    if (place.packId === packId) continue;
    const entry = (await store.packTable(place.packId)).entry(place.index);
    if (await hasWholeBlocks(store, place.packId, entry, readingOf(options))) return true;
  }
  return false;
}

/** The repair job. */
export async function repairJob(context: JobContext, params: CheckedParamsOf<'repair.start'>): Promise<JobResult> {
  const store = await context.writeStore();
  await store.index.load();
  const onProgress = (itemsDone: number, itemsTotal: number): void =>
    context.progress({ phase: 'repair', bytesDone: 0, bytesTotal: 0, itemsDone, itemsTotal });
  const result = await repair(store, { pool: context.pool(params.threads), parity: params.parity, signal: context.signal, onProgress });
  for (const digest of result.contentsLost) context.log('error', `content ${digest} is damaged, and nothing here has it whole`);
  for (const id of result.manifestsLost) context.log('error', `snapshot ${id}: its manifest is damaged, and there is no whole copy`);
  for (const packId of result.packsLost)
    context.log('error', `${store.backend.localPath(nameOfPack(packId))}: its table is damaged; restore it from a copy`);
  context.log('info', `${result.packs} packs read, ${result.packsDamaged} damaged, ${result.packsRestored} restored from parity`);
  return { ...result };
}
