/** One stored block, by the table of codecs in FORMAT.md section 2. */
import { zstdDecompressSync } from 'node:zlib';
import { decodeConditioned, decodeDifferencePlanes } from './conditioned.ts';
import { decodeLmc, decodePlanes } from './planes.ts';
import { widths } from './pack.ts';
import { expect } from './reading.ts';

function decodeConstant(element: Uint8Array, length: number, width: number): Uint8Array {
  expect(element.length === width, 'length of a constant');
  return Uint8Array.from({ length }, (_, index) => element[index % width]!);
}

function decodeBody(id: number, body: Uint8Array, length: number, element: number, base: Uint8Array | undefined): Uint8Array {
  const needed = (): Uint8Array => {
    expect(base !== undefined, `codec ${id} without a base`);
    return base;
  };
  if (id === 0) return body;
  if (id === 1) return decodeConstant(body, length, widths[element]!);
  if (id === 2) return needed();
  if (id === 3) return zstdDecompressSync(body);
  if (id === 4) return decodePlanes(body, length, element);
  if (id === 5) return decodePlanes(body, length, element, needed());
  if (id === 6) return decodeLmc(body, length, element);
  if (id === 7) return decodeLmc(body, length, element, needed());
  if (id === 8) return decodeConditioned(body, element, needed());
  if (id === 9) return decodeDifferencePlanes(body, element, needed());
  throw new Error(`codec ${id}`);
}

/** @param base the same block of the base, where the blob has one */
export function decodeBlock(stored: Uint8Array, length: number, element: number, base?: Uint8Array): Uint8Array {
  const raw = decodeBody(stored[0]!, stored.subarray(1), length, element, base);
  expect(raw.length === length, 'length of a block');
  return raw;
}
