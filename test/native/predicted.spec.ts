import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../../core/codec/binding.ts';
import { codecNames, elements, type ElementId } from '../../core/codec/elements.ts';
import { decodeBlock, type Needed } from '../decoder/blocks.ts';
import { code, codeOf, Folder, handmade, needsOf, restore, type CodeOptions } from './coding.ts';
import { randomSource, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const ids = { moment: codecNames.indexOf('moment'), rows: codecNames.indexOf('rows'), rowsBase: codecNames.indexOf('rows-base') };
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const words = (...patterns: number[]): Uint8Array => new Uint8Array(Uint32Array.from(patterns).buffer);
const fileOf = (bytes: Uint8Array): Need['source'] => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });
const float32 = elements.float32;

/** Decodes by both decoders, which must give the same. */
function decode(stored: Uint8Array, rawLength: number, needed: Needed = {}, element: ElementId = float32): Uint8Array {
  const sources = Object.fromEntries(Object.entries(needed).map(([role, bytes]) => [role, bytes && fileOf(bytes)]));
  const needs = needsOf({ base: sources[1], secondMoment: sources[3] });
  const raw = Uint8Array.from(restore(folder, handmade(folder, [stored], { element, blockLog2: 19, rawLength, needs })).bytes);
  expect(decodeBlock(stored, rawLength, element, needed)).toEqual(raw);
  return raw;
}
const refusal = (stored: string, needed: Needed = {}, element: ElementId = float32): string =>
  codeOf(() => decode(hex(stored), stored.startsWith('0b') ? 16 : 64, needed, element));

const examples = {
  moment: { stored: '0b 01 01 00 01 00 01 00 00 3f 00 40 01', needed: { 3: words(0x3f800000, 0x3e800000, 0x40800000, 0x3f800000) } },
  rows: { stored: '0c 01 04000000 00000000 f401 00 00 04 08 0c 00 00 08 10 18 01 00 01 00 01 00 01 00' },
  rowsBase: {
    stored: '0d 01 04000000 00000000 0000 00 00 04 08 0c 00 00 08 10 18 01 00 01 00 01 00 01 00',
    needed: { 1: words(...Array.from({ length: 16 }, () => 0x3f800000)) },
  },
};

describe('the worked examples of predicted.md', () => {
  it('decode to what the text says', () => {
    expect(decode(hex(examples.moment.stored), 16, examples.moment.needed)).toEqual(words(0x2f800000, 0x1f400000, 0x30400000, 0x20000000));
    const levels = (first: number): Uint8Array => words(...Array.from({ length: 16 }, (_, i) => (first + (i >> 2) + 2 * (i & 3)) << 22));
    expect(decode(hex(examples.rows.stored), 64)).toEqual(levels(125));
    expect(decode(hex(examples.rowsBase.stored), 64, examples.rowsBase.needed)).toEqual(levels(63));
  });
});

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);

/** Squares as an optimizer keeps them: as large as row and column say, give or take; and as they were some steps before. */
function squares(rows: number, columns: number, seed: number): { raw: Uint8Array; before: Uint8Array } {
  const random = randomSource(seed);
  const level = (count: number): Float64Array => Float64Array.from({ length: count }, () => 2 ** ((random() / 2 ** 32) * 6));
  const [byRow, byColumn] = [level(rows), level(columns)];
  const make = (): Float32Array =>
    Float32Array.from(
      { length: rows * columns },
      (_, i) => 1e-12 * byRow[Math.floor(i / columns)]! * byColumn[i % columns]! * (1 + random() / 2 ** 32),
    );
  return { raw: bytesOf(make()), before: bytesOf(make()) };
}

const sizeOf = (raw: Uint8Array, options: Partial<CodeOptions>): { id: number; length: number } => {
  const coded = code(folder, raw, { element: float32, ...options });
  expect(Uint8Array.from(restore(folder, coded.blocks).bytes)).toEqual(raw);
  return { id: coded.stored[0]!, length: coded.stored.length };
};

describe('predictions', () => {
  it('make squares of gradients smaller by their rows and columns, with a base and without', () => {
    const { raw, before } = squares(300, 96, 1);
    const [alone, known] = [sizeOf(raw, {}), sizeOf(raw, { columns: 96 })];
    expect(known.id).toBe(ids.rows);
    expect(known.length).toBeLessThan(alone.length * 0.95);
    const based = sizeOf(raw, { columns: 96, base: fileOf(before) });
    expect(based.id).toBe(ids.rowsBase);
    expect(based.length).toBeLessThan(sizeOf(raw, { base: fileOf(before) }).length);
  });

  it('make means of gradients smaller by the squares', () => {
    const { raw: secondMoment } = squares(300, 96, 2);
    const random = randomSource(3);
    const raw = bytesOf(floats(secondMoment).map((square) => Math.sqrt(square) * (random() / 2 ** 31 - 1)));
    const known = sizeOf(raw, { secondMoment: fileOf(secondMoment) });
    expect(known.id).toBe(ids.moment);
    expect(known.length).toBeLessThan(sizeOf(raw, {}).length * 0.97);
  });

  it('give back anything at all, in blocks that begin within rows', () => {
    const property = fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 400 }), fc.nat(), (count, columns, seed) => {
      const { raw, base } = weightPair(float32, count, seed, 0.01);
      const zeros = raw.map((byte, index) => (((index >> 2) * 7 + seed) % 5 === 0 ? 0 : byte));
      for (const bytes of [raw, zeros]) {
        sizeOf(bytes, { columns, blockLog2: 9 });
        sizeOf(bytes, { columns, blockLog2: 9, base: fileOf(base), secondMoment: fileOf(base) });
      }
    });
    fc.assert(property, { numRuns: 25 });
  });
});

describe('what no encoder writes', () => {
  const { moment, rows, rowsBase } = examples;

  it.each([
    ['sub bits above 3', moment.stored.replace('0b 01', '0b 04'), moment.needed],
    ['no second moment', moment.stored, {}],
    ['bytes behind the last plane', `${moment.stored} 00`, moment.needed],
    ['planes cut short', moment.stored.slice(0, -3), moment.needed],
    ['no columns', rows.stored.replace('04000000', '00000000'), {}],
    ['more columns than elements', rows.stored.replace('04000000', '11000000'), {}],
    ['a first column behind the last', rows.stored.replace('04000000 00000000', '04000000 04000000'), {}],
    ['rows in parts', rows.stored.replace('f401 00', 'f401 04'), {}],
    ['a head cut short', rows.stored.slice(0, 20), {}],
    ['no base', rowsBase.stored, {}],
  ])('is refused: %s', (_, stored, needed) => {
    expect(refusal(stored, needed)).toBe('damaged');
  });

  it('is refused: another element', () => {
    expect(refusal(rows.stored, {}, elements.int32)).toBe('damaged');
    expect(refusal(rows.stored, {}, elements.bfloat16)).toBe('damaged');
  });

  it('is refused: a second moment of what is no float32, columns of nothing', () => {
    const { raw } = weightPair(elements.bfloat16, 64, 1);
    expect(codeOf(() => code(folder, raw, { element: elements.bfloat16, secondMoment: fileOf(raw) }))).toBe('bad_request');
    expect(codeOf(() => code(folder, raw, { element: elements.bfloat16, columns: 0 }))).toBe('bad_request');
  });
});
