import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, handmade, restore } from './coding.ts';
import { randomSource } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

/** Decodes one plane of bytes8 in mode huffman: codec id, rotation and mode are put in front of `stored`. */
function decode(stored: Uint8Array, count: number): Uint8Array {
  const block = Buffer.concat([Uint8Array.of(4, 0, 2), stored]);
  return Uint8Array.from(
    restore(folder, handmade(folder, [block], { element: elements.bytes8, blockLog2: 19, rawLength: count, needs: [] })).bytes,
  );
}

const text = 'aabacadaabaacabaaeabaacaabaadaab';
const table = '6165 4712';
const streams = '07 648e987831e208';

/** Bits in the order they are read, to bytes. */
const packed = (bits: string): string => {
  const digits = bits.replaceAll(/\s/g, '');
  const bytes = Array.from({ length: Math.ceil(digits.length / 8) }, (_, index) =>
    [...digits.slice(8 * index, 8 * index + 8)].reduce((sum, bit, place) => sum + (Number(bit) << place), 0),
  );
  return Buffer.from(bytes).toString('hex');
};

describe('the worked example of huffman.md', () => {
  it('decodes to its symbols', () => {
    expect(Buffer.from(decode(hex(table + streams), 32)).toString()).toBe(text);
  });

  it('is what the encoder writes', () => {
    const { stored } = code(folder, Buffer.from(text), { element: elements.bytes8 });
    // Behind the mode; what stands before it depends on the codec that was chosen.
    expect(
      Buffer.from(stored)
        .toString('hex')
        .endsWith(Buffer.from(hex(`02 ${table} ${streams}`)).toString('hex')),
    ).toBe(true);
  });
});

describe('a table is refused', () => {
  const length = (bits: number): string => `11${[0, 1, 2, 3].map((place) => (bits >> place) & 1).join('')}`;
  const of = (first: number, last: number, bits: string): string => Buffer.from([first, last]).toString('hex') + packed(bits);

  /** 64 bits of 0: with a code that starts with one bit for symbol 0, and nothing else wrong, 64 symbols. */
  const zeros = `08 ${'00'.repeat(8)}`;

  it('never when it is a code: two symbols of one bit', () => {
    expect(decode(hex(`${of(0, 1, `${length(1)} 0`)} ${zeros}`), 64)).toEqual(new Uint8Array(64));
  });

  it.each([
    ['with one symbol only', of(5, 5, '')],
    ['with its last symbol before the first', of(6, 5, `${length(1)} 0`)],
    ['of a code with gaps', of(0, 1, `${length(1)} 100`)],
    ['of a code with too many', of(0, 2, `${length(1)} 0 0`)],
    ['whose first symbol has no code', of(0, 2, `${length(0)} 100 0`)],
    ['whose last symbol has no code', of(0, 2, `${length(1)} 0 101`)],
    ['with a length of 13', of(0, 1, `${length(13)} ${length(1)}`)],
    ['with a length that climbs above 12', of(0, 1, `100 ${length(1)}`)],
    ['with a length that falls below 0', of(0, 2, `${length(1)} 101 101`)],
    ['with padding that is not 0', of(0, 1, `${length(1)} 0 1`)],
    ['cut short', of(0, 255, `${length(8)}`)],
  ])('%s', (_, bytes) => {
    expect(codeOf(() => decode(hex(`${bytes} ${zeros}`), 64))).toBe('damaged');
  });
});

describe('streams are refused', () => {
  it.each([
    ['that have a byte left', '08 648e987831e208 00'],
    ['that end early', '06 648e987831e2'],
    ['with padding that is not 0', '07 648e987831e228'],
    ['longer than what is there', '09 648e987831e208'],
    ['of a length that never ends', '8787878787 07 648e987831e208'],
    ['of a length beyond 32 bits', '8780808010 648e987831e208'],
    ['that are missing', ''],
  ])('%s', (_, bytes) => {
    expect(codeOf(() => decode(hex(table + bytes), 32))).toBe('damaged');
  });

  it('but a length may have leading zeros', () => {
    expect(Buffer.from(decode(hex(`${table} 8700 648e987831e208`), 32)).toString()).toBe(text);
  });
});

/** Symbols with these counts, in a random order. */
function shuffled(counts: number[], seed: number): Uint8Array {
  const random = randomSource(seed);
  const symbols = Uint8Array.from(counts.flatMap((count, symbol) => Array.from({ length: count }, () => symbol)));
  for (let last = symbols.length - 1; last > 0; last -= 1) {
    const other = random() % (last + 1);
    [symbols[last], symbols[other]] = [symbols[other]!, symbols[last]!];
  }
  return symbols;
}

function roundTrip(symbols: Uint8Array): number {
  const { stored, blocks } = code(folder, symbols, { element: elements.bytes8 });
  expect(Buffer.compare(restore(folder, blocks).bytes, symbols)).toBe(0);
  return stored.length;
}

describe('codes', () => {
  it('of Fibonacci counts stay within 12 bits and cost little for it', () => {
    const counts = [1, 1];
    while (counts.length < 20) counts.push(counts.at(-1)! + counts.at(-2)!);
    // Huffman's own code: one bit for the most frequent symbol, one more for each next.
    const unlimitedBits = counts.reduce((sum, count, symbol) => sum + count * Math.min(counts.length - symbol, counts.length - 1), 0);
    expect(roundTrip(shuffled(counts, 1))).toBeLessThan((unlimitedBits / 8) * 1.01 + 40);
  });

  it('of any counts round-trip, at most an eighth of a byte a symbol above their entropy', () => {
    const anyCounts = fc.array(fc.oneof(fc.nat(3), fc.nat(60), fc.nat(400)), { minLength: 2, maxLength: 256 });
    fc.assert(
      fc.property(anyCounts, fc.nat(), (counts, seed) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        fc.pre(total > 0);
        const entropyBits = counts.reduce((sum, count) => (count === 0 ? sum : sum - count * Math.log2(count / total)), 0);
        expect(roundTrip(shuffled(counts, seed))).toBeLessThanOrEqual(Math.min(total + 1, entropyBits / 8 + total / 8 + 260));
      }),
      { numRuns: 40 },
    );
  });

  it('of every count of symbols around the edges of streams round-trip', () => {
    for (const count of [2047, 2048, 2049, 2111, 2112, 2113, 2560, 3583, 3584, 4095, 4096, 4097, 32767, 32768, 32769, 131071, 131072]) {
      const random = randomSource(count);
      roundTrip(Uint8Array.from({ length: count }, () => 100 + Math.clz32(random())));
    }
  });
});
