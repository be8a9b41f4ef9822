/** Reads the stored bytes of a blob in bounded runs of whole blocks, each held to its checksum. */
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { BlobEntry } from './blob-source.ts';
import type { Hashing } from './hashing.ts';
import { nameOfPack } from './pack-reader.ts';

/** A store, or as much of one as reading needs. */
interface Readable {
  backend: Backend;
  hashing: Hashing;
}

/** A run is at least one block, so at most this and a block's 4 MiB. */
const runBytes = 8 * 1024 * 1024;

/** Runs as they come, held back where their reader may not go on yet. */
export type Pace = (runs: AsyncGenerator<BlockRun>) => AsyncGenerator<BlockRun>;

export interface BlockRun {
  /** Of the run's first byte in the blob. */
  at: number;
  bytes: Uint8Array;
}

/** @throws CairnError `damaged` at the first block whose checksum does not match, `not_found` where the pack is gone. */
export function readBlocks(store: Readable, packId: string, entry: BlobEntry): AsyncGenerator<BlockRun> {
  return readBlocksIn(store, nameOfPack(packId), entry);
}

/** The same from any file of the store that holds the blob's blocks. @param name of the file, not its path */
export async function* readBlocksIn(store: Readable, name: string, entry: BlobEntry): AsyncGenerator<BlockRun> {
  for (let first = 0, at = 0; first < entry.lengths.length;) {
    const count = blocksInRun(entry.lengths, first);
    const lengths = entry.lengths.subarray(first, first + count);
    const bytes = await store.backend.readRange(name, entry.offset + at, sumOf(lengths));
    lengths.reduce((from, length, index) => {
      if (store.hashing.checksumBytes(bytes.subarray(from, from + length)) !== entry.checksums[first + index]) {
        throw damagedBlock(store.backend.localPath(name), entry, first + index);
      }
      return from + length;
    }, 0);
    yield { at, bytes };
    first += count;
    at += bytes.length;
  }
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  pace?: Pace;
}

/** True where every block has its checksum. @throws CairnError `not_found`, `io`; the signal's reason */
export async function hasWholeBlocks(
  store: Readable,
  packId: string,
  entry: BlobEntry,
  { signal, pace = (runs) => runs }: ReadOptions = {},
): Promise<boolean> {
  try {
    for await (const _run of pace(readBlocks(store, packId, entry))) signal?.throwIfAborted();
    return true;
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    if (toCairnError(thrown).code === 'damaged') return false;
    throw thrown;
  }
}

function blocksInRun(lengths: Uint32Array, first: number): number {
  let count = 1;
  for (let bytes = lengths[first]!; first + count < lengths.length; count++) {
    bytes += lengths[first + count]!;
    if (bytes > runBytes) break;
  }
  return count;
}

function sumOf(lengths: Uint32Array): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function damagedBlock(path: string, entry: BlobEntry, block: number): CairnError {
  const message = `${path}: the checksum of block ${block} of content ${entry.digest} does not match; restore the pack from a copy`;
  return new CairnError('damaged', message, { path });
}
