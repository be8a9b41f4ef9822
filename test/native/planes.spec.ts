import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { elements, type ElementId } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, handmade, restore } from './coding.ts';
import { randomBytes, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const planes = 4;
const xorPlanes = 5;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Decodes one handmade block of codec `planes`: what follows its id is `stored`. */
function decode(stored: Uint8Array, element: ElementId, rawLength: number): Uint8Array {
  const block = Buffer.concat([Uint8Array.of(planes), stored]);
  return Uint8Array.from(restore(folder, handmade(folder, [block], { element, blockLog2: 19, rawLength, needs: [] })).bytes);
}

const refusal = (stored: string, rawLength: number, element: ElementId = elements.bytes8): string =>
  codeOf(() => decode(hex(stored), element, rawLength));

const eightFloats = hex('803f 803f 80bf 813f 803f 803f 803f 803f');
const eightFloatsStored = '01 02 0002 4700 02 3400 01 7f';

/** 256 symbols, all 0 but symbols 0, 8 and 17. */
const sparse = Uint8Array.from({ length: 256 }, (_, index) => ([0, 8, 17].includes(index) ? 9 : 0));
const sparseStored = '00 03 00 02 0002 4700 05 3500000000 01 09';

describe('the worked examples of planes.md', () => {
  it('decode to what the text says', () => {
    expect(toHex(decode(hex(eightFloatsStored), elements.bfloat16, 16))).toBe(toHex(eightFloats));
    expect(toHex(decode(hex(sparseStored), elements.bytes8, 256))).toBe(toHex(sparse));
  });

  it('are what the encoder writes', () => {
    expect(toHex(code(folder, eightFloats, { element: elements.bfloat16 }).stored)).toBe(toHex(hex(`04 ${eightFloatsStored}`)));
    expect(toHex(code(folder, sparse, { element: elements.bytes8 }).stored)).toBe(toHex(hex(`04 ${sparseStored}`)));
  });
});

describe('each mode of a plane', () => {
  it('reads raw and constant planes, and rotates only where the block says so', () => {
    expect(toHex(decode(hex('00 00 01020304 01 3f'), elements.bfloat16, 8))).toBe('013f023f033f043f');
    expect(toHex(decode(hex('01 00 01020304 01 3f'), elements.bfloat16, 8))).toBe('809f811f819f821f');
  });

  it('takes a plane of noise as it is and one byte, and one of a single value as two bytes', () => {
    const count = 40_000;
    const raw = randomBytes(2 * count, 3);
    for (let index = 1; index < raw.length; index += 2) raw[index] = 0x55;
    const { stored } = code(folder, raw, { element: elements.int16 });
    expect(stored.length).toBe(2 + (1 + count) + 2);
  });

  it('needs far less than a bit a symbol where nearly all are equal, whatever they are equal to', () => {
    for (const usual of [0, 1, 200]) {
      const raw = new Uint8Array(300_000).fill(usual);
      for (let index = 0; index < raw.length; index += 5_001) raw[index] = 77;
      const { stored, blocks } = code(folder, raw, { element: elements.bytes8 });
      expect(stored.length).toBeLessThan(raw.length / 50);
      expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
    }
  });

  it('finds symbols that no sample of a large plane has', () => {
    const raw = Uint8Array.from(randomBytes(400_000, 5), (byte) => byte % 7);
    [13, 200_001, 399_999].forEach((at, index) => (raw[at] = 250 + index));
    const { stored, blocks } = code(folder, raw, { element: elements.bytes8 });
    expect(stored.length).toBeLessThan(raw.length / 2);
    expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
  });

  it('reads planes in parts of 65,536 symbols, however many there are', () => {
    const expected = new Uint8Array(65_537).fill(7);
    expected[65_536] = 8;
    expect(Buffer.compare(decode(hex('00 04 01 07 01 08'), elements.bytes8, 65_537), expected)).toBe(0);
    expect(decode(hex('00 04 01 07'), elements.bytes8, 100)).toEqual(new Uint8Array(100).fill(7));
  });

  it('codes a plane in parts where its symbols change on the way', () => {
    const random = randomBytes(200_000, 11);
    const raw = Uint8Array.from(random, (byte, index) => (byte % 16) + 16 * (index >> 15));
    const { stored, blocks } = code(folder, raw, { element: elements.bytes8 });
    expect([...stored.subarray(0, 3)]).toEqual([planes, 0, 4]);
    expect(stored.length).toBeLessThan(raw.length * 0.64);
    expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
  });

  it('gives a bfloat16 weight about two thirds of its size', () => {
    const { raw } = weightPair(elements.bfloat16, 200_000, 9);
    const { item } = code(folder, raw, { element: elements.bfloat16 });
    expect(item.storedLength / raw.length).toBeLessThan(0.68);
  });
});

describe('a block that no encoder writes is refused', () => {
  it.each([
    ['an unknown rotation', '02 01 00', 4],
    ['an unknown mode', '00 05 00', 4],
    ['parts in parts', '00 04 04 01 07', 8],
    ['flags in parts', '00 03 00 04 01 ff 01 09', 64],
    ['others in parts', '00 03 00 01 ff 04 01 09', 64],
    ['parts cut short', '00 04 01 07', 65_537],
    ['nothing at all', '', 4],
    ['a block without planes', '00', 4],
    ['a raw plane cut short', '00 00 010203040506', 8],
    ['a constant plane without its symbol', '00 01', 4],
    ['bytes behind the last plane', '00 01 07 00', 4],
    ['a sparse plane without its usual symbol', '00 03', 8],
    ['flags that are all 0', '00 03 00 01 00 01 09', 8],
    ['flags past the last symbol', '00 03 00 01 ff 01 09', 7],
    ['sparse flags of sparse flags of sparse flags', '00 03 00 03 00 03 00 01 01 01 01 01 01 01 01', 512],
    ['sparse others', '00 03 00 01 ff 03 00 01 ff 01 09', 64],
  ])('%s', (_, stored, rawLength) => {
    expect(refusal(stored, rawLength)).toBe('damaged');
  });

  it('sparse flags of sparse flags are the deepest that is read', () => {
    expect(decode(hex('00 03 00 03 00 01 01 01 01 01 09'), elements.bytes8, 64)).toEqual(
      Uint8Array.from({ length: 64 }, (_, index) => (index === 0 ? 9 : 0)),
    );
  });

  it('whatever is cut off its end', () => {
    const { raw } = weightPair(elements.float32, 3000, 4);
    const { stored } = code(folder, raw, { element: elements.float32 });
    expect(stored[0]).toBe(planes);
    for (let length = 0; length < stored.length - 1; length += 1 + (length >> 4)) {
      expect(codeOf(() => decode(stored.subarray(1, 1 + length), elements.float32, raw.length))).toBe('damaged');
    }
  });
});

describe('xor-planes', () => {
  const decodeXor = (stored: string, base: Uint8Array | undefined): Uint8Array => {
    const needs = base ? [{ role: 1, source: { file: { path: folder.file(base), offset: 0, length: base.length } } }] : [];
    const block = Buffer.concat([Uint8Array.of(xorPlanes), hex(stored)]);
    return restore(folder, handmade(folder, [block], { element: elements.bfloat16, blockLog2: 19, rawLength: 16, needs })).bytes;
  };

  it('gives back the XOR of its planes and the base', () => {
    const base = randomBytes(16, 8);
    const expected = eightFloats.map((byte, index) => byte ^ base[index]!);
    expect(toHex(decodeXor(eightFloatsStored, base))).toBe(toHex(expected));
  });

  it('is refused without a base', () => {
    expect(codeOf(() => decodeXor(eightFloatsStored, undefined))).toBe('damaged');
  });
});

it('decodes changed bytes to something or refuses them, and never more', () => {
  const { raw } = weightPair(elements.bfloat16, 2500, 6);
  const stored = code(folder, raw, { element: elements.bfloat16 }).stored.subarray(1);
  const change = fc.record({ at: fc.nat(stored.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = Uint8Array.from(stored);
      for (const { at, to } of changes) changed[at] = to;
      const outcome = codeOf(() => expect(decode(changed, elements.bfloat16, raw.length).length).toBe(raw.length));
      expect(['damaged', 'nothing was thrown']).toContain(outcome);
    }),
    { numRuns: 200 },
  );
});
