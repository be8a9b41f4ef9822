/** Codes bytes through the addon by way of real files, for the tests of this folder. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addon, type EncodedItem, type EncodeItem, type Need, type StoredBlocks } from '../../core/codec/binding.ts';
import { tensorBlockLog2, type ElementId } from '../../core/codec/elements.ts';

export const neverCancelled = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));

/** A temporary folder whose files have names given out one after the other. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'cairn-native-'));
  #count = 0;

  newPath(): string {
    return join(this.path, `file-${(this.#count += 1)}`);
  }

  file(bytes: Uint8Array): string {
    const path = this.newPath();
    writeFileSync(path, bytes);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Coded {
  item: EncodedItem;
  /** The stored blocks, back to back. */
  stored: Uint8Array;
  blocks: StoredBlocks;
}

export interface CodeOptions {
  element: ElementId;
  method?: 'cairn' | 'lmc';
  blockLog2?: number;
  base?: Need['source'];
  master?: Need['source'];
  secondMoment?: Need['source'];
  columns?: number;
}

type Needed = Pick<CodeOptions, 'base' | 'master' | 'secondMoment'>;
export const needsOf = ({ base, master, secondMoment }: Needed): Need[] =>
  [base, master, secondMoment].flatMap((source, index) => (source ? [{ role: index + 1, source }] : []));

export function itemOf(folder: Folder, raw: Uint8Array, options: CodeOptions): EncodeItem {
  return {
    source: { path: folder.file(raw), offset: 0, length: raw.length },
    element: options.element,
    blockLog2: options.blockLog2 ?? tensorBlockLog2,
    method: options.method ?? 'cairn',
    needs: needsOf(options),
    firstChunk: 0,
    whole: true,
    ...(options.columns === undefined ? {} : { columns: options.columns, firstColumn: 0 }),
  };
}

/** Encodes `raw` as one piece and writes its blocks to a file of their own. */
export function code(folder: Folder, raw: Uint8Array, options: CodeOptions): Coded {
  const { slot, items } = addon.encode({ items: [itemOf(folder, raw, options)], cancel: neverCancelled() });
  const item = items[0]!;
  const path = folder.file(new Uint8Array());
  addon.write({ slot, path, pieces: [{ slotOffset: item.slotOffset, length: item.storedLength, fileOffset: 0 }] });
  const blocks: StoredBlocks = {
    path,
    offset: 0,
    element: options.element,
    blockLog2: options.blockLog2 ?? tensorBlockLog2,
    rawLength: raw.length,
    lengths: item.lengths,
    checksums: item.checksums,
    needs: needsOf(options),
  };
  return { item, stored: readFileSync(path), blocks };
}

/** Decodes blocks to a file and returns its bytes and the digest. */
export function restore(folder: Folder, blocks: StoredBlocks): { bytes: Uint8Array; digest: Uint8Array } {
  const path = folder.file(new Uint8Array());
  const target = [{ path, offset: 0, length: blocks.rawLength }];
  const { items } = addon.decode({ items: [{ blocks, firstChunk: 0, whole: true, target }], cancel: neverCancelled() });
  return { bytes: readFileSync(path), digest: items[0]!.digest };
}

/** Blocks that were made by hand: one stored block a part, checksums fitting. */
export function handmade(
  folder: Folder,
  parts: Uint8Array[],
  rest: Omit<StoredBlocks, 'path' | 'offset' | 'lengths' | 'checksums'>,
): StoredBlocks {
  return {
    ...rest,
    path: folder.file(Buffer.concat(parts)),
    offset: 0,
    lengths: Uint32Array.from(parts, (part) => part.length),
    checksums: Uint32Array.from(parts, (part) => addon.checksumBytes(part)),
  };
}

/** The code of the error that `work` throws; fails where it throws none, or one that is not of the closed list. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? `no code: ${String(thrown)}`;
  }
  return 'nothing was thrown';
}
