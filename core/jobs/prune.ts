/**
 * Gives back the space of contents that no snapshot needs. The only code that deletes packs, so it is careful:
 * - what is needed is known only where every manifest and every pack's table can be read; else it refuses;
 * - packs that an archive under way has published are left alone;
 * - contents worth keeping are published in a new pack before the old one goes, so a crash leaves both, never neither.
 */
import { CairnError } from '../contract/errors.ts';
import { readBlocks } from '../store/block-reader.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import { addNeeded } from '../store/needed.ts';
import { nameOfPack } from '../store/pack-reader.ts';
import type { Store } from '../store/store.ts';

export interface PruneOptions {
  /** Says what would be done, and does nothing. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface PruneResult {
  packsRemoved: number;
  /** Rewritten without the contents that nothing needs. */
  packsRepacked: number;
  bytesFreed: number;
  /** Bytes of contents that nothing needs, in packs that are mostly needed. */
  bytesLeft: number;
}

interface PackUse {
  packId: string;
  fileBytes: number;
  needed: BlobEntry[];
  neededBytes: number;
  blobBytes: number;
}

/**
 * @throws CairnError `damaged` where a manifest, a pack or a needed content can't be read, `locked` while an archive
 * writes to the store, `cancelled` between two packs.
 */
export function prune(store: Store, options: PruneOptions = {}): Promise<PruneResult> {
  return store.exclusively(async () => {
    await store.assertWriting();
    if (store.openPacks > 0) throw new CairnError('locked', `${store.backend.place}: something is being archived; prune when it is done`);
    const uses = await packUses(store, await allNeeded(store));
    const result: PruneResult = { packsRemoved: 0, packsRepacked: 0, bytesFreed: 0, bytesLeft: 0 };
    for (const use of uses) {
      if (options.signal?.aborted) throw new CairnError('cancelled', 'prune was cancelled; what it freed so far stays free');
      await prunePack(store, use, options.dryRun ?? false, result);
    }
    return result;
  });
}

async function prunePack(store: Store, use: PackUse, dryRun: boolean, result: PruneResult): Promise<void> {
  const garbageBytes = use.blobBytes - use.neededBytes;
  if (use.needed.length === 0) {
    if (!dryRun) await removePack(store, use.packId);
    result.packsRemoved++;
    result.bytesFreed += use.fileBytes;
  } else if (garbageBytes > use.neededBytes) {
    if (!dryRun) await repack(store, use);
    result.packsRepacked++;
    result.bytesFreed += garbageBytes;
  } else {
    result.bytesLeft += garbageBytes;
  }
}

/** Every content that some snapshot needs. Refuses to guess where one of them can't be read. */
async function allNeeded(store: Store): Promise<Set<Digest>> {
  await store.index.refresh();
  for (const error of store.index.unreadable.values()) throw error;
  const needed = new Set<Digest>();
  for (const id of await store.snapshotIds()) {
    const { blobs } = await store.manifest(id);
    await addNeeded(store, blobs, needed, (digest, blob) => {
      if (blob) return;
      throw new CairnError('damaged', `snapshot ${id}: its content ${digest} is missing; run cairn verify --structure before prune`);
    });
  }
  return needed;
}

async function packUses(store: Store, needed: Set<Digest>): Promise<PackUse[]> {
  const uses: PackUse[] = [];
  for (const packId of store.index.packIds()) {
    if (store.uncommittedPacks().has(packId)) continue;
    const fileBytes = (await store.backend.stat(nameOfPack(packId)))?.sizeBytes ?? 0;
    const use: PackUse = { packId, fileBytes, needed: [], neededBytes: 0, blobBytes: 0 };
    for (const entry of (await store.packTable(packId)).entries()) {
      use.blobBytes += entry.storedLength;
      // Of a content in several packs only the place that the index serves counts.
      if (!needed.has(entry.digest) || store.index.find(entry.digest)?.packId !== packId) continue;
      use.needed.push(entry);
      use.neededBytes += entry.storedLength;
    }
    uses.push(use);
  }
  return uses;
}

async function repack(store: Store, use: PackUse): Promise<void> {
  const pack = await store.createPack();
  try {
    for (const entry of use.needed) {
      const offset = pack.reserve(entry.storedLength);
      for await (const { at, bytes } of readBlocks(store, use.packId, entry)) await pack.write(offset + at, bytes);
      pack.add({ ...entry, offset });
    }
    const { id, entries } = await pack.finish();
    store.settle(id);
    for (const entry of entries) await readBack(store, id, entry);
  } catch (thrown) {
    await pack.abandon();
    throw thrown;
  }
  await removePack(store, use.packId);
}

/** Holds what was copied to its checksums before the original goes. */
async function readBack(store: Store, packId: string, entry: BlobEntry): Promise<void> {
  for await (const _run of readBlocks(store, packId, entry));
}

async function removePack(store: Store, packId: string): Promise<void> {
  await store.assertWriting();
  await store.backend.remove(nameOfPack(packId));
  await store.index.drop(packId);
}
