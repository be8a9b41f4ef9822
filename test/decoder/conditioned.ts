/** conditioned (8), difference-planes (9) and conditioned-parts (14), from conditioned.md and conditioned_parts.md in core/native/src/codecs alone. */
import { Bits } from './bits.ts';
import { Code } from './huffman.ts';
import { expect, Reading } from './reading.ts';

interface Float {
  width: number;
  mantissa: number;
  exponent: number;
  greatestSubBits: number;
}

const floats: Record<number, Float> = {
  5: { width: 16, mantissa: 10, exponent: 5, greatestSubBits: 3 },
  6: { width: 16, mantissa: 7, exponent: 8, greatestSubBits: 3 },
  7: { width: 32, mantissa: 23, exponent: 8, greatestSubBits: 2 },
  9: { width: 8, mantissa: 3, exponent: 4, greatestSubBits: 3 },
  10: { width: 8, mantissa: 2, exponent: 5, greatestSubBits: 3 },
};
const absent = 12;

/** Counts 1 bits up to the next 0 bit, which is taken as well. */
function ones(bits: Bits, most: number): number {
  let count = 0;
  while (bits.bit() === 1) expect(++count <= most, `more than ${most} ones`);
  return count;
}

/** The elements of a block's base, and what a difference makes of them. */
class Differences {
  readonly float: Float;
  readonly n: number;
  readonly trailing: number;
  readonly #bytes: Uint8Array;
  readonly #base: DataView;
  readonly #raw: Uint8Array;

  constructor(base: Uint8Array, element: number, trailing: number) {
    const float = floats[element];
    expect(float !== undefined, `element ${element} has no differences`);
    expect(trailing <= float.mantissa, `${trailing} trailing bits`);
    this.float = float;
    this.trailing = trailing;
    this.n = (base.length * 8) / float.width;
    this.#bytes = base;
    this.#base = new DataView(base.buffer, base.byteOffset, base.byteLength);
    this.#raw = new Uint8Array(base.length);
  }

  #element(index: number): bigint {
    if (this.float.width === 8) return BigInt(this.#bytes[index]!);
    return BigInt(this.float.width === 16 ? this.#base.getUint16(index * 2, true) : this.#base.getUint32(index * 4, true));
  }

  /** The exponent field of each element of the base. */
  keys(): Uint8Array {
    const { mantissa, exponent } = this.float;
    return Uint8Array.from({ length: this.n }, (_, index) =>
      Number((this.#element(index) >> BigInt(mantissa)) & (2n ** BigInt(exponent) - 1n)),
    );
  }

  /** `pattern(ordered(b') + d)` for every element. */
  restore(zigzagged: Float64Array): Uint8Array {
    const [width, trailing] = [BigInt(this.float.width), BigInt(this.trailing)];
    const [all, sign] = [2n ** width - 1n, 2n ** (width - 1n)];
    const kept = all - (2n ** trailing - 1n);
    zigzagged.forEach((z, index) => {
      const base = this.#element(index) & kept;
      const negative = (base & sign) !== 0n;
      const inward = z % 2 === 1;
      const magnitude = BigInt(Math.floor(z / 2)) << trailing;
      const moved = ((base ^ (negative ? kept : sign)) + (inward === negative ? magnitude : -magnitude)) & all;
      const raw = moved ^ ((moved & sign) !== 0n ? sign : kept);
      const bytes = this.float.width / 8;
      for (let byte = 0; byte < bytes; byte++) this.#raw[index * bytes + byte] = Number((raw >> BigInt(8 * byte)) & 0xffn);
    });
    return this.#raw;
  }
}

interface Table {
  firstKey: number;
  shifted: boolean;
  /** A symbol without bits, or a code. */
  lone?: number;
  code?: Code;
}

function readLength(bits: Bits, predicted: number): number {
  const distance = ones(bits, 11);
  if (distance === 0) return predicted;
  const less = predicted === absent || bits.bit() === 1;
  const length = less ? predicted - distance : predicted + distance;
  expect(length >= 1 && length <= absent, `length ${length}`);
  return length;
}

/** The lengths of symbols 0 to `last`, predicted by those of the nearest table with lengths. */
function readLengths(bits: Bits, last: number, step: number, before: number[] | undefined): number[] {
  const shift = step > 0 && before ? bits.number(4) * step : 0;
  const lengths: number[] = [];
  for (let s = 0; s <= last; s++) {
    const predicted = before ? (before[s + shift] ?? absent) : s < 2 ? 6 : lengths[s - 2]!;
    lengths.push(readLength(bits, predicted));
  }
  return lengths;
}

function codeOf(lengths: number[]): Code {
  const coded = new Uint8Array(256);
  lengths.forEach((length, symbol) => (coded[symbol] = length === absent ? 0 : length));
  expect(coded.filter((length) => length > 0).length >= 2, 'a code of fewer than two symbols');
  return new Code(coded);
}

/** @returns the table of each key; keys outside all ranges have none */
function readTables(bits: Bits, exponent: number, step: number): Table[] {
  const count = bits.number(4) + 1;
  const last = bits.number(8);
  let firstKey = bits.number(exponent);
  let before: number[] | undefined;
  const ofKey: Table[] = [];
  for (let index = 0; index < count; index++) {
    const lastKey = bits.number(exponent);
    expect(lastKey >= firstKey, 'a key range ends before it starts');
    const table: Table = { firstKey, shifted: step > 0 && bits.bit() === 1 };
    if (bits.bit() === 1) {
      table.lone = bits.number(8);
      expect(table.lone <= last, 'a lone symbol above the last');
    } else {
      before = readLengths(bits, last, step, before);
      table.code = codeOf(before);
    }
    for (let key = firstKey; key <= lastKey; key++) ofKey[key] = table;
    firstKey = lastKey + 1;
  }
  return ofKey;
}

/** Hands each of `n` elements to `take`, with the bits of its stream. */
function readStreams(reading: Reading, n: number, take: (index: number, bits: Bits) => void): void {
  const count = n < 2048 ? 1 : 8;
  const per = Math.ceil(n / count);
  const sizes = Array.from({ length: count - 1 }, () => reading.u16() + reading.u8() * 65_536);
  for (let stream = 0; stream < count; stream++) {
    const bytes = reading.bytes(sizes[stream] ?? reading.left);
    const bits = new Bits(bytes);
    for (let index = stream * per; index < Math.min((stream + 1) * per, n); index++) take(index, bits);
    expect(bits.finish() === bytes.length, 'bytes left in a stream');
  }
}

function symbolOf(table: Table | undefined, key: number, step: number, bits: Bits): number {
  expect(table !== undefined, `no table for key ${key}`);
  const symbol = table.lone ?? table.code!.next(bits);
  const meant = table.shifted ? symbol - (key - table.firstKey) * step : symbol;
  expect(meant >= 0, 'a shifted symbol is negative');
  return meant;
}

/** What the symbols of a block with so many sub bits mean. */
class Classes {
  readonly #q: number;
  readonly #limit: number;

  /** `limit`: magnitudes are below it. */
  constructor(q: number, limit: number) {
    this.#q = q;
    this.#limit = limit;
  }

  #low(symbol: number): number {
    const number = symbol >> 1;
    return number < 2 ** (this.#q + 1) ? 0 : (number >> this.#q) - 1;
  }

  #least(symbol: number): number {
    const low = this.#low(symbol);
    return ((symbol >> 1) - low * 2 ** this.#q) * 2 ** low;
  }

  isRefused(symbol: number): boolean {
    return symbol === 1 || this.#least(symbol) >= this.#limit;
  }

  /** The zigzagged difference of a symbol, with its low bits from `bits`. */
  difference(symbol: number, bits: Bits): number {
    expect(!this.isRefused(symbol), `symbol ${symbol} has no meaning`);
    return 2 * (this.#least(symbol) + bits.number(this.#low(symbol))) + (symbol & 1);
  }
}

/** Elements that changed where the others are quiet, with their zigzagged differences. */
function readPatches(bits: Bits, n: number, width: number, trailing: number): [index: number, z: number][] {
  if (bits.bit() === 0) return [];
  const count = bits.number(32);
  expect(count >= 1 && count <= n, `${count} patches`);
  const gapBits = bits.number(5);
  const patches: [number, number][] = [];
  let next = 0;
  for (let patch = 0; patch < count; patch++) {
    const index = next + ones(bits, Math.floor(n / 2 ** gapBits) + 1) * 2 ** gapBits + bits.number(gapBits);
    expect(index < n, 'a patch behind the last element');
    const c = ones(bits, width + 1);
    const z = 2 ** c + bits.number(c) + 1;
    expect(z >= 2 && z < 2 ** (width - trailing), 'a patch with too great a difference');
    patches.push([index, z]);
    next = index + 1;
  }
  return patches;
}

/** What blocks of both codecs start with. */
function readHead(reading: Reading, element: number, base: Uint8Array) {
  const head = reading.u8();
  const q = head & 3;
  const differences = new Differences(base, element, head >> 2);
  const { float, n, trailing } = differences;
  expect(q <= float.greatestSubBits, `${q} sub bits`);
  const step = 2 ** (q + 1);
  const bits = new Bits(reading.rest());
  const tables = readTables(bits, float.exponent, step);
  const patches = readPatches(bits, n, float.width, trailing);
  reading.bytes(bits.finish());
  const classes = new Classes(q, 2 ** (float.width - 1 - trailing));
  return { differences, step, tables, patches, classes };
}

export function decodeConditioned(stored: Uint8Array, element: number, base: Uint8Array): Uint8Array {
  const reading = new Reading(stored);
  const { differences, step, tables, patches, classes } = readHead(reading, element, base);
  const keys = differences.keys();
  const zigzagged = new Float64Array(differences.n);
  readStreams(reading, differences.n, (index, stream) => {
    const key = keys[index]!;
    zigzagged[index] = classes.difference(symbolOf(tables[key], key, step, stream), stream);
  });
  for (const [index, z] of patches) zigzagged[index] = z;
  return differences.restore(zigzagged);
}

/** The elements of each table, in their order. */
function partsOf(tables: Table[], keys: Uint8Array): Map<Table, number[]> {
  const parts = new Map<Table, number[]>(tables.filter(Boolean).map((table) => [table, []]));
  keys.forEach((key, index) => {
    const table = tables[key];
    expect(table !== undefined, `no table for key ${key}`);
    parts.get(table)!.push(index);
  });
  return parts;
}

function expectMeanings(table: Table, classes: Classes): void {
  if (table.shifted) return;
  const symbols = table.code?.symbols ?? [table.lone!];
  for (const symbol of symbols) expect(!classes.isRefused(symbol), `a table has symbol ${symbol}, which has no meaning`);
}

/** Hands each element of all parts to `take`, with the bits of its stream. */
function readShares(streams: Uint8Array[], parts: Iterable<number[]>, take: (index: number, bits: Bits) => void): void {
  const all = streams.map((bytes) => new Bits(bytes));
  for (const elements of parts) {
    const per = Math.ceil(elements.length / 8);
    all.forEach((bits, stream) => elements.slice(stream * per, (stream + 1) * per).forEach((index) => take(index, bits)));
  }
  all.forEach((bits, stream) => expect(bits.finish() === streams[stream]!.length, 'bytes left in a stream'));
}

export function decodeConditionedParts(stored: Uint8Array, element: number, base: Uint8Array): Uint8Array {
  const reading = new Reading(stored);
  const { differences, step, tables, patches, classes } = readHead(reading, element, base);
  const keys = differences.keys();
  const parts = partsOf(tables, keys);
  const u24 = (): number => reading.u16() + reading.u8() * 65_536;
  for (const elements of [...parts.values()].slice(0, -1)) expect(u24() === elements.length, 'a count that is not that of the base');
  for (const table of parts.keys()) expectMeanings(table, classes);
  const sizes = Array.from({ length: 8 }, u24);
  const streams = sizes.map((size) => reading.bytes(size));
  const symbols = new Uint8Array(differences.n);
  readShares(streams, parts.values(), (index, bits) => {
    symbols[index] = symbolOf(tables[keys[index]!], keys[index]!, step, bits);
  });
  const low = new Bits(reading.rest());
  const zigzagged = Float64Array.from(symbols, (symbol) => classes.difference(symbol, low));
  expect(low.finish() === reading.left, 'bytes behind the low bits');
  for (const [index, z] of patches) zigzagged[index] = z;
  return differences.restore(zigzagged);
}

function readPlane(reading: Reading, keys: Uint8Array, exponent: number): Uint8Array {
  const mode = reading.u8();
  if (mode === 0) return new Uint8Array(keys.length).fill(reading.u8());
  if (mode === 1) return reading.bytes(keys.length);
  expect(mode === 2, `plane mode ${mode}`);
  const coded = new Reading(reading.bytes(reading.u32()));
  const bits = new Bits(coded.rest());
  const tables = readTables(bits, exponent, 0);
  coded.bytes(bits.finish());
  const plane = new Uint8Array(keys.length);
  readStreams(coded, keys.length, (index, stream) => {
    plane[index] = symbolOf(tables[keys[index]!], keys[index]!, 0, stream);
  });
  return plane;
}

export function decodeDifferencePlanes(stored: Uint8Array, element: number, base: Uint8Array): Uint8Array {
  const reading = new Reading(stored);
  const differences = new Differences(base, element, reading.u8());
  const { float, n } = differences;
  const keys = differences.keys();
  const zigzagged = new Float64Array(n);
  for (let plane = 0; plane < float.width / 8; plane++) {
    const bytes = readPlane(reading, keys, float.exponent);
    bytes.forEach((byte, index) => (zigzagged[index] = zigzagged[index]! * 256 + byte));
  }
  expect(reading.left === 0, 'bytes behind the last plane');
  return differences.restore(zigzagged);
}
