/**
 * Verifies that stored contents decode to what their digests say. Decoding is the caller's: this chooses what to
 * decode, compares, and says which snapshots a difference concerns. A content that several snapshots share is decoded
 * once. Files are made of contents alone, and which ones is under the manifest's own digest, so they follow.
 */
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import { forEachBounded } from '../store/bounded.ts';
import type { Manifest } from '../store/manifest.ts';
import { nameOfPack, readPackTable } from '../store/pack-reader.ts';
import { nameOfManifest, type FoundBlob, type Store } from '../store/store.ts';
import { findCulprit, partOf, partWords } from './concerned.ts';
import { selectCoverage } from './coverage.ts';
import { findingOf, type FindingPlace } from './findings.ts';
import type { VerifyOptions, VerifyResult } from './verify-structure.ts';

export interface ContentDecoder {
  /**
   * Decodes a whole content from the store and returns the digest of what came out.
   *
   * @throws CairnError `damaged` where it can't be decoded, `cancelled`.
   */
  decode(digest: Digest, entry: BlobEntry): Promise<Digest>;
}

export interface VerifyDataOptions extends VerifyOptions {
  /** Of the original bytes, 0 ... 100; default 100. */
  percent?: number;
  /** `next` of the partial verification before. */
  after?: Digest;
  /** Contents decoded at a time; default 1. */
  parallel?: number;
}

export interface VerifyDataResult extends VerifyResult {
  next?: Digest;
}

interface Found {
  store: Store;
  neededBy: Map<string, Set<Digest>>;
  /** Stored contents that the snapshots name themselves; their bases are decoded on the way. */
  entries: Map<Digest, FoundBlob>;
  /** Contents whose pack has no readable table. */
  lost: Set<Digest>;
  /** Everything is decoded, so what needs a damaged base is found by itself. */
  complete: boolean;
  result: VerifyDataResult;
}

/** @throws CairnError `cancelled`; what is wrong with the store is not thrown. */
export async function verifyData(store: Store, decoder: ContentDecoder, options: VerifyDataOptions = {}): Promise<VerifyDataResult> {
  const found = await findContents(store, options);
  const { entries, result } = found;
  const contents = [...entries.values()].map(({ entry: { digest, rawLength } }) => ({ digest, bytes: rawLength }));
  const { digests, next } = selectCoverage(contents, options.percent ?? 100, options.after);
  const bytesTotal = digests.reduce((sum, digest) => sum + entries.get(digest)!.entry.rawLength, 0);
  let bytesDone = 0;
  await forEachBounded(digests, options.parallel ?? 1, async (digest) => {
    if (options.signal?.aborted) throw new CairnError('cancelled', 'verify was cancelled');
    const blob = entries.get(digest)!;
    await decodeAndCompare(decoder, blob, found);
    bytesDone += blob.entry.rawLength;
    result.bytesRead += blob.entry.storedLength;
    options.onProgress?.({ bytesDone, bytesTotal });
  });
  return { ...result, next };
}

async function findContents(store: Store, options: VerifyDataOptions): Promise<Found> {
  const ids = options.snapshots ?? (await store.snapshotIds());
  const result: VerifyDataResult = { snapshots: ids.length, bytesRead: 0, findings: [] };
  const found: Found = {
    store,
    neededBy: new Map(),
    entries: new Map(),
    lost: new Set(),
    complete: (options.percent ?? 100) >= 100,
    result,
  };
  await store.index.refresh();
  if (!options.snapshots) await checkTables(found);
  for (const id of ids) {
    const manifest = await readManifest(store, id, options, result);
    if (manifest) await findContentsOf(found, id, manifest);
  }
  return found;
}

async function readManifest(
  store: Store,
  id: string,
  options: VerifyDataOptions,
  { findings }: VerifyDataResult,
): Promise<Manifest | undefined> {
  try {
    return await store.manifest(id);
  } catch (thrown) {
    const error = toCairnError(thrown);
    // Removed since it was listed, which is no fault; one that was asked for by id is.
    if (error.code !== 'not_found' || options.snapshots) {
      const path = store.backend.localPath(nameOfManifest(id));
      findings.push(findingOf('manifest-unreadable', error.message, { snapshot: id, path }));
    }
    return undefined;
  }
}

/** Reads every table anew: those that the index knew from its cache may have been damaged since. */
async function checkTables({ store, result }: Found): Promise<void> {
  const unreadable = new Map(store.index.unreadable);
  for (const packId of store.index.packIds()) {
    try {
      await readPackTable(store.backend, store.hashing, packId);
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (error.code !== 'not_found') unreadable.set(packId, error);
    }
  }
  for (const [pack, error] of unreadable) {
    const path = store.backend.localPath(nameOfPack(pack));
    result.findings.push(findingOf('pack-unreadable', error.message, { path, pack }));
  }
}

async function findContentsOf(found: Found, id: string, manifest: Manifest): Promise<void> {
  const { store, neededBy, entries, lost, result } = found;
  const named = new Set(manifest.blobs);
  const needed = new Set<Digest>();
  const waiting = [...manifest.blobs];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (needed.has(digest)) continue;
    needed.add(digest);
    const blob = await store.lookup(digest).catch(() => undefined);
    if (blob) {
      if (named.has(digest)) entries.set(digest, blob);
      for (const need of blob.entry.needs) waiting.push(need.digest);
      continue;
    }
    lost.add(digest);
    const { words, place } = concernsOf(manifest, digest);
    result.findings.push(
      findingOf('content-missing', `${words}: content ${digest} is in no pack that can be read`, { snapshot: id, ...place }),
    );
  }
  neededBy.set(id, needed);
}

/** What of a snapshot a content is, in words and as members of a finding. */
function concernsOf(manifest: Manifest, digest: Digest): { words: string; place: FindingPlace } {
  const part = partOf(manifest, digest);
  const snapshot = `${manifest.run.name}@${manifest.step}`;
  if (!part) return { words: `${snapshot}: a base of its contents`, place: {} };
  const place = { file: part.file, ...(part.tensor === undefined ? {} : { tensor: part.tensor }) };
  return { words: `${snapshot}: ${partWords(part)}`, place };
}

async function decodeAndCompare(decoder: ContentDecoder, { packId, entry }: FoundBlob, found: Found): Promise<void> {
  const { digest } = entry;
  const problem = await decoder.decode(digest, entry).then(
    (decoded) => (decoded === digest ? undefined : `decodes to something else (${decoded})`),
    (thrown: unknown) => {
      const error = toCairnError(thrown);
      if (error.code === 'cancelled') throw error;
      return `does not decode: ${error.message}`;
    },
  );
  if (problem !== undefined) await report(found, entry, packId, problem);
}

/** One finding for each snapshot that names the content; where only other contents need it, theirs say so. */
async function report(
  { store, neededBy, lost, complete, result }: Found,
  entry: BlobEntry,
  packId: string,
  problem: string,
): Promise<void> {
  // A content whose base can't be had at all is reported as missing already.
  const culprit = await findCulprit(store, entry.digest);
  if (!culprit && entry.needs.some(({ digest }) => lost.has(digest))) return;
  const pack = culprit?.packId ?? packId;
  const path = store.backend.localPath(nameOfPack(pack));
  const code = culprit ? 'block-damaged' : 'content-differs';
  const what = culprit && culprit.digest !== entry.digest ? `needs content ${culprit.digest}, which is damaged: ${culprit.what}` : problem;
  for (const [snapshot, needed] of neededBy) {
    if (!needed.has(entry.digest)) continue;
    const manifest = await store.manifest(snapshot);
    if (complete && !manifest.blobs.includes(entry.digest)) continue;
    const { words, place } = concernsOf(manifest, entry.digest);
    result.findings.push(
      findingOf(code, `${words}: content ${entry.digest} of pack ${packId} ${what}`, { snapshot, path, pack, ...place }),
    );
  }
}
