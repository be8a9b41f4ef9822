/** Stored contents as the decoder takes them: pieces of blobs, described by the store. */
import type { StoredBlocks } from '../codec/binding.ts';
import type { StoredContent } from '../codec/decode.ts';
import { elementWidths, type ElementId } from '../codec/elements.ts';
import { CairnError } from '../contract/errors.ts';
import type { BlobEntry } from '../store/blob-source.ts';
import type { Store } from '../store/store.ts';

interface Blocked {
  element: ElementId;
  blockLog2: number;
}

/** Pieces start at block boundaries, because their length is a multiple of every block's. */
function blockRange({ element, blockLog2 }: Blocked, offset: number, length: number): [first: number, count: number] {
  const blockBytes = elementWidths[element] * 2 ** blockLog2;
  return [offset / blockBytes, Math.ceil(length / blockBytes)];
}

/** The blocks of a content that hold `length` bytes from `offset`. */
export function storedPiece(store: Store, digest: string, blocked: Blocked, offset: number, length: number): Promise<StoredBlocks> {
  return store.storedBlocks(digest, ...blockRange(blocked, offset, length));
}

/**
 * @param path the pack's file where it is not published yet; absent: wherever the store has the content
 */
export function storedContent(store: Store, entry: BlobEntry, path?: string): StoredContent {
  const { digest, rawLength, element, coding } = entry;
  const piece = (offset: number, length: number): Promise<StoredBlocks> => {
    const range = blockRange(entry, offset, length);
    return path === undefined ? store.storedBlocks(digest, ...range) : store.storedBlocksAt(path, entry, ...range);
  };
  return { digest, length: rawLength, element, coding, piece };
}

/** @throws CairnError `not_found` where no pack has it. */
export async function storedContentOf(store: Store, digest: string): Promise<StoredContent> {
  const found = await store.lookup(digest);
  if (found) return storedContent(store, found.entry);
  throw new CairnError('not_found', `content ${digest}: no pack of the store has it; run cairn verify`);
}
