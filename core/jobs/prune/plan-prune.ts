/**
 * Which packs go, and what of them is stored anew. A pack goes where nothing in it is needed, where much of it is not, or
 * where it holds a delta whose base goes: what stays in the store can always be decoded, needed or not, because an
 * archive may come upon it and rely on it.
 */
import type { BlobEntry, Digest } from '../../store/blob-source.ts';
import { packFileBytes } from '../../store/pack-format.ts';
import { nameOfPack } from '../../store/pack-reader.ts';
import { nameOfParity, parityFileBytes } from '../../store/parity.ts';
import type { Store } from '../../store/store.ts';
import type { Draft } from './drafts.ts';

/** Of a pack's bytes; with less garbage it is left as it is. */
const garbageWorthwhile = 0.2;
/** Stored bytes after which another pack is begun. */
const packBytes = 1024 * 1024 * 1024;

/** A blob to be copied into a new pack. */
export interface Move {
  /** Name of the file it lies in, and the entry that says where. */
  name: string;
  entry: BlobEntry;
  rebased: boolean;
}

export interface PrunePlan {
  /** Ids of packs to remove. */
  going: string[];
  packsRemoved: number;
  packsRepacked: number;
  /** Each becomes one pack. */
  packs: Move[][];
  bytesGoing: number;
  /** Sizes of the new packs together. */
  bytesWritten: number;
  bytesLeft: number;
}

interface PackUse {
  packId: string;
  kept: BlobEntry[];
  keptBytes: number;
  blobBytes: number;
  /** It must go: a blob's base goes, or it was condemned before. */
  mustGo: boolean;
}

/**
 * @param needed every content that stays
 * @param drafts those of them that are stored in another form from now on
 */
export async function planPrune(store: Store, needed: ReadonlySet<Digest>, drafts: ReadonlyMap<Digest, Draft>): Promise<PrunePlan> {
  const plan: PrunePlan = { going: [], packsRemoved: 0, packsRepacked: 0, packs: [], bytesGoing: 0, bytesWritten: 0, bytesLeft: 0 };
  const moves: Move[] = [];
  const condemned = await store.condemnedPacks();
  for (const packId of store.index.packIds()) {
    if (store.uncommittedPacks().has(packId)) continue;
    const use = await useOf(store, packId, needed, drafts);
    const garbageBytes = use.blobBytes - use.keptBytes;
    const goes = use.kept.length === 0 || use.mustGo || condemned.has(packId) || garbageBytes > garbageWorthwhile * use.blobBytes;
    if (!goes) {
      plan.bytesLeft += garbageBytes;
      continue;
    }
    plan.going.push(packId);
    for (const name of [nameOfPack(packId), nameOfParity(packId)]) plan.bytesGoing += (await store.backend.stat(name))?.sizeBytes ?? 0;
    if (use.kept.length === 0) plan.packsRemoved++;
    else plan.packsRepacked++;
    for (const entry of use.kept) moves.push({ name: nameOfPack(packId), entry, rebased: false });
  }
  for (const { name, entry } of drafts.values()) moves.push({ name, entry, rebased: true });
  plan.packs = [...groupsOf(moves)];
  for (const pack of plan.packs) {
    const packBytes = packFileBytes(pack.map(({ entry }) => entry));
    plan.bytesWritten += packBytes + (store.keepsParity ? parityFileBytes(packBytes) : 0);
  }
  return plan;
}

async function useOf(store: Store, packId: string, needed: ReadonlySet<Digest>, drafts: ReadonlyMap<Digest, Draft>): Promise<PackUse> {
  const use: PackUse = { packId, kept: [], keptBytes: 0, blobBytes: 0, mustGo: false };
  for (const entry of (await store.packTable(packId)).entries()) {
    use.blobBytes += entry.storedLength;
    if (entry.needs.some(({ digest }) => !needed.has(digest)) || drafts.has(entry.digest)) use.mustGo = true;
    // Of a content in several packs only those copies count that are served.
    if (!needed.has(entry.digest) || drafts.has(entry.digest) || !(await store.isServedFrom(packId, entry.digest))) continue;
    use.kept.push(entry);
    use.keptBytes += entry.storedLength;
  }
  return use;
}

function* groupsOf(moves: Move[]): Generator<Move[]> {
  let group: Move[] = [];
  let bytes = 0;
  for (const move of moves) {
    if (group.length > 0 && bytes + move.entry.storedLength > packBytes) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(move);
    bytes += move.entry.storedLength;
  }
  if (group.length > 0) yield group;
}
