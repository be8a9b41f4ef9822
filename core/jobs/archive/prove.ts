/** The proof of a pack: every blob read back from the disk, decoded, and its digest compared with the original's. */
import { decodeContents } from '../../codec/decode.ts';
import type { CodecPool } from '../../codec/pool.ts';
import { CairnError, toCairnError } from '../../contract/errors.ts';
import type { BlobEntry } from '../../store/blob-source.ts';
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
