/**
 * Verifies a store without decoding: every manifest parses, every content it needs is found and fits, every pack's
 * header, table and footer parse, and every stored block has its checksum. What is broken becomes a finding; the rest
 * is verified all the same.
 */
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Finding } from '../contract/model.ts';
import { readBlocks, type Pace } from '../store/block-reader.ts';
import type { BlobEntry, BlobNeed, Digest } from '../store/blob-source.ts';
import type { Manifest } from '../store/manifest.ts';
import { addNeeded } from '../store/needed.ts';
import { nameOfPack, readPackTable } from '../store/pack-reader.ts';
import { problemOfLengths } from '../store/contents.ts';
import { fits } from '../store/form.ts';
import { nameOfManifest } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import { findingOf, type FindingCode } from './findings.ts';

export interface VerifyOptions {
  /** Ids; absent: every snapshot, and every pack whether a snapshot needs it or not. */
  snapshots?: string[];
  signal?: AbortSignal;
  onProgress?: (progress: { bytesDone: number; bytesTotal: number }) => void;
  /** How fast stored bytes may be read. */
  pace?: Pace;
}

export interface VerifyResult {
  snapshots: number;
  bytesRead: number;
  findings: Finding[];
}

interface Checking {
  store: Store;
  options: VerifyOptions;
  findings: Finding[];
  /** Contents that can't be decoded: missing, damaged, or with a base that doesn't fit. */
  broken: Set<Digest>;
  /** What each readable snapshot needs. */
  neededBy: Map<string, Set<Digest>>;
}

/** @throws CairnError `cancelled`; what is wrong with the store is not thrown. */
export async function verifyStructure(store: Store, options: VerifyOptions = {}): Promise<VerifyResult> {
  const checking: Checking = { store, options, findings: [], broken: new Set(), neededBy: new Map() };
  await store.index.refresh();
  for (const [packId, error] of store.index.unreadable)
    add(checking, 'pack-unreadable', error.message, { path: pathOfPack(store, packId) });
  const ids = options.snapshots ?? (await store.snapshotIds());
  for (const id of ids) await checkSnapshot(checking, id);
  const bytesRead = await checkPacks(checking);
  reportAffected(checking);
  return { snapshots: ids.length, bytesRead, findings: checking.findings };
}

async function checkSnapshot(checking: Checking, id: string): Promise<void> {
  assertGoingOn(checking.options);
  const { store } = checking;
  const path = store.backend.localPath(nameOfManifest(id));
  try {
    await checkContents(checking, id, await store.manifest(id));
  } catch (thrown) {
    const error = toCairnError(thrown);
    // Removed since it was listed, which is no fault; one that was asked for by id is.
    if (error.code === 'not_found' && !checking.options.snapshots) return;
    add(checking, 'manifest-unreadable', error.message, { snapshot: id, path });
  }
}

async function checkContents(checking: Checking, id: string, manifest: Manifest): Promise<void> {
  const { store } = checking;
  const needed = new Set<Digest>();
  const entries = new Map<Digest, BlobEntry>();
  await addNeeded(store, manifest.blobs, needed, (digest, blob) => {
    if (blob) return entries.set(digest, blob.entry);
    checking.broken.add(digest);
    return add(checking, 'content-missing', `content ${digest} is in no pack`, { snapshot: id });
  });
  checking.neededBy.set(id, needed);
  for (const entry of entries.values()) await checkNeeds(checking, id, entry, entries);
  const problem = problemOfLengths(
    manifest,
    manifest.blobs.map((digest) => entries.get(digest)?.rawLength),
  );
  if (problem) add(checking, 'lengths-differ', problem, { snapshot: id });
}

async function checkNeeds(checking: Checking, id: string, entry: BlobEntry, entries: Map<Digest, BlobEntry>): Promise<void> {
  const unfit = await findUnfit(checking.store, entry, entries);
  const needed = unfit ?? entry.needs.find(({ digest }) => entries.has(digest));
  if (!needed) return;
  const deep = await checking.store.depthOf(entry.digest).then(
    () => false,
    (thrown: unknown) => toCairnError(thrown).code === 'damaged',
  );
  if (!unfit && !deep) return;
  checking.broken.add(entry.digest);
  add(
    checking,
    'base-unfit',
    `content ${entry.digest} can't be decoded against ${needed.digest}: ${deep ? 'too many bases' : 'another length or element'}`,
    { snapshot: id },
  );
}

/** The first of what a blob needs that is there, but in no form that fits. */
async function findUnfit(store: Store, entry: BlobEntry, there: Map<Digest, BlobEntry>): Promise<BlobNeed | undefined> {
  for (const need of entry.needs) {
    if (!there.has(need.digest)) continue;
    if (!(await store.served(need.digest)).some((needed) => fits(needed.entry, entry, need.role))) return need;
  }
  return undefined;
}

/** Reads every stored block in question. Returns the bytes read. */
async function checkPacks(checking: Checking): Promise<number> {
  const { store, options } = checking;
  const { pace = (runs) => runs } = options;
  const packIds = await readablePacks(checking);
  let bytesTotal = 0;
  for await (const { entry } of blobsToRead(checking, packIds)) bytesTotal += entry.storedLength;
  let bytesDone = 0;
  for await (const { packId, entry } of blobsToRead(checking, packIds)) {
    try {
      for await (const { bytes } of pace(readBlocks(store, packId, entry))) {
        bytesDone += bytes.length;
        options.onProgress?.({ bytesDone, bytesTotal });
        assertGoingOn(options);
      }
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (error.code === 'cancelled') throw error;
      if (error.code === 'not_found' && (await stillServed(checking, entry.digest, packId))) continue;
      checking.broken.add(entry.digest);
      add(checking, 'block-damaged', error.message, { path: pathOfPack(store, packId) });
    }
  }
  return bytesDone;
}

/** A pack that vanished while we read is no fault where prune moved the content, or where nothing needs it. */
async function stillServed(checking: Checking, digest: Digest, packId: string): Promise<boolean> {
  await checking.store.index.refresh();
  const found = await checking.store.lookup(digest);
  const needed = [...checking.neededBy.values()].some((digests) => digests.has(digest));
  return found ? found.packId !== packId : !needed;
}

/** Packs whose tables are read again: those that the index knew from its cache may have been damaged since. */
async function readablePacks(checking: Checking): Promise<string[]> {
  const { store } = checking;
  const packIds: string[] = [];
  for (const packId of store.index.packIds()) {
    try {
      await readPackTable(store.backend, store.hashing, packId);
      packIds.push(packId);
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (error.code !== 'not_found') add(checking, 'pack-unreadable', error.message, { path: pathOfPack(store, packId) });
    }
  }
  return packIds;
}

/** One record at a time: the tables of a large store do not fit into memory together. */
async function* blobsToRead(
  { store, options, neededBy }: Checking,
  packIds: string[],
): AsyncGenerator<{ packId: string; entry: BlobEntry }> {
  const wanted = options.snapshots && new Set([...neededBy.values()].flatMap((digests) => [...digests]));
  for (const packId of packIds) {
    for (const entry of (await store.packTable(packId)).entries()) {
      if (!wanted || (wanted.has(entry.digest) && (await store.isServedFrom(packId, entry.digest)))) yield { packId, entry };
    }
  }
}

/** Says which snapshots the damage concerns, so that nobody has to work that out. */
function reportAffected(checking: Checking): void {
  if (checking.broken.size === 0) return;
  for (const [id, needed] of checking.neededBy) {
    const count = [...checking.broken].filter((digest) => needed.has(digest)).length;
    if (count > 0)
      add(checking, 'snapshot-affected', `snapshot ${id} needs ${count} contents that are damaged or missing`, { snapshot: id });
  }
}

function add(checking: Checking, code: FindingCode, what: string, where: { snapshot?: string; path?: string }): void {
  checking.findings.push(findingOf(code, what, where));
}

function pathOfPack(store: Store, packId: string): string {
  return store.backend.localPath(nameOfPack(packId));
}

function assertGoingOn(options: VerifyOptions): void {
  if (options.signal?.aborted) throw new CairnError('cancelled', 'verify was cancelled');
}
