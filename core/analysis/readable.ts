/**
 * Makes windows of tensors readable as file ranges: those of originals are that already; of stored contents, the blocks that
 * hold them are decoded into one temporary file. A block's checksum is looked at, its content's digest is not (verify does).
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DecodeItem, FileRange } from '../codec/binding.ts';
import type { CodecPool } from '../codec/pool.ts';
import type { Store } from '../store/store.ts';
import type { Window } from './sampling.ts';
import type { StepTensor } from './step-tensors.ts';

/** An element range of a tensor. */
export type Wanted = Pick<Window<StepTensor>, 'tensor' | 'start' | 'count'>;

export interface ReadContext {
  pool: CodecPool;
  cancel: Int32Array;
  /** An existing folder. */
  scratch: string;
  readStore(): Promise<Store>;
}

/** Decoded blocks of a temporary file, by content and number. */
class DecodedBlocks {
  readonly #context: ReadContext;
  readonly #path: string;
  readonly #offsets = new Map<string, number>();
  readonly #items: DecodeItem[] = [];
  #length = 0;

  constructor(context: ReadContext) {
    this.#context = context;
    this.#path = path.join(context.scratch, `blocks-${randomBytes(6).toString('hex')}`);
  }

  /** Has the block decoded with the others. @returns where it will lie */
  async add(tensor: StepTensor, digest: string, block: number, blockBytes: number): Promise<number> {
    const key = `${digest}:${block}`;
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const blocks = await (await this.#context.readStore()).storedBlocks(digest, block, 1);
    const offset = this.#length;
    const whole = tensor.elements * tensor.width <= blockBytes;
    const target = [{ path: this.#path, offset, length: blocks.rawLength }];
    this.#items.push({ blocks, firstChunk: whole ? 0 : (block * blockBytes) / 1024, whole, target });
    this.#offsets.set(key, offset);
    this.#length += blocks.rawLength;
    return offset;
  }

  async ranges({ tensor, start, count }: Wanted, digest: string, blockLog2: number): Promise<FileRange[]> {
    const [size, ranges, end] = [2 ** blockLog2, [] as FileRange[], start + count];
    for (let from = start; from < end;) {
      const block = Math.floor(from / size);
      const to = Math.min(end, (block + 1) * size);
      const offset = await this.add(tensor, digest, block, size * tensor.width);
      ranges.push({ path: this.#path, offset: offset + (from - block * size) * tensor.width, length: (to - from) * tensor.width });
      from = to;
    }
    return ranges;
  }

  async decode(): Promise<void> {
    if (this.#items.length === 0) return;
    await writeFile(this.#path, '', { flag: 'wx' });
    await this.#context.pool.decode({ items: this.#items, cancel: this.#context.cancel });
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/**
 * Calls `use` with the ranges of each window, in order; they are there until it has ended.
 *
 * @throws CairnError `not_found` and `damaged` for stored contents, `no_space`, `cancelled`.
 */
export async function withRanges<T>(
  windows: readonly Wanted[],
  context: ReadContext,
  use: (ranges: FileRange[][]) => Promise<T>,
): Promise<T> {
  const decoded = new DecodedBlocks(context);
  const ranges: FileRange[][] = [];
  try {
    for (const window of windows) {
      const { place, width } = window.tensor;
      if ('digest' in place) ranges.push(await decoded.ranges(window, place.digest, place.blockLog2));
      else ranges.push([{ path: place.path, offset: place.offset + window.start * width, length: window.count * width }]);
    }
    await decoded.decode();
    return await use(ranges);
  } finally {
    await decoded.remove();
  }
}
