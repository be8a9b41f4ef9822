import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../../core/codec/binding.ts';
import { codecNames, elements, type ElementId } from '../../core/codec/elements.ts';
import { decodeRounded } from '../decoder/rounded.ts';
import { code, codeOf, Folder, handmade, restore } from './coding.ts';
import { randomBytes, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const rounded = codecNames.indexOf('rounded');
const words = (...patterns: number[]): Uint8Array => new Uint8Array(Uint32Array.from(patterns).buffer);
const halves = (...patterns: number[]): Uint8Array => new Uint8Array(Uint16Array.from(patterns).buffer);
const fileOf = (bytes: Uint8Array): Need['source'] => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });

function decode(stored: number[], element: ElementId, master: Uint8Array): Uint8Array {
  const needs = [{ role: 2, source: fileOf(master) }];
  const blocks = handmade(folder, [Uint8Array.from(stored)], { element, blockLog2: 19, rawLength: master.length / 2, needs });
  return Uint8Array.from(restore(folder, blocks).bytes);
}

describe('the worked examples of rounded.md', () => {
  const bfloat16 = [
    words(0x3f808000, 0x3f818000, 0x3f808001, 0x7f800001, 0xff7fffff),
    halves(0x3f80, 0x3f82, 0x3f81, 0x7fc0, 0xff80),
  ] as const;
  const float16 = [
    words(0x3f801000, 0x3f803000, 0x33000000, 0x33000001, 0xb8800000, 0x477fefff, 0x7f800001),
    halves(0x3c00, 0x3c02, 0, 1, 0x8400, 0x7bff, 0x7e00),
  ] as const;

  it.each([
    [elements.bfloat16, ...bfloat16],
    [elements.float16, ...float16],
  ])('element %d', (element, master, raw) => {
    expect(decode([rounded], element, master)).toEqual(raw);
    expect(decodeRounded(new Uint8Array(), raw.length, element, master)).toEqual(raw);
    expect([...code(folder, raw, { element, master: fileOf(master) }).stored]).toEqual([rounded]);
  });
});

describe('rounding', () => {
  it('of float16 is that of the language, for every exponent', () => {
    const view = new DataView(new ArrayBuffer(2));
    const property = fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.boolean(), (magnitude, negative) => {
      fc.pre(magnitude <= 0x7f800000);
      const pattern = words(negative ? magnitude + 2 ** 31 : magnitude);
      view.setFloat16(0, new Float32Array(pattern.buffer)[0]!, true);
      expect(decode([rounded], elements.float16, pattern)).toEqual(new Uint8Array(view.buffer.slice(0)));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('is found wherever it is exact, and only there', () => {
    const property = fc.property(
      fc.constantFrom(elements.bfloat16, elements.float16),
      fc.integer({ min: 2, max: 9000 }),
      fc.nat(),
      fc.boolean(),
      (element, count, seed, anyPattern) => {
        const master = anyPattern ? randomBytes(count * 4, seed) : weightPair(elements.float32, count, seed).raw;
        const raw = decodeRounded(new Uint8Array(), count * 2, element, master);
        fc.pre(new Set(new Uint16Array(raw.buffer)).size > 1);
        const { stored, blocks, item } = code(folder, raw, { element, master: fileOf(master) });
        expect([...stored]).toEqual([rounded]);
        expect(item.used).toEqual([true]);
        expect(Uint8Array.from(restore(folder, blocks).bytes)).toEqual(raw);
        raw[(seed % count) * 2]! ^= 1;
        const other = code(folder, raw, { element, master: fileOf(master) });
        expect(other.stored[0]).not.toBe(rounded);
        expect(other.item.used).toEqual([false]);
        expect(Uint8Array.from(restore(folder, other.blocks).bytes)).toEqual(raw);
      },
    );
    fc.assert(property, { numRuns: 40 });
  });

  it('is decoded through a master that is itself a delta, block by block', () => {
    const { base, raw: master } = weightPair(elements.float32, 5000, 3);
    const raw = decodeRounded(new Uint8Array(), 10_000, elements.bfloat16, master);
    const options = { blockLog2: 11, element: elements.float32 };
    const first = code(folder, base, options);
    const second = code(folder, master, { ...options, base: { stored: first.blocks } });
    expect(second.item.used).toEqual([true]);
    const third = code(folder, raw, { blockLog2: 11, element: elements.bfloat16, master: { stored: second.blocks } });
    expect([...third.stored]).toEqual([rounded, rounded, rounded]);
    expect(Uint8Array.from(restore(folder, third.blocks).bytes)).toEqual(raw);
  });

  it('is never used by method lmc', () => {
    const master = weightPair(elements.float32, 3000, 5).raw;
    const raw = decodeRounded(new Uint8Array(), 6000, elements.bfloat16, master);
    expect(code(folder, raw, { element: elements.bfloat16, method: 'lmc', master: fileOf(master) }).stored[0]).toBe(
      codecNames.indexOf('lmc'),
    );
  });
});

describe('what is no rounded block', () => {
  const master = words(0x3f808000, 0x3f818000);

  it('is refused: bytes behind the id, another element, no master', () => {
    expect(codeOf(() => decode([rounded, 0], elements.bfloat16, master))).toBe('damaged');
    const alone = (element: ElementId): unknown =>
      restore(folder, handmade(folder, [Uint8Array.of(rounded)], { element, blockLog2: 19, rawLength: 8, needs: [] }));
    expect(codeOf(() => alone(elements.bfloat16))).toBe('damaged');
    expect(codeOf(() => alone(elements.float32))).toBe('damaged');
  });

  it('is refused where the master has another length, or the element no master', () => {
    const needs = [{ role: 2, source: fileOf(words(1, 2, 3)) }];
    const refused = (element: ElementId): string =>
      codeOf(() => restore(folder, handmade(folder, [Uint8Array.of(rounded)], { element, blockLog2: 19, rawLength: 4, needs })));
    expect(refused(elements.bfloat16)).toBe('bad_request');
    expect(refused(elements.int16)).toBe('bad_request');
  });

  it('says so where a master became shorter while it was read', () => {
    const source = { file: { path: folder.file(words(1)), offset: 0, length: 8 } };
    expect(codeOf(() => code(folder, halves(1, 2), { element: elements.bfloat16, master: source }))).toBe('changed');
  });
});
