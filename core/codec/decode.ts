/**
 * Decodes stored contents, to files or just to prove them, and takes digests of files as they lie. Both in pieces over
 * all workers, compared in order.
 */
import type { DecodeItem, FileRange, StoredBlocks } from './binding.ts';
import type { ElementId } from './elements.ts';
import { hashing, hex } from './hashing.ts';
import { ordered } from './ordered.ts';
import { batchesOf, firstChunkOf, pieceBytes, piecesOf, rangesOf, type PieceOf } from './pieces.ts';
import type { CodecPool } from './pool.ts';

/** One stored content to decode. */
export interface StoredContent {
  digest: string;
  length: number;
  element: ElementId;
  coding: 'tensor' | 'bytes';
  /** Descriptor of the blocks that hold `length` bytes from `offset`, with what they need. */
  piece(offset: number, length: number): Promise<StoredBlocks>;
  /** Where the bytes go, in order; absent where only the proof is wanted. */
  target?: FileRange[];
}

export interface Decoded<T extends StoredContent> {
  content: T;
  /** Digest of what was decoded; absent where decoding failed. */
  digest?: string;
  error?: unknown;
}

export interface DecodeOptions {
  cancel: Int32Array;
  onBytes(bytes: number): void;
}

async function itemOf<T extends StoredContent>(piece: PieceOf<T>): Promise<DecodeItem> {
  const { content, offset, length, whole } = piece;
  const target = content.target && rangesOf(content.target, offset, length);
  return { blocks: await content.piece(offset, length), firstChunk: firstChunkOf(piece), whole, ...(target ? { target } : {}) };
}

async function decodeBatch<T extends StoredContent>(
  pool: CodecPool,
  batch: PieceOf<T>[],
  cancel: Int32Array,
): Promise<(Uint8Array | { error: unknown })[]> {
  const decodeItems = async (pieces: PieceOf<T>[]): Promise<Uint8Array[]> => {
    const items = await Promise.all(pieces.map(itemOf));
    const result =
      pieces[0]!.content.coding === 'bytes' ? await pool.decodeBytes({ item: items[0]!, cancel }) : await pool.decode({ items, cancel });
    return result.items.map((item) => item.digest);
  };
  try {
    return await decodeItems(batch);
  } catch (error) {
    if (batch.length === 1 || Atomics.load(cancel, 0) !== 0) return batch.map(() => ({ error }));
    // One bad content must not hide the others of its task.
    const apart = await Promise.allSettled(batch.map((piece) => decodeItems([piece])));
    return apart.map((entry) => (entry.status === 'fulfilled' ? entry.value[0]! : { error: entry.reason as unknown }));
  }
}

/**
 * Decodes each content and yields its digest, or the error, in order. Never throws for damaged bytes; the caller
 * compares and decides.
 */
export async function* decodeContents<T extends StoredContent>(
  pool: CodecPool,
  contents: Iterable<T>,
  options: DecodeOptions,
): AsyncGenerator<Decoded<T>> {
  let digests: Uint8Array[] = [];
  let error: unknown;
  for await (const [batch, results] of ordered(batchesOf(contents), pool.threads * 2, (pieces) =>
    decodeBatch(pool, pieces, options.cancel),
  )) {
    for (const [index, piece] of batch.entries()) {
      if (piece.offset === 0) [digests, error] = [[], undefined];
      const result = results[index]!;
      if (result instanceof Uint8Array) digests.push(result);
      else error ??= result.error;
      options.onBytes(piece.length);
      if (piece.offset + piece.length < piece.content.length) continue;
      if (error !== undefined) yield { content: piece.content, error };
      else yield { content: piece.content, digest: joined(digests, piece.content.length) };
    }
  }
}

function joined(digests: Uint8Array[], length: number): string {
  return hex(digests.length === 1 ? digests[0]! : hashing.joinDigests(Buffer.concat(digests), pieceBytes, length));
}

/** Digest of consecutive ranges taken as one, in 64 hex digits, read by all workers. */
export async function digestRanges(
  pool: CodecPool,
  ranges: FileRange[],
  cancel: Int32Array,
  onBytes?: (bytes: number) => void,
): Promise<string> {
  const length = ranges.reduce((sum, range) => sum + range.length, 0);
  if (length === 0) return hex(hashing.digestBytes(new Uint8Array(0)));
  const pieces = ordered(piecesOf({ length }), pool.threads * 2, (piece) =>
    pool.digest({ ranges: rangesOf(ranges, piece.offset, piece.length), firstChunk: firstChunkOf(piece), whole: piece.whole, cancel }),
  );
  const digests: Uint8Array[] = [];
  for await (const [piece, digest] of pieces) {
    digests.push(digest);
    onBytes?.(piece.length);
  }
  return joined(digests, length);
}
