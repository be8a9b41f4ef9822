/** Huffman-coded symbols, from core/native/src/codecs/huffman.md. */
import { Bits } from './bits.ts';
import { expect, type Reading } from './reading.ts';

const maxLength = 12;

function readLength(bits: Bits, before: number): number {
  if (bits.bit() === 0) return before;
  if (bits.bit() === 1) return bits.number(4);
  return bits.bit() === 0 ? before + 1 : before - 1;
}

/** The lengths of symbols 0 to 255, 0 where one has no code. */
function readLengths(reading: Reading): Uint8Array {
  const [first, last] = [reading.u8(), reading.u8()];
  expect(first < last, 'the table has no span');
  const lengths = new Uint8Array(256);
  const bits = new Bits(reading.rest());
  let length = maxLength;
  for (let symbol = first; symbol <= last; symbol++) {
    length = readLength(bits, length);
    expect(length >= 0 && length <= maxLength, `length ${length}`);
    lengths[symbol] = length;
  }
  reading.bytes(bits.finish());
  expect(lengths[first]! > 0 && lengths[last]! > 0, 'the ends of the span have no code');
  return lengths;
}

/** A canonical code, codes read highest bit first: the symbol of each code, a leading 1 keeping lengths apart. */
export class Code {
  readonly #symbols = new Int16Array(2 ** (maxLength + 1)).fill(-1);
  /** Those that have a code. */
  readonly symbols: readonly number[];

  constructor(lengths: Uint8Array) {
    const symbols = [...lengths.keys()].filter((symbol) => lengths[symbol]! > 0).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
    expect(symbols.reduce((sum, symbol) => sum + 2 ** (maxLength - lengths[symbol]!), 0) === 2 ** maxLength, 'the code is not complete');
    this.symbols = symbols;
    let [code, length] = [-1, lengths[symbols[0]!]!];
    for (const symbol of symbols) {
      code = (code + 1) << (lengths[symbol]! - length);
      length = lengths[symbol]!;
      this.#symbols[(1 << length) | code] = symbol;
    }
  }

  next(bits: Bits): number {
    for (let code = 1, length = 0; length < maxLength; length++) {
      code = (code << 1) | bits.bit();
      const symbol = this.#symbols[code]!;
      if (symbol >= 0) return symbol;
    }
    throw new Error('no code of at most twelve bits');
  }
}

/** Eight streams, or one for few symbols: which symbols each holds. */
export function streamSpans(n: number): [start: number, end: number][] {
  const count = n < 2048 ? 1 : 8;
  const per = count === 1 ? n : 64 * Math.ceil(n / 512);
  return Array.from({ length: count }, (_, index) => [Math.min(index * per, n), Math.min((index + 1) * per, n)]);
}

export function readSymbols(reading: Reading, n: number): Uint8Array {
  const code = new Code(readLengths(reading));
  const symbols = new Uint8Array(n);
  const spans = streamSpans(n);
  const sizes = spans.map(() => reading.varint());
  spans.forEach(([start, end], index) => {
    const bits = new Bits(reading.bytes(sizes[index]!));
    for (let symbol = start; symbol < end; symbol++) symbols[symbol] = code.next(bits);
    expect(bits.finish() === sizes[index], 'bytes left in a stream');
  });
  return symbols;
}
