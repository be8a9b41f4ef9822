/**
 * Codes contents in order: pieces are coded by whichever worker is free, and taken in the order of the contents, so that
 * the same input gives the same bytes whatever the number of threads. What the sink knows already is not written.
 */
import type { CodingMethod } from '../contract/model.ts';
import type { EncodedItem, EncodeItem, EncodeResult, RawSource } from './binding.ts';
import { elementWidths, neededLength, roles } from './elements.ts';
import { hashing, hex } from './hashing.ts';
import { ordered } from './ordered.ts';
import { batchesOf, firstChunkOf, pieceBytes, rangesOf, type Content, type Piece } from './pieces.ts';
import type { CodecPool } from './pool.ts';
import { SlotWrites, type SlotPiece } from './slot-writes.ts';

export interface EncodedContent {
  content: Content;
  digest: string;
  lengths: Uint32Array;
  checksums: Uint32Array;
  storedLength: number;
  /** Where its blocks start in the sink's file; absent where the sink had the content already. */
  offset?: number;
  /** What its blocks really need. */
  needs: { role: number; digest: string }[];
  /** Blocks by codec id. */
  codecs: number[];
}

/** Where coded blocks go: a growing file that hands out offsets one after the other. */
export interface BlobSink {
  readonly path: string;
  /** True where the content is stored already, so that its blocks may be dropped. */
  has(digest: string): boolean;
  reserve(length: number): number;
  /** Gives back everything from `offset` on. */
  rewind(offset: number): void;
  /** Called once a content is complete and its blocks are written. */
  add(encoded: EncodedContent): void;
}

export interface EncodeOptions {
  method: CodingMethod;
  cancel: Int32Array;
  /** Called with each piece as it is coded. */
  onPiece(piece: Piece): void;
}

/** The zstd level by the length of a content: what is small may take its time. */
export const levelFor = (length: number): number => (length <= 4 * 1024 * 1024 ? 19 : 3);

interface PossibleNeed {
  role: number;
  digest: string;
  piece(offset: number, length: number): RawSource | Promise<RawSource>;
}

/** What the coder may use, in the order in which it says what it did. */
const needsOf = ({ base, companion }: Content): PossibleNeed[] => [
  ...(base ? [{ role: roles.base, ...base }] : []),
  ...(companion ? [companion] : []),
];

/** Where a piece lies in the rows of its content. */
function columnsOf({ columns, element }: Content, offset: number): { columns?: number; firstColumn?: number } {
  return columns === undefined ? {} : { columns, firstColumn: (offset / elementWidths[element]) % columns };
}

async function itemOf(piece: Piece, method: CodingMethod): Promise<EncodeItem> {
  const { content, offset, length, whole } = piece;
  const needs = await Promise.all(
    needsOf(content).map(async ({ role, piece: read }) => {
      const from = neededLength(role, content.element, offset).length;
      return { role, source: await read(from, neededLength(role, content.element, length).length) };
    }),
  );
  const source = rangesOf(content.ranges, offset, length)[0]!;
  const { element, blockLog2 } = content;
  return { source, element, blockLog2, method, needs, firstChunk: firstChunkOf(piece), whole, ...columnsOf(content, offset) };
}

async function encodeBatch(pool: CodecPool, batch: Piece[], options: EncodeOptions): Promise<EncodeResult> {
  const first = batch[0]!;
  if (first.content.coding === 'tensor') {
    const items = await Promise.all(batch.map((piece) => itemOf(piece, options.method)));
    return pool.encode({ items, cancel: options.cancel });
  }
  const ranges = rangesOf(first.content.ranges, first.offset, first.length);
  return pool.encodeBytes({
    ranges,
    firstChunk: firstChunkOf(first),
    whole: first.whole,
    level: levelFor(first.content.length),
    cancel: options.cancel,
  });
}

function concatenate(arrays: Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

/** One content as its pieces come in. */
class Assembly {
  readonly content: Content;
  #pieces: {
    lengths: Uint32Array;
    checksums: Uint32Array;
    digest: Uint8Array;
    used: boolean[];
    codecs: Uint32Array;
    storedLength: number;
  }[] = [];
  offset: number | undefined;

  constructor(content: Content) {
    this.content = content;
  }

  add(item: EncodedItem): void {
    this.#pieces.push(item);
  }

  /** The digest, once every piece is there. */
  digest(): string {
    const digests = this.#pieces.map((piece) => piece.digest);
    return hex(digests.length === 1 ? digests[0]! : hashing.joinDigests(Buffer.concat(digests), pieceBytes, this.content.length));
  }

  finish(digest: string): EncodedContent {
    const codecs: number[] = [];
    for (const piece of this.#pieces) piece.codecs.forEach((count, id) => (codecs[id] = (codecs[id] ?? 0) + count));
    return {
      content: this.content,
      digest,
      lengths: concatenate(this.#pieces.map((piece) => piece.lengths)),
      checksums: concatenate(this.#pieces.map((piece) => piece.checksums)),
      storedLength: this.#pieces.reduce((sum, piece) => sum + piece.storedLength, 0),
      offset: this.offset,
      needs: needsOf(this.content)
        .filter((_, index) => this.#pieces.some((piece) => piece.used[index]))
        .map(({ role, digest: needed }) => ({ role, digest: needed })),
      codecs,
    };
  }
}

/** Takes coded pieces in order, decides which are written where, and puts contents together. */
class Encoding {
  readonly #sink: BlobSink;
  readonly #options: EncodeOptions;
  readonly done: EncodedContent[] = [];
  #assembly: Assembly | undefined;

  constructor(sink: BlobSink, options: EncodeOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** @returns where the piece goes, or undefined where its content turns out to be stored already */
  take(piece: Piece, item: EncodedItem): SlotPiece | undefined {
    if (piece.offset === 0) this.#assembly = new Assembly(piece.content);
    const assembly = this.#assembly!;
    assembly.add(item);
    this.#options.onPiece(piece);
    if (!endsContent(piece)) return this.#place(assembly, item);
    const digest = assembly.digest();
    if (this.#sink.has(digest)) {
      if (assembly.offset !== undefined) this.#sink.rewind(assembly.offset);
      assembly.offset = undefined;
      this.done.push(assembly.finish(digest));
      return undefined;
    }
    const place = this.#place(assembly, item);
    const encoded = assembly.finish(digest);
    this.#sink.add(encoded);
    this.done.push(encoded);
    return place;
  }

  #place(assembly: Assembly, item: EncodedItem): SlotPiece {
    const fileOffset = this.#sink.reserve(item.storedLength);
    assembly.offset ??= fileOffset;
    return { slotOffset: item.slotOffset, length: item.storedLength, fileOffset };
  }
}

const endsContent = (piece: Piece): boolean => piece.offset + piece.length === piece.content.length;

/** Where a batch's pieces go, of those that are not stored already. */
async function placesOf(batch: Piece[], items: EncodedItem[], encoding: Encoding, writes: SlotWrites): Promise<SlotPiece[]> {
  // The end of a large content may rewind over its earlier pieces, so nothing may still be on its way there.
  if (batch.some((piece) => !piece.whole && endsContent(piece))) await writes.settle();
  return batch.map((piece, index) => encoding.take(piece, items[index]!)).filter((place) => place !== undefined);
}

/**
 * Codes `contents` into `sink`.
 *
 * @returns one record a content, in order; a content that occurs twice is stored once.
 * @throws CairnError `changed` where a file became shorter, `no_space`, `cancelled` and what else reading and writing give.
 */
export async function encodeContents(
  pool: CodecPool,
  contents: Content[],
  sink: BlobSink,
  options: EncodeOptions,
): Promise<EncodedContent[]> {
  const encoding = new Encoding(sink, options);
  const writes = new SlotWrites(pool, sink.path);
  const results = ordered(
    batchesOf(contents),
    pool.threads * 2,
    (batch: Piece[]) => encodeBatch(pool, batch, options),
    ({ slot }) => pool.release(slot),
  );
  try {
    for await (const [batch, { slot, items }] of results) {
      const places = await placesOf(batch, items, encoding, writes).catch(async (thrown: unknown) => {
        await pool.release(slot);
        throw thrown;
      });
      await writes.add(slot, places);
    }
  } catch (thrown) {
    await writes.settle().catch(() => undefined);
    throw thrown;
  }
  await writes.settle();
  return encoding.done;
}
