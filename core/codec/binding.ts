/**
 * The native core as TypeScript sees it. Only this folder touches the addon. Every call is synchronous and meant for
 * worker threads; requests are descriptors of file ranges, results are sizes, checksums and digests. Bytes stay in
 * native memory: `encode` leaves its output in a numbered slot of the process, which any thread may `write` or `release`.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { CairnError } from '../contract/errors.ts';
import type { CodingMethod } from '../contract/model.ts';
import type { ElementId } from './elements.ts';

/** Bytes of a file. */
export interface FileRange {
  path: string;
  offset: number;
  length: number;
}

/** Consecutive stored blocks of one blob, with what they need; `offset` is where the first of them lies in the pack. */
export interface StoredBlocks {
  path: string;
  offset: number;
  element: ElementId;
  blockLog2: number;
  /** Original length of these blocks together. */
  rawLength: number;
  lengths: Uint32Array;
  checksums: Uint32Array;
  needs: Need[];
}

/** Original bytes, read from a file that still holds them or decoded from a store. */
export type RawSource = { file: FileRange } | { stored: StoredBlocks };

export interface Need {
  role: number;
  source: RawSource;
}

/** One piece of a content: whole blocks, coded together. */
export interface EncodeItem {
  source: FileRange;
  element: ElementId;
  blockLog2: number;
  method: CodingMethod;
  /** Elements a row of the matrix that the content is; absent where it is none, or where rows and columns say nothing of it. */
  columns?: number;
  /** Column of the piece's first element; only with `columns`. */
  firstColumn?: number;
  /** The same piece of each content that the coder may use. */
  needs: Need[];
  /** Index of the piece's first BLAKE3 chunk (1 KiB) in its content. */
  firstChunk: number;
  /** True where the piece is all of its content, so that `digest` is the content's digest. */
  whole: boolean;
}

export interface EncodeRequest {
  items: EncodeItem[];
  /** Over shared memory; any non-zero value in element 0 ends the call with `cancelled` at the next block. */
  cancel: Int32Array;
}

export interface EncodedItem {
  /** Where its blocks start in the slot, and their length together. */
  slotOffset: number;
  storedLength: number;
  lengths: Uint32Array;
  checksums: Uint32Array;
  /** 32 bytes: the content's digest, or the chaining value of this piece's subtree (BLAKE3) where not `whole`. */
  digest: Uint8Array;
  /** True for each of the item's needs that a block really uses. */
  used: boolean[];
  /** Blocks by codec id. */
  codecs: Uint32Array;
}

export interface EncodeResult {
  slot: number;
  items: EncodedItem[];
}

/** Moves parts of a slot to a file that exists, then frees the slot (also where it fails). */
export interface WriteRequest {
  slot: number;
  path: string;
  pieces: { slotOffset: number; length: number; fileOffset: number }[];
}

export interface DecodeItem {
  blocks: StoredBlocks;
  firstChunk: number;
  whole: boolean;
  /** Where the original bytes go: ranges of an existing file, in order, their lengths together `rawLength`. Absent: nowhere, only the digest is wanted. */
  target?: FileRange[];
}

export interface DecodeRequest {
  items: DecodeItem[];
  cancel: Int32Array;
}

export interface DecodeResult {
  items: { digest: Uint8Array }[];
}

export interface DigestRequest {
  /** Read one after the other, as if they were one. */
  ranges: FileRange[];
  firstChunk: number;
  whole: boolean;
  cancel: Int32Array;
}

export interface BenchRequest {
  source: FileRange;
  base?: FileRange;
  element: ElementId;
  blockLog2: number;
  method: CodingMethod;
  implementation: string;
  /** Repetitions; the medians are returned. */
  rounds: number;
}

export interface BenchResult {
  rawLength: number;
  storedLength: number;
  encodeSeconds: number;
  decodeSeconds: number;
  /** memcpy of the same bytes, in the same rounds. */
  memcpySeconds: number;
  digestSeconds: number;
}

/** Elements of one kind, sampled or all, with the same elements of an earlier step where there are any. */
export interface AnalyseItem {
  element: ElementId;
  /** Lengths are multiples of the element's width. */
  sources: FileRange[];
  /** As many, each as long as its source. */
  bases?: FileRange[];
}

export interface AnalyseRequest {
  items: AnalyseItem[];
  cancel: Int32Array;
}

/** Sums over an item's elements, so that parts of a tensor add up. */
export interface Analysis {
  elements: number;
  /** Entropy in bits a byte, times bytes, over blocks of 64 KiB; by byte position, the least significant first. */
  planeBits: Float64Array;
  /** Elements by exponent as float32 writes it (biased by 127): 256. Floats only. Zero and subnormal: 0; infinite and NaN: 255. */
  exponents?: Float64Array;
  /** Elements whose bit is not the base's; the least significant first. */
  bitFlips?: Float64Array;
  /** Elements equal to the base's, bit for bit. */
  unchanged?: number;
  /** Elements that are finite both here and in the base, and the sum of |value - base| over them. Zero for integers. */
  finitePairs?: number;
  absoluteChange?: number;
}

export interface Addon {
  about(): { formatVersion: number; implementation: string; implementations: string[] };
  encode(request: EncodeRequest): EncodeResult;
  /** Puts bytes coded elsewhere (zstd) into a slot. */
  hold(bytes: Uint8Array[]): number;
  write(request: WriteRequest): void;
  release(slot: number): void;
  decode(request: DecodeRequest): DecodeResult;
  digest(request: DigestRequest): Uint8Array;
  /** Root digest from the chaining values (32 bytes each) of consecutive spans of `spanBytes` (a power of two of at least 1024), at least two. */
  joinDigests(chainingValues: Uint8Array, spanBytes: number, totalBytes: number): Uint8Array;
  /** Digest of bytes in memory; with `firstChunk` and `whole: false` the chaining value of a piece, as `digest` gives it. */
  digestBytes(bytes: Uint8Array, firstChunk?: number, whole?: boolean): Uint8Array;
  checksumBytes(bytes: Uint8Array): number;
  /** Drops a file's pages from the page cache where the system can, so that the next read comes from the disk. */
  evict(path: string): void;
  /** Sets the access and modification time of a file or folder, in nanoseconds since 1970. */
  setModified(path: string, mtimeNs: bigint): void;
  /** Lowers the CPU and I/O priority of the calling thread where the system can. */
  lowerPriority(): void;
  bench(request: BenchRequest): BenchResult;
  /** @returns one record an item. */
  analyse(request: AnalyseRequest): Analysis[];
}

/**
 * Loads the addon that the build put beside the bundle (`dist/cairn.node`) or, from sources, where node-gyp left it.
 *
 * @throws CairnError `internal` where it is missing or doesn't fit this machine, with the command that builds it.
 */
function load(): Addon {
  const here = import.meta.url;
  const relative = here.endsWith('.ts') ? '../native/build/Release/cairn.node' : './cairn.node';
  const path = fileURLToPath(new URL(relative, here));
  try {
    return createRequire(here)(path) as Addon;
  } catch (thrown) {
    throw new CairnError('internal', `${path}: the native core does not load; run: npm run build`, { path, cause: thrown });
  }
}

export const addon: Addon = load();
