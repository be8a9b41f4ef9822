import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { codecNames, elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, handmade, restore, type Coded } from './coding.ts';
import { randomSource, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const conditioned = codecNames.indexOf('conditioned');
const differencePlanes = codecNames.indexOf('difference-planes');
const parts = codecNames.indexOf('conditioned-parts');
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);
const sourceOf = (bytes: Uint8Array) => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });

/** Decodes one handmade block: what follows its id is `stored`. */
function decode(id: number, stored: Uint8Array, element: ElementId, base: Uint8Array): Uint8Array {
  const block = Buffer.concat([Uint8Array.of(id), stored]);
  const needs = [{ role: 1, source: sourceOf(base) }];
  return Uint8Array.from(restore(folder, handmade(folder, [block], { element, blockLog2: 19, rawLength: base.length, needs })).bytes);
}

/** Codes against the base and holds the outcome against the original. */
function delta(raw: Uint8Array, base: Uint8Array, element: ElementId): Coded {
  const coded = code(folder, raw, { element, base: sourceOf(base) });
  expect(same(restore(folder, coded.blocks).bytes, raw)).toBe(true);
  return coded;
}

const thrice = <T>(values: T[]): T[] => [...values, ...values, ...values];
const base = words(...thrice([0x3f80, 0x3f81, 0xbf80, 0x3e00, 0x3e08, 0xbe10]));
const raw = words(...thrice([0x3f81, 0x3f80, 0xbf80, 0x3e05, 0x3e01, 0xbe1b]));
const exampleConditioned = hex('00 90c0f7d7cf0ffcef7f00 0d796bc85b43de00');
const examplePlanes = hex('00 0000 01 0203000a0f16 0203000a0f16 0203000a0f16');
// Four times the six.
const longer = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, ...bytes.subarray(0, 12)]);
const [longBase, longRaw] = [longer(base), longer(raw)];
const exampleParts = hex(`00 90c0f7d7cf0ffcef7f00 ${'010000'.repeat(8)} 0d180d180d180d18 bd5eaf07`);

describe('the worked examples of conditioned.md and conditioned_parts.md', () => {
  it('decode to what the texts say', () => {
    expect(same(decode(parts, exampleParts, elements.bfloat16, longBase), longRaw)).toBe(true);
    expect(same(decode(conditioned, exampleConditioned, elements.bfloat16, base), raw)).toBe(true);
    expect(same(decode(differencePlanes, examplePlanes, elements.bfloat16, base), raw)).toBe(true);
  });
});

describe('what is written by hand from the text', () => {
  // Lone tables (symbol 0) for all keys, so no streams; one patch: element 2, gap bits 1, gap 2 = quotient 1, z = 2.
  const head = (patches: string): Uint8Array => {
    // sub bits 0; count 1, last symbol 0, first key 0, last key 255, not shifted, lone, symbol 0
    const bits = `0000 00000000 00000000 11111111 0 1 00000000 ${patches}`.replaceAll(' ', '');
    const bytes = new Uint8Array(1 + Math.ceil(bits.length / 8));
    [...bits].forEach((bit, index) => (bytes[1 + (index >> 3)]! |= Number(bit) << (index & 7)));
    return bytes;
  };
  const one32 = `1${'0'.repeat(31)}`;

  it('leaves elements alone without patches, and restores the patched one', () => {
    expect(same(decode(conditioned, head('0'), elements.bfloat16, base), base)).toBe(true);
    // any = 1, count = 1, gap bits = 1 (5 bits), gap: 1 0 then bit 0 -> 2; value: no ones, 0 -> 2^0 + 1 = 2
    const patched = base.slice();
    patched[4] = 0x81;
    expect(same(decode(conditioned, head(`1 ${one32} 10000 100 0`), elements.bfloat16, base), patched)).toBe(true);
  });

  it.each([
    ['a patch behind the last element', `1 ${one32} 10000 1111111110 0 0`],
    ['an empty list of patches', `1 ${'0'.repeat(32)} 10000`],
    ['more patches than elements', `1 ${'1'.repeat(32)} 10000 100 0`],
    ['a value wider than the element', `1 ${one32} 10000 100 ${'1'.repeat(17)}0${'0'.repeat(17)}`],
    ['padding that is not 0', '0 1'],
  ])('refuses %s', (_, patches) => {
    expect(codeOf(() => decode(conditioned, head(patches), elements.bfloat16, base))).toBe('damaged');
  });
});

describe('a block that no encoder writes is refused', () => {
  it.each([
    ['nothing at all', conditioned, '', elements.bfloat16],
    ['sub bits that float32 has no symbols for', conditioned, '03 90c0f7d7cf0ffcef7f00 0d796bc85b43de00', elements.float32],
    ['more trailing bits than mantissa bits', conditioned, '20 90c0f7d7cf0ffcef7f00 0d796bc85b43de00', elements.bfloat16],
    ['a stream that is too short', conditioned, '00 90c0f7d7cf0ffcef7f00 0d796bc85b43de', elements.bfloat16],
    ['a stream that is too long', conditioned, '00 90c0f7d7cf0ffcef7f00 0d796bc85b43de0000', elements.bfloat16],
    ['padding of a stream that is not 0', conditioned, '00 90c0f7d7cf0ffcef7f00 0d796bc85b43de80', elements.bfloat16],
    ['elements without an exponent', conditioned, '00 90c0f7d7cf0ffcef7f00 0d796bc85b43de00', elements.int16],
    ['an unknown mode of a plane', differencePlanes, '00 0300 01 0203000a0f16 0203000a0f16 0203000a0f16', elements.bfloat16],
    ['a raw plane cut short', differencePlanes, '00 0000 01 0203000a0f16 0203000a0f16 0203000a0f', elements.bfloat16],
    ['bytes behind the last plane', differencePlanes, '00 0000 01 0203000a0f16 0203000a0f16 0203000a0f16 00', elements.bfloat16],
    ['a coded plane longer than what is there', differencePlanes, '00 02ffffffff 00', elements.bfloat16],
  ])('%s', (_, id, stored, element) => {
    expect(codeOf(() => decode(id, hex(stored), element, base))).toBe('damaged');
  });

  const head = '00 90c0f7d7cf0ffcef7f00';
  const [lengths, streams] = ['010000'.repeat(7), '180d180d180d18'];
  it.each([
    ['lengths of streams cut short', `${head} 010000 ${lengths.slice(0, -2)}`],
    ['streams longer than what is there', `${head} 010000 ${lengths.slice(0, -6)}ff0000 0d${streams} bd5eaf07`],
    ['a stream that is too long', `${head} 020000 ${lengths} 0d00${streams} bd5eaf`],
    ['a stream that is too short', `${head} 000000 ${lengths} ${streams} bd5eaf07`],
    ['padding of a stream that is not 0', `${head} 010000 ${lengths} 8d${streams} bd5eaf07`],
    ['low bits that are cut short', `${head} 010000 ${lengths} 0d${streams} bd5eaf`],
    ['bytes behind the low bits', `${head} 010000 ${lengths} 0d${streams} bd5eaf0700`],
    ['padding of the low bits that is not 0', `${head} 010000 ${lengths} 0d${streams} bd5eaf17`],
  ])('parts: %s', (_, stored) => {
    expect(codeOf(() => decode(parts, hex(stored), elements.bfloat16, longBase))).toBe('damaged');
  });

  // Bits from the lowest on: tables of bfloat16 with q = 0, without patches; then counts, lengths and streams as bytes.
  const parted = (bits: string, behind: string): Uint8Array => {
    const text = `${bits} 0`.replaceAll(' ', '');
    const bytes = new Uint8Array(1 + Math.ceil(text.length / 8));
    [...text].forEach((bit, index) => (bytes[1 + (index >> 3)]! |= Number(bit) << (index & 7)));
    return Buffer.concat([bytes, hex(behind)]);
  };
  // Two lone tables of symbol 0: keys 0 to 125 and 126 to 255. Of the example's 18 elements, 9 are in each.
  const twoLone = '1000 00000000 00000000 10111110 0 1 00000000 11111111 0 1 00000000';
  it('parts: counts are those of the base', () => {
    expect(same(decode(parts, parted(twoLone, `090000${'000000'.repeat(8)}`), elements.bfloat16, base), base)).toBe(true);
    for (const count of ['080000', '0a0000', '130000']) {
      expect(codeOf(() => decode(parts, parted(twoLone, count + '000000'.repeat(8)), elements.bfloat16, base))).toBe('damaged');
    }
  });

  it('parts: a key without a table, and a symbol without a meaning', () => {
    const short = '0000 00000000 00000000 10111110 0 1 00000000'; // keys 0 to 125 alone
    expect(codeOf(() => decode(parts, parted(short, '000000'.repeat(8)), elements.bfloat16, base))).toBe('damaged');
    const shiftedBelow = '0000 00000000 00000000 11111111 1 1 00000000'; // symbol 0 of every key, which stands for less
    expect(codeOf(() => decode(parts, parted(shiftedBelow, '000000'.repeat(8)), elements.bfloat16, base))).toBe('damaged');
    const symbolOne = '0000 10000000 00000000 11111111 0 1 10000000';
    expect(codeOf(() => decode(parts, parted(symbolOne, '000000'.repeat(8)), elements.bfloat16, base))).toBe('damaged');
  });

  it('without a base', () => {
    for (const [id, stored] of [
      [conditioned, exampleConditioned],
      [differencePlanes, examplePlanes],
    ] as const) {
      const block = Buffer.concat([Uint8Array.of(id), stored]);
      const blocks = handmade(folder, [block], { element: elements.bfloat16, blockLog2: 19, rawLength: base.length, needs: [] });
      expect(codeOf(() => restore(folder, blocks))).toBe('damaged');
    }
  });
});

/** The tensors of a safetensors file that are in the fixtures. */
function tensorsOf(step: string): Uint8Array[] {
  const file = readFileSync(new URL(`../fixtures/sample-chain/${step}/model.safetensors`, import.meta.url));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<string, { data_offsets: [number, number] }>;
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  return names.map((name) =>
    file.subarray(8 + headerBytes + header[name]!.data_offsets[0], 8 + headerBytes + header[name]!.data_offsets[1]),
  );
}

describe('a real chain', () => {
  const totals = (method: 'cairn' | 'lmc'): { raw: number; stored: number; codecs: Set<number> } => {
    const bases = tensorsOf('step-002000');
    const sum = { raw: 0, stored: 0, codecs: new Set<number>() };
    tensorsOf('step-002200').forEach((tensor, index) => {
      const { item } = code(folder, tensor, { element: elements.bfloat16, method, base: sourceOf(bases[index]!) });
      sum.raw += tensor.length;
      sum.stored += item.storedLength;
      item.codecs.forEach((blocks, id) => blocks > 0 && sum.codecs.add(id));
    });
    return sum;
  };

  it('is stored by conditioned differences, a fifth smaller than LMC stores it', () => {
    const cairn = totals('cairn');
    expect(cairn.codecs.has(conditioned)).toBe(true);
    expect(cairn.raw / cairn.stored).toBeGreaterThan(2.5);
    expect(cairn.stored).toBeLessThan(totals('lmc').stored * 0.8);
  });
});

/** Moves some bit patterns up or down by a little; `spread` is how far at most. */
function nudge(bytes: Uint8Array, width: number, spread: number, oneIn: number, seed: number): Uint8Array {
  const random = randomSource(seed);
  const moved = Uint8Array.from(bytes);
  for (let at = 0; at < moved.length; at += width) {
    if (random() % oneIn !== 0) continue;
    let value = 0;
    for (let index = width - 1; index >= 0; index -= 1) value = value * 256 + moved[at + index]!;
    value = Math.max(0, value + (random() % (2 * spread + 1)) - spread);
    for (let index = 0; index < width; index += 1) {
      moved[at + index] = value % 256;
      value = Math.floor(value / 256);
    }
  }
  return moved;
}

describe('deltas of every floating-point element of up to four bytes', () => {
  const kinds: [string, ElementId][] = [
    ['float16', elements.float16],
    ['bfloat16', elements.bfloat16],
    ['float32', elements.float32],
    ['float8e4m3', elements.float8e4m3],
    ['float8e5m2', elements.float8e5m2],
  ];

  it.each(kinds)('%s comes back whatever moved, at lengths around the edges of streams', (_, element) => {
    const width = elementWidths[element];
    for (const count of [1, 2, 2047, 2048, 2049, 4103, 20_011, 40_009]) {
      const { base: before } = weightPair(element, count, count);
      for (const [spread, oneIn] of [
        [1, 1],
        [1, 500],
        [3, 4],
        [width === 1 ? 3 : 300, 1],
      ] as const) {
        delta(nudge(before, width, spread, oneIn, count), before, element);
      }
    }
  });

  it('elements that hardly ever change are listed, at a few bytes each', () => {
    const { base: before } = weightPair(elements.bfloat16, 200_000, 11);
    const after = nudge(before, 2, 1, 1000, 12);
    const { item } = delta(after, before, elements.bfloat16);
    let changed = 0;
    for (let at = 0; at < after.length; at += 2) changed += after[at] === before[at] && after[at + 1] === before[at + 1] ? 0 : 1;
    expect(item.codecs[parts]).toBe(1);
    expect(item.storedLength).toBeLessThan(changed * 3);
  });

  it('float32 that holds bfloat16 pays nothing for the lower half', () => {
    const { base: before, raw: after } = weightPair(elements.bfloat16, 50_000, 13);
    const widen = (narrow: Uint8Array): Uint8Array => {
      const wide = new Uint8Array(narrow.length * 2);
      for (let at = 0; at < narrow.length; at += 2) wide.set(narrow.subarray(at, at + 2), at * 2 + 2);
      return wide;
    };
    const narrow = delta(after, before, elements.bfloat16).item.storedLength;
    const wide = delta(widen(after), widen(before), elements.float32).item.storedLength;
    expect(wide).toBeLessThan(narrow * 1.02);
  });

  it.each(kinds)(
    '%s comes back where an element leaps by half of all patterns, which no patch can say, wherever samples look',
    (_, element) => {
      const [width, count] = [elementWidths[element], 60_000];
      for (let place = 0; place < 24; place += 1) {
        // Every fifth is not a number, so that its exponent is known to hardly ever change.
        const before = weightPair(element, count, place).base;
        for (let at = 0; at < before.length; at += 5 * width) before.fill(0xff, at, at + width);
        const after = before.slice();
        const leap = 5 * ((place * 2477) % (count / 5)) * width;
        after.fill(0, leap, leap + width);
        delta(after, before, element);
      }
    },
  );

  it('property: any bytes against any base come back', () => {
    const pair = fc.tuple(
      fc.constantFrom(...kinds.map(([, element]) => element)),
      fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { maxLength: 4000 }),
    );
    fc.assert(
      fc.property(pair, ([element, bytes]) => {
        const length = bytes.length - (bytes.length % elementWidths[element]);
        const before = Uint8Array.from(bytes, ([byte]) => byte).subarray(0, length);
        const after = Uint8Array.from(bytes, ([byte, other]) => (other < 200 ? byte : other)).subarray(0, length);
        delta(after, before, element);
      }),
      { numRuns: 60 },
    );
  });
});

it.each([
  ['conditioned', 2500],
  ['conditioned-parts', 9000],
] as const)('%s decodes changed bytes to something or refuses them, and never more', (name, count) => {
  const id = codecNames.indexOf(name);
  const { base: before, raw: after } = weightPair(elements.bfloat16, count, 6);
  const { item, stored } = delta(after, before, elements.bfloat16);
  expect(item.codecs[id]).toBe(1);
  const change = fc.record({ at: fc.oneof(fc.nat(200), fc.nat(stored.length - 2)), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = Uint8Array.from(stored.subarray(1));
      for (const { at, to } of changes) changed[at] = to;
      const outcome = codeOf(() => expect(decode(id, changed, elements.bfloat16, before).length).toBe(after.length));
      expect(['damaged', 'nothing was thrown']).toContain(outcome);
    }),
    { numRuns: 200 },
  );
});
