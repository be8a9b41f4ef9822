/**
 * The worker's side of the codec: one named record in, one result out. Tensor bytes go from file to file inside
 * native code; bytes of files that no reader understands pass through node:zlib in whole buffers.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CairnError, toFailure, type Failure } from '../contract/errors.ts';
import {
  addon,
  type AnalyseRequest,
  type BenchRequest,
  type DecodeItem,
  type DecodeRequest,
  type DigestRequest,
  type EncodedItem,
  type EncodeRequest,
  type EncodeResult,
  type FileRange,
  type StoredBlocks,
  type WriteRequest,
} from './binding.ts';
import { bytesBlockLog2, codecIds } from './elements.ts';

// A property of the whole thread, so it is set once, when the worker starts.
if ((workerData as { priority?: string } | null)?.priority === 'low') addon.lowerPriority();

/** A piece of a content in the bytes coding: ranges read as if they were one. */
export interface BytesEncodeRequest {
  ranges: FileRange[];
  firstChunk: number;
  whole: boolean;
  /** zstd's compression level. */
  level: number;
  cancel: Int32Array;
}

export interface BytesDecodeRequest {
  item: DecodeItem;
  cancel: Int32Array;
}

export type Task =
  | { kind: 'encode'; request: EncodeRequest }
  | { kind: 'encode-bytes'; request: BytesEncodeRequest }
  | { kind: 'write'; request: WriteRequest }
  | { kind: 'release'; slot: number }
  | { kind: 'decode'; request: DecodeRequest }
  | { kind: 'decode-bytes'; request: BytesDecodeRequest }
  | { kind: 'digest'; request: DigestRequest }
  | { kind: 'bench'; request: BenchRequest }
  | { kind: 'analyse'; request: AnalyseRequest }
  | { kind: 'evict'; path: string };

const blockBytes = 2 ** bytesBlockLog2;
const codecCount = 16;

function readRange(range: FileRange, into: Uint8Array, at: number): void {
  const file = openSync(range.path, 'r');
  try {
    let done = 0;
    while (done < range.length) {
      const count = readSync(file, into, at + done, range.length - done, range.offset + done);
      if (count === 0)
        throw new CairnError('changed', `${range.path}: the file became shorter while it was read; archive it again`, { path: range.path });
      done += count;
    }
  } finally {
    closeSync(file);
  }
}

function readRanges(ranges: FileRange[]): Uint8Array {
  const bytes = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
  let at = 0;
  for (const range of ranges) {
    readRange(range, bytes, at);
    at += range.length;
  }
  return bytes;
}

function encodeBytesBlock(raw: Uint8Array, level: number): [number, Uint8Array] {
  const packed = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 } });
  const [id, body] = packed.length < raw.length ? [codecIds.zstd, packed] : [codecIds.raw, raw];
  const stored = new Uint8Array(1 + body.length);
  stored[0] = id;
  stored.set(body, 1);
  return [id, stored];
}

function encodeBytes(request: BytesEncodeRequest): EncodeResult {
  const raw = readRanges(request.ranges);
  const blocks: Uint8Array[] = [];
  const codecs = new Uint32Array(codecCount);
  for (let start = 0; start < raw.length; start += blockBytes) {
    if (Atomics.load(request.cancel, 0) !== 0) throw new CairnError('cancelled', 'cancelled');
    const [id, stored] = encodeBytesBlock(raw.subarray(start, start + blockBytes), request.level);
    codecs[id]! += 1;
    blocks.push(stored);
  }
  const item: EncodedItem = {
    slotOffset: 0,
    storedLength: blocks.reduce((sum, block) => sum + block.length, 0),
    lengths: Uint32Array.from(blocks, (block) => block.length),
    checksums: Uint32Array.from(blocks, (block) => addon.checksumBytes(block)),
    digest: addon.digestBytes(raw, request.firstChunk, request.whole),
    used: [],
    codecs,
  };
  return { slot: addon.hold(blocks), items: [item] };
}

function damaged(blocks: StoredBlocks, index: number, what: string): CairnError {
  return new CairnError('damaged', `${blocks.path}: block ${index} at ${blocks.offset} ${what}; restore the pack from a copy`, {
    path: blocks.path,
  });
}

function decodeBytesBlock(stored: Uint8Array, rawLength: number, blocks: StoredBlocks, index: number): Uint8Array {
  if (addon.checksumBytes(stored) !== blocks.checksums[index]) throw damaged(blocks, index, 'fails its checksum');
  const body = stored.subarray(1);
  if (stored[0] === codecIds.raw && body.length === rawLength) return body;
  if (stored[0] === codecIds.constant && body.length === 1) return new Uint8Array(rawLength).fill(body[0]!);
  if (stored[0] !== codecIds.zstd)
    throw damaged(blocks, index, `has codec ${stored[0]} with ${body.length} bytes, which its coding does not allow`);
  try {
    const raw = zstdDecompressSync(body, { maxOutputLength: rawLength });
    if (raw.length === rawLength) return raw;
  } catch (thrown) {
    throw new CairnError('damaged', damaged(blocks, index, 'is not a zstd frame of its length').message, {
      path: blocks.path,
      cause: thrown,
    });
  }
  throw damaged(blocks, index, 'is shorter than it should be');
}

function writeRanges(bytes: Uint8Array, targets: FileRange[]): void {
  let at = 0;
  for (const target of targets) {
    const file = openSync(target.path, 'r+');
    try {
      for (let done = 0; done < target.length;) done += writeSync(file, bytes, at + done, target.length - done, target.offset + done);
    } finally {
      closeSync(file);
    }
    at += target.length;
  }
}

function decodeBytes({ item, cancel }: BytesDecodeRequest): { digest: Uint8Array } {
  const { blocks } = item;
  const raw = new Uint8Array(blocks.rawLength);
  let offset = blocks.offset;
  blocks.lengths.forEach((length, index) => {
    if (Atomics.load(cancel, 0) !== 0) throw new CairnError('cancelled', 'cancelled');
    const stored = readRanges([{ path: blocks.path, offset, length }]);
    const start = index * blockBytes;
    raw.set(decodeBytesBlock(stored, Math.min(blockBytes, raw.length - start), blocks, index), start);
    offset += length;
  });
  if (item.target) writeRanges(raw, item.target);
  return { digest: addon.digestBytes(raw, item.firstChunk, item.whole) };
}

function perform(task: Task): unknown {
  switch (task.kind) {
    case 'encode':
      return addon.encode(task.request);
    case 'encode-bytes':
      return encodeBytes(task.request);
    case 'write':
      return addon.write(task.request);
    case 'release':
      return addon.release(task.slot);
    case 'decode':
      return addon.decode(task.request);
    case 'decode-bytes':
      return { items: [decodeBytes(task.request)] };
    case 'digest':
      return addon.digest(task.request);
    case 'analyse':
      return addon.analyse(task.request);
    case 'bench':
      return addon.bench(task.request);
    case 'evict':
      return addon.evict(task.path);
  }
}

export type Outcome = { result: unknown } | { failure: Failure };

/** Runs one task. A failure is an ordinary outcome, because the codes of errors don't survive the way between threads. */
export default function run(task: Task): Outcome {
  try {
    return { result: perform(task) };
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}
