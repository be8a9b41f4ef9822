/** One stored block, by the table of codecs in FORMAT.md section 2. */
import { zstdDecompressSync } from 'node:zlib';
import { decodeConditioned, decodeConditionedParts, decodeDifferencePlanes } from './conditioned.ts';
import { decodeLmc, decodePlanes } from './planes.ts';
import { decodeMoment, decodeRows } from './predicted.ts';
import { decodeRounded } from './rounded.ts';
import { widths } from './pack.ts';
import { expect } from './reading.ts';

function decodeConstant(element: Uint8Array, length: number, width: number): Uint8Array {
  expect(element.length === width, 'length of a constant');
  return Uint8Array.from({ length }, (_, index) => element[index % width]!);
}

/** The same block of what a blob needs, by role: 1 base, 2 master, 3 second moment. */
export type Needed = Record<number, Uint8Array | undefined>;

function decodeBody(id: number, body: Uint8Array, length: number, element: number, blocks: Needed): Uint8Array {
  const needed = (role = 1): Uint8Array => {
    const block = blocks[role];
    expect(block !== undefined, `codec ${id} without what it needs in role ${role}`);
    return block;
  };
  if (id === 0) return body;
  if (id === 1) return decodeConstant(body, length, widths[element]!);
  if (id === 2) {
    expect(body.length === 0, 'bytes after an unchanged block');
    return needed();
  }
  if (id === 3) return zstdDecompressSync(body);
  if (id === 4) return decodePlanes(body, length, element);
  if (id === 5) return decodePlanes(body, length, element, needed());
  if (id === 6) return decodeLmc(body, length, element);
  if (id === 7) return decodeLmc(body, length, element, needed());
  if (id === 8) return decodeConditioned(body, element, needed());
  if (id === 9) return decodeDifferencePlanes(body, element, needed());
  if (id === 10) return decodeRounded(body, length, element, needed(2));
  if (id === 11) return decodeMoment(body, length, element, needed(3));
  if (id === 12) return decodeRows(body, length, element);
  if (id === 13) return decodeRows(body, length, element, needed());
  if (id === 14) return decodeConditionedParts(body, element, needed());
  throw new Error(`codec ${id}`);
}

export function decodeBlock(stored: Uint8Array, length: number, element: number, needed: Needed): Uint8Array {
  const raw = decodeBody(stored[0]!, stored.subarray(1), length, element, needed);
  expect(raw.length === length, 'length of a block');
  return raw;
}
