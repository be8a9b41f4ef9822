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

const endOf = ({ offset, length }: { offset: number; length: number }): number => offset + length;

/** The digest of consecutive ranges taken as one, read by all workers: at once, or as far as is asked, time after time. */
export class RangesDigest {
  readonly #pool: CodecPool;
  readonly #ranges: readonly FileRange[];
  readonly #cancel: Int32Array;
  readonly #length: number;
  readonly #digests: Uint8Array[] = [];
  readonly #pieces: readonly PieceOf<{ length: number }>[];
  #begun = 0;

  constructor(pool: CodecPool, ranges: readonly FileRange[], cancel: Int32Array) {
    this.#pool = pool;
    this.#ranges = ranges;
    this.#cancel = cancel;
    this.#length = ranges.reduce((sum, range) => sum + range.length, 0);
    this.#pieces = [...piecesOf({ length: this.#length })];
  }

  /** Reads the pieces that end at `end` or before it, and weren't read. One call at a time. */
  async upTo(end: number, onBytes?: (bytes: number) => void): Promise<void> {
    const first = this.#begun;
    while (this.#begun < this.#pieces.length && endOf(this.#pieces[this.#begun]!) <= end) this.#begun += 1;
    const due = this.#pieces.slice(first, this.#begun);
    for await (const [piece, digest] of ordered(due, this.#pool.threads * 2, (one) => this.#read(one))) {
      this.#digests.push(digest);
      onBytes?.(piece.length);
    }
  }

  /** Reads what is left. @returns 64 hex digits */
  async value(onBytes?: (bytes: number) => void): Promise<string> {
    if (this.#length === 0) return hex(hashing.digestBytes(new Uint8Array(0)));
    await this.upTo(this.#length, onBytes);
    return joined(this.#digests, this.#length);
  }

  #read(piece: PieceOf<{ length: number }>): Promise<Uint8Array> {
    const ranges = rangesOf(this.#ranges, piece.offset, piece.length);
    return this.#pool.digest({ ranges, firstChunk: firstChunkOf(piece), whole: piece.whole, cancel: this.#cancel });
  }
}

/** Digest of consecutive ranges taken as one, in 64 hex digits, read by all workers. */
export const digestRanges = (
  pool: CodecPool,
  ranges: readonly FileRange[],
  cancel: Int32Array,
  onBytes?: (bytes: number) => void,
): Promise<string> => new RangesDigest(pool, ranges, cancel).value(onBytes);
