/**
 * Gives back the space of contents that no snapshot needs. The only code that deletes packs, so it is careful:
 * - what is needed is known only where every manifest and every pack's table can be read; else it refuses;
 * - packs that an archive under way has published are left alone;
 * - first everything worth keeping of packs that go is published in new packs, then all packs that go are condemned, then,
 *   after a time in which readers notice, they are removed. A crash leaves at worst more than is needed, never less, and the
 *   next prune ends what it finds begun.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelFlag, type CodecPool } from '../codec/pool.ts';
import { CairnError } from '../contract/errors.ts';
import { readBlocksIn, type BlockRun } from '../store/block-reader.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import { assertRoom } from '../store/room.ts';
import { nameOfPack } from '../store/pack-reader.ts';
import { nameOfParity } from '../store/parity.ts';
import { removeOrphanedRedundancy } from '../store/redundancy.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';
import { provePack } from './archive/prove.ts';
import { Drafts } from './prune/drafts.ts';
import { planPrune, type Move, type PrunePlan } from './prune/plan-prune.ts';
import { findRebases, type Rebase } from './prune/spare-bases.ts';
import { surveyStore, whoNeeds, type Survey } from './prune/survey.ts';

/** Readers look for condemned packs several times in this. */
const defaultGraceMs = 2000;
const namesShown = 20;

export interface PruneOptions {
  /** Says what would be done, and does nothing. */
  dryRun?: boolean;
  /** As if these snapshots were gone already; for previews. */
  without?: ReadonlySet<string>;
  /** As if there were these too; for previews. */
  instead?: readonly Manifest[];
  /** Codes deltas anew whose bases could then go; absent: none is. */
  pool?: CodecPool;
  /** Between condemning packs whose contents were stored anew and removing them. */
  graceMs?: number;
  signal?: AbortSignal;
  onProgress?: (phase: 'rebase' | 'repack' | 'remove', done: number, total: number) => void;
}

export interface PruneResult {
  packsRemoved: number;
  /** Rewritten without the contents that nothing needs. */
  packsRepacked: number;
  /** Stored anew against another base, or none. */
  contentsRebased: number;
  bytesFreed: number;
  /** Bytes of contents that nothing needs, in packs that are mostly needed. */
  bytesLeft: number;
  /** Contents of no snapshot that stay because others are decoded against them. */
  contentsHeld: number;
  bytesHeld: number;
  /** Snapshots that these are held for, RUN@STEP, the first of them. */
  heldFor: string[];
}

/**
 * @throws CairnError `damaged` where a manifest, a pack or a needed content can't be read, `locked` while an archive
 * writes to the store, `no_space`, `cancelled`; every snapshot is whole then.
 */
export function prune(store: Store, options: PruneOptions = {}): Promise<PruneResult> {
  return store.exclusively(async () => {
    await store.assertWriting();
    assertGoingOn(options.signal);
    if (store.openPacks > 0) throw new CairnError('locked', `${store.backend.place}: something is being archived; prune when it is done`);
    const survey = await surveyStore(store, options.without ?? new Set(), options.instead);
    const rebases = options.pool ? findRebases(survey, store.uncommittedPacks()) : [];
    const drafts = await code(store, survey, rebases, options);
    try {
      const spared = keepWhatPays(drafts, rebases);
      const needed = new Set([...survey.contents.keys()].filter((digest) => !spared.has(digest)));
      const plan = await planPrune(store, needed, drafts?.all ?? new Map());
      const result = await resultOf(store, survey, needed, plan, drafts?.all.size ?? 0, options);
      if (!options.dryRun) await carryOut(store, plan, options);
      return result;
    } finally {
      await drafts?.drop();
    }
  });
}

async function code(store: Store, { named }: Survey, rebases: Rebase[], options: PruneOptions): Promise<Drafts | undefined> {
  const { pool, signal } = options;
  if (!pool || rebases.length === 0) return undefined;
  const total = rebases.reduce((sum, { rawLength }) => sum + rawLength, 0);
  let done = 0;
  options.onProgress?.('rebase', 0, total);
  const onBytes = (bytes: number): void => {
    done += bytes;
    options.onProgress?.('rebase', done, total);
  };
  const drafts = new Drafts(store, { pool, cancel: cancelFlag(signal), methodOf: (digest) => named.get(digest) ?? 'cairn', onBytes });
  try {
    await drafts.code(rebases);
    return drafts;
  } catch (thrown) {
    await drafts.drop();
    throw thrown;
  }
}

/** Forgets drafts that would take more than they spare. @returns the contents that the others spare */
function keepWhatPays(drafts: Drafts | undefined, rebases: Rebase[]): Set<Digest> {
  const gone = new Set<Digest>();
  for (const { digest, spared, bytesNow } of rebases) {
    if (drafts!.all.get(digest)!.entry.storedLength < bytesNow) for (const base of spared) gone.add(base);
    else drafts!.all.delete(digest);
  }
  return gone;
}

async function resultOf(
  store: Store,
  { contents, named }: Survey,
  needed: Set<Digest>,
  plan: PrunePlan,
  contentsRebased: number,
  options: PruneOptions,
): Promise<PruneResult> {
  const held = new Set([...needed].filter((digest) => !named.has(digest)));
  let bytesHeld = 0;
  for (const digest of held) bytesHeld += contents.get(digest)!.storedLength;
  const { packsRemoved, packsRepacked, bytesLeft } = plan;
  return {
    ...{ packsRemoved, packsRepacked, contentsRebased, bytesFreed: plan.bytesGoing - plan.bytesWritten, bytesLeft },
    ...{ contentsHeld: held.size, bytesHeld },
    heldFor: held.size === 0 ? [] : await whoNeeds(store, held, options.without ?? new Set(), namesShown),
  };
}

async function carryOut(store: Store, plan: PrunePlan, options: PruneOptions): Promise<void> {
  const { place } = store.backend;
  await assertRoom('pruning', { path: place, bytesNeeded: plan.bytesWritten, bytesFree: () => store.backend.freeBytes() });
  const going = new Set(plan.going);
  if (plan.packs.length > 0) options.onProgress?.('repack', 0, plan.packs.length);
  for (const [index, moves] of plan.packs.entries()) {
    assertGoingOn(options.signal);
    // A prune that was cut off may have published this very pack before.
    going.delete(await writePack(store, moves, options));
    options.onProgress?.('repack', index + 1, plan.packs.length);
  }
  for (const packId of going) await store.condemn(packId);
  if (plan.packs.length > 0) await grace(options);
  let removed = 0;
  for (const packId of going) {
    assertGoingOn(options.signal);
    await removePack(store, packId);
    removed++;
    options.onProgress?.('remove', removed, going.size);
  }
  await clearMarks(store);
  await removeOrphanedRedundancy(store.backend);
}

/** @returns the id of the pack, which is proved and published */
async function writePack(store: Store, moves: Move[], { pool, signal }: PruneOptions): Promise<string> {
  const blocks = (name: string, entry: BlobEntry): AsyncGenerator<BlockRun> => {
    const runs = readBlocksIn(store, name, entry);
    return pool ? pool.paced(runs) : runs;
  };
  const pack = await store.createPack();
  try {
    for (const { name, entry } of moves) {
      assertGoingOn(signal);
      const offset = pack.reserve(entry.storedLength);
      for await (const { at, bytes } of blocks(name, entry)) {
        assertGoingOn(signal);
        await pack.write(offset + at, bytes);
      }
      pack.add({ ...entry, offset });
    }
    const rebased = new Set(moves.filter((move) => move.rebased).map(({ entry }) => entry.digest));
    const { id } = await pack.finish(async (path, all) => {
      await pool?.evict(path);
      // What was copied is held to its checksums before it has a name that others rely on.
      for (const entry of all) for await (const _run of blocks(pack.name, entry)) assertGoingOn(signal);
      const anew = all.filter(({ digest }) => rebased.has(digest));
      if (pool && anew.length > 0) await provePack(pool, store, path, anew, { cancel: cancelFlag(signal), onBytes: () => undefined });
    });
    store.settle(id);
    return id;
  } catch (thrown) {
    await pack.abandon();
    throw thrown;
  }
}

async function grace({ graceMs = defaultGraceMs, signal }: PruneOptions): Promise<void> {
  await sleep(graceMs, undefined, signal ? { signal } : {}).catch(() => assertGoingOn(signal));
}

async function removePack(store: Store, packId: string): Promise<void> {
  await store.assertWriting();
  await store.backend.remove(nameOfPack(packId));
  await store.backend.remove(nameOfParity(packId));
  await store.index.drop(packId);
  await store.condemn(packId, false);
}

/** Marks of packs that a prune which was cut off had removed. */
async function clearMarks(store: Store): Promise<void> {
  for (const packId of (await store.condemnedPacks()).keys())
    if (!(await store.backend.stat(nameOfPack(packId)))) await store.condemn(packId, false);
}

function assertGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CairnError('cancelled', 'prune was cancelled; what it freed so far stays free, the next prune goes on');
}
