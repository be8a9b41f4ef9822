/**
 * Verifies that stored contents decode to what their digests say. Decoding is the caller's: this chooses what to
 * decode, compares, and says which snapshots a difference concerns. A content that several snapshots share is decoded
 * once. Files are made of contents alone, and which ones is under the manifest's own digest, so they follow.
 */
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import type { Store } from '../store/store.ts';
import { forEachBounded } from '../store/bounded.ts';
import { addNeeded } from '../store/needed.ts';
import { selectCoverage } from './coverage.ts';
import { findingOf } from './findings.ts';
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
  neededBy: Map<string, Set<Digest>>;
  /** Stored contents that the snapshots name themselves; their bases are decoded on the way. */
  entries: Map<Digest, BlobEntry>;
  result: VerifyDataResult;
}

/** @throws CairnError `cancelled`; what is wrong with the store is not thrown. */
export async function verifyData(store: Store, decoder: ContentDecoder, options: VerifyDataOptions = {}): Promise<VerifyDataResult> {
  const found = await findContents(store, options);
  const { entries, result } = found;
  const contents = [...entries.values()].map(({ digest, rawLength }) => ({ digest, bytes: rawLength }));
  const { digests, next } = selectCoverage(contents, options.percent ?? 100, options.after);
  const bytesTotal = digests.reduce((sum, digest) => sum + entries.get(digest)!.rawLength, 0);
  let bytesDone = 0;
  await forEachBounded(digests, options.parallel ?? 1, async (digest) => {
    if (options.signal?.aborted) throw new CairnError('cancelled', 'verify was cancelled');
    const entry = entries.get(digest)!;
    await decodeAndCompare(decoder, entry, found);
    bytesDone += entry.rawLength;
    result.bytesRead += entry.storedLength;
    options.onProgress?.({ bytesDone, bytesTotal });
  });
  return { ...result, next };
}

async function findContents(store: Store, options: VerifyDataOptions): Promise<Found> {
  const ids = options.snapshots ?? (await store.snapshotIds());
  const found: Found = { neededBy: new Map(), entries: new Map(), result: { snapshots: ids.length, bytesRead: 0, findings: [] } };
  await store.index.refresh();
  for (const id of ids) {
    try {
      await findContentsOf(store, id, found);
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (error.code === 'not_found' && !options.snapshots) continue;
      found.result.findings.push(findingOf('manifest-unreadable', error.message, { snapshot: id }));
    }
  }
  return found;
}

async function findContentsOf(store: Store, id: string, { neededBy, entries, result }: Found): Promise<void> {
  const { blobs } = await store.manifest(id);
  const named = new Set(blobs);
  const needed = new Set<Digest>();
  await addNeeded(store, blobs, needed, (digest, blob) => {
    if (!blob) result.findings.push(findingOf('content-missing', `content ${digest} is in no pack`, { snapshot: id }));
    else if (named.has(digest)) entries.set(digest, blob.entry);
  });
  neededBy.set(id, needed);
}

async function decodeAndCompare(decoder: ContentDecoder, entry: BlobEntry, { neededBy, result }: Found): Promise<void> {
  const problem = await decoder.decode(entry.digest, entry).then(
    (digest) => (digest === entry.digest ? undefined : `content ${entry.digest} decodes to something else (${digest})`),
    (thrown: unknown) => {
      const error = toCairnError(thrown);
      if (error.code === 'cancelled') throw error;
      return `content ${entry.digest} does not decode: ${error.message}`;
    },
  );
  if (problem === undefined) return;
  for (const [snapshot, needed] of neededBy) {
    if (needed.has(entry.digest)) result.findings.push(findingOf('content-differs', problem, { snapshot }));
  }
}
