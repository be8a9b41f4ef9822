import { afterAll, describe, expect, it } from 'vitest';
import { elements, type ElementId } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, handmade, restore } from './coding.ts';
import { randomBytes, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const lmc = 6;
const lmcXor = 7;
const subBlock = 262_144;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

function decode(stored: string, rawLength: number, element: ElementId = elements.bytes8): Uint8Array {
  const block = Buffer.concat([Uint8Array.of(lmc), hex(stored)]);
  return Uint8Array.from(restore(folder, handmade(folder, [block], { element, blockLog2: 19, rawLength, needs: [] })).bytes);
}

const sparse = Uint8Array.from({ length: 128 }, (_, index) => [1, 2][index % 16] ?? 0);
const sparseStored = '03 20 000d 0b038005 08 c6c6c6c6c6c6c6c6';

describe('the worked example of lmc.md', () => {
  it('decodes to its symbols, and is what the encoder writes', () => {
    expect(decode(sparseStored, 128)).toEqual(sparse);
    const { stored } = code(folder, sparse, { element: elements.bytes8, method: 'lmc' });
    expect(Buffer.from(stored).toString('hex')).toBe(Buffer.from(hex(`06 ${sparseStored}`)).toString('hex'));
  });
});

describe('lmc', () => {
  it('reads groups from the least significant byte up', () => {
    expect(Buffer.from(decode('00 01020304 01 3f', 8, elements.bfloat16)).toString('hex')).toBe('013f023f033f043f');
  });

  it('round-trips around the edges of sub-blocks, alone and with a base', () => {
    for (const count of [subBlock / 2 - 1, subBlock / 2, subBlock / 2 + 1, subBlock]) {
      const { raw, base } = weightPair(elements.bfloat16, count, count);
      const needed = { file: { path: folder.file(base), offset: 0, length: base.length } };
      const alone = code(folder, raw, { element: elements.bfloat16, method: 'lmc' });
      const delta = code(folder, raw, { element: elements.bfloat16, method: 'lmc', base: needed });
      expect([alone.stored[0], delta.stored[0]]).toEqual([lmc, lmcXor]);
      expect(Buffer.compare(restore(folder, alone.blocks).bytes, raw)).toBe(0);
      expect(Buffer.compare(restore(folder, delta.blocks).bytes, raw)).toBe(0);
      expect(delta.stored.length).toBeLessThan(alone.stored.length);
    }
  });

  it('stores a group of noise as it is and one byte', () => {
    const raw = randomBytes(2 * 30_000, 2);
    for (let index = 1; index < raw.length; index += 2) raw[index] = 1;
    expect(code(folder, raw, { element: elements.int16, method: 'lmc' }).stored.length).toBe(1 + (1 + 30_000) + 2);
  });

  it('shortens runs of zeros of every length', () => {
    const raw = new Uint8Array(200_000);
    for (let at = 0, run = 0; at < raw.length; at += run, run += 1) raw[at] = 1 + (run % 250);
    const { stored, blocks } = code(folder, raw, { element: elements.bytes8, method: 'lmc' });
    expect(stored[1]).toBe(3);
    expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
  });
});

describe('a block that no encoder writes is refused', () => {
  /** A code of one bit for 0 and one for 9. */
  const zeroAndNine = '0009 c7003800';
  it.each([
    ['an unknown mode', '04 00', 8],
    ['nothing at all', '', 8],
    ['a raw group cut short', '00 01020304050607', 8],
    ['a constant group without its symbol', '01', 8],
    ['bytes behind the last group', '01 00 00', 8],
    ['runs of no symbols', `03 00 ${zeroAndNine} 00`, 30],
    ['more symbols than runs can have', `03 2e ${zeroAndNine} 06 ${'aa'.repeat(5)}2a`, 30],
    ['a zero without its count', `03 07 ${zeroAndNine} 01 2a`, 30],
    ['runs that stop too early', `03 06 ${zeroAndNine} 01 2a`, 31],
    ['runs that go too far', `03 06 ${zeroAndNine} 01 2a`, 29],
  ])('%s', (_, stored, rawLength) => {
    expect(codeOf(() => decode(stored, rawLength))).toBe('damaged');
  });

  it('but runs that fit are read', () => {
    expect(decode(`03 06 ${zeroAndNine} 01 2a`, 30)).toEqual(new Uint8Array(30));
  });

  it('lmc-xor without a base', () => {
    const block = Buffer.concat([Uint8Array.of(lmcXor), hex('01 00')]);
    const blocks = handmade(folder, [block], { element: elements.bytes8, blockLog2: 19, rawLength: 8, needs: [] });
    expect(codeOf(() => restore(folder, blocks))).toBe('damaged');
  });
});
