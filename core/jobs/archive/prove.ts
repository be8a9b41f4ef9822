/** The proof of a pack: every blob read back from the disk, decoded, and its digest compared with the original's. */
import { decodeContents } from '../../codec/decode.ts';
import type { CodecPool } from '../../codec/pool.ts';
import { CairnError, toCairnError } from '../../contract/errors.ts';
import type { BlobEntry } from '../../store/blob-source.ts';
import { nameOfPack } from '../../store/pack-reader.ts';
import type { Store } from '../../store/store.ts';
import { storedContent } from '../stored-content.ts';

export interface ProofOptions {
  cancel: Int32Array;
  onBytes(bytes: number): void;
}

/**
 * @param path the pack's file, synced already
 * @throws CairnError `damaged` naming the first blob that does not decode to what was read
 */
export async function provePack(pool: CodecPool, store: Store, path: string, entries: BlobEntry[], options: ProofOptions): Promise<void> {
  await pool.evict(path);
  const contents = entries.map((entry) => storedContent(store, entry, path));
  for await (const decoded of decodeContents(pool, contents, options)) {
    if (decoded.error !== undefined) {
      const error = toCairnError(decoded.error);
      if (error.code !== 'damaged') throw error;
    }
    if (decoded.digest === decoded.content.digest) continue;
    throw new CairnError('damaged', `${path}: what was written does not decode to what was read; check the disk and archive again`, {
      path,
      cause: decoded.error,
    });
  }
}

/**
 * Proves contents that the store had before and that a snapshot is about to rely on: they may have been damaged since they were
 * written, and an original that is released on their word would be lost.
 *
 * @throws CairnError `damaged` naming the pack of the first one that does not decode to its digest, `not_found` where one is gone
 */
export async function proveStored(pool: CodecPool, store: Store, digests: readonly string[], options: ProofOptions): Promise<void> {
  const found = await Promise.all(digests.map((digest) => store.lookup(digest)));
  const packs = new Map(found.flatMap((blob) => (blob ? [[blob.entry.digest, store.backend.localPath(nameOfPack(blob.packId))]] : [])));
  const missing = digests.find((digest) => !packs.has(digest));
  if (missing !== undefined) throw new CairnError('not_found', `content ${missing}: no pack of the store has it; run cairn repair`);
  for (const path of new Set(packs.values())) await pool.evict(path);
  const contents = found.flatMap((blob) => (blob ? [storedContent(store, blob.entry)] : []));
  for await (const { content, digest, error } of decodeContents(pool, contents, options)) {
    if (error !== undefined && toCairnError(error).code !== 'damaged') throw toCairnError(error);
    if (digest === content.digest) continue;
    const path = packs.get(content.digest)!;
    const message = `${path}: a content of the checkpoint is in the store already, but damaged there; run cairn repair, then archive again`;
    throw new CairnError('damaged', message, { path, cause: error });
  }
}
