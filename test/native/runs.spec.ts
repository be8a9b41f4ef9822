/**
 * Zeros, and what is as in the base, side by side: rows that were never trained, masks, what was pruned. Method cairn is never more
 * than a thousandth larger than LMC there, whose runs are made for it.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../../core/codec/binding.ts';
import { elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import { code, Folder, restore } from './coding.ts';
import { randomSource, specialValues, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const sourceOf = (bytes: Uint8Array): Need['source'] => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });

/** All rows but one in `oneIn` are those of `quiet`: zeros where there is none. */
function quieten(raw: Uint8Array, rowBytes: number, oneIn: number, quiet?: Uint8Array): Uint8Array {
  const [random, result] = [randomSource(1), raw.slice()];
  for (let at = 0; at < raw.length; at += rowBytes) {
    if (random() % oneIn === 0) continue;
    const end = Math.min(at + rowBytes, raw.length);
    if (quiet) result.set(quiet.subarray(at, end), at);
    else result.fill(0, at, end);
  }
  return result;
}

/** A square whose upper half is zeros, as a causal mask leaves it. */
function lowerHalf(raw: Uint8Array, width: number): Uint8Array {
  const [result, side] = [raw.slice(), Math.floor(Math.sqrt(raw.length / width))];
  for (let row = 0; row < side; row += 1) result.fill(0, (row * side + row + 1) * width, (row + 1) * side * width);
  return result;
}

function assertNoLarger(raw: Uint8Array, element: ElementId, base?: Uint8Array): void {
  const stored = (method: 'cairn' | 'lmc'): number => {
    const { item, blocks } = code(folder, raw, { element, method, ...(base ? { base: sourceOf(base) } : {}) });
    expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
    return item.storedLength;
  };
  expect(stored('cairn')).toBeLessThanOrEqual(stored('lmc') * 1.001);
}

const shapes = [
  [1, 2],
  [64, 2],
  [64, 8],
  [1000, 2],
  [4096, 4],
] as const;

describe.each(Object.entries(elements) as [string, ElementId][])('%s', (_, element) => {
  const width = elementWidths[element];

  it.each([40_000, 300_000, 2 ** 19])('%d elements with quiet rows, alone and with a base', (count) => {
    const { base, raw } = weightPair(element, count, count + element);
    for (const [row, oneIn] of shapes) {
      assertNoLarger(quieten(raw, row * width, oneIn), element);
      if (row > 1) assertNoLarger(quieten(raw, row * width, oneIn, base), element, base);
    }
    assertNoLarger(lowerHalf(raw, width), element);
  });
});

/** Elements whose pattern is `valueAt` of their place, little-endian. */
function patterns(element: ElementId, count: number, valueAt: (index: number) => bigint): Uint8Array {
  const width = elementWidths[element];
  const raw = Buffer.alloc(count * width + 8);
  for (let index = 0; index < count; index += 1) raw.writeBigUInt64LE(BigInt.asUintN(8 * width, valueAt(index)), index * width);
  return raw.subarray(0, count * width);
}

/** Whole numbers below `limit`, as float32 writes them, cut to bfloat16 where elements have two bytes. */
function wholeNumbers(element: ElementId, count: number, limit: number): Uint8Array {
  const [random, word] = [randomSource(limit), Buffer.alloc(4)];
  return patterns(element, count, () => {
    word.writeFloatLE(random() % limit);
    return BigInt(word.readUInt32LE() >>> (elementWidths[element] === 2 ? 16 : 0));
  });
}

describe('values that are no weights', () => {
  const count = 300_000;

  it.each([elements.bfloat16, elements.float32])('whole numbers in floats, few values, special ones (element %d)', (element) => {
    for (const limit of [20, 256, 50_257]) assertNoLarger(wholeNumbers(element, count, limit), element);
    assertNoLarger(specialValues(element, count), element);
  });

  it.each([elements.int32, elements.int64])('numbers that grow (element %d)', (element) => {
    assertNoLarger(
      patterns(element, count, (index) => BigInt(index) * 3n + 1_000_000n),
      element,
    );
    assertNoLarger(
      patterns(element, count, (index) => BigInt(Math.floor(index / 70))),
      element,
    );
  });
});

/** The places of the elements nearest to zero, which have exponents that hardly any other element has. */
function smallest(raw: Uint8Array, width: number, howMany: number): number[] {
  const size = (place: number): number => Buffer.from(raw.buffer, place * width, width).readUIntLE(0, width) % 2 ** (8 * width - 1);
  return Array.from({ length: raw.length / width }, (_, place) => place)
    .sort((a, b) => size(a) - size(b))
    .slice(0, howMany);
}

describe('float deltas of hardly any change', () => {
  it.each([elements.bfloat16, elements.float32])('in the smallest elements (element %d)', (element) => {
    const [count, width] = [333_333, elementWidths[element]];
    for (const changes of [1, 3, 9, 27]) {
      const { base } = weightPair(element, count, changes);
      const raw = base.slice();
      for (const place of smallest(base, width, changes)) raw[place * width]! ^= 5;
      assertNoLarger(raw, element, base);
    }
  });
});

describe('float32 with nothing but zeros from its first rows to its last', () => {
  const [columns, rows] = [512, 1024];
  const { base, raw } = weightPair(elements.float32, columns * rows, 5);
  const hollow = (bytes: Uint8Array, from: number, to: number): Uint8Array => bytes.slice().fill(0, from * columns * 4, to * columns * 4);

  it.each([rows, 160])('%d rows, whose columns are known', (count) => {
    const bytes = hollow(raw, 16, count - 16).subarray(0, count * columns * 4);
    const { blocks, stored } = code(folder, bytes, { element: elements.float32, columns });
    expect(Buffer.compare(restore(folder, blocks).bytes, bytes)).toBe(0);
    expect(stored.length).toBeLessThan(32 * columns * 4);
  });

  it('and so has its base', () => {
    const [bytes, before] = [raw, base].map((each) => hollow(each, 16, 200).subarray(0, 216 * columns * 4)) as [Uint8Array, Uint8Array];
    const { blocks } = code(folder, bytes, { element: elements.float32, base: sourceOf(before) });
    expect(Buffer.compare(restore(folder, blocks).bytes, bytes)).toBe(0);
  });
});
