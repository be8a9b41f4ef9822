/** The measures of the study computed plainly, element by element, independent of the native code. */
import { elementWidths, elements, type ElementId } from '../../core/codec/elements.ts';
import type { Analysis } from '../../core/codec/binding.ts';

const blockBytes = 65_536;

interface FloatShape {
  exponentBits: number;
  mantissaBits: number;
  infinite: boolean;
}

const shapes = new Map<ElementId, FloatShape>([
  [elements.float16, { exponentBits: 5, mantissaBits: 10, infinite: true }],
  [elements.bfloat16, { exponentBits: 8, mantissaBits: 7, infinite: true }],
  [elements.float32, { exponentBits: 8, mantissaBits: 23, infinite: true }],
  [elements.float64, { exponentBits: 11, mantissaBits: 52, infinite: true }],
  [elements.float8e4m3, { exponentBits: 4, mantissaBits: 3, infinite: false }],
  [elements.float8e5m2, { exponentBits: 5, mantissaBits: 2, infinite: true }],
]);

function entropyOf(bytes: number[]): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / bytes.length) * Math.log2(count / bytes.length), 0);
}

function bitsOf(bytes: Uint8Array, width: number): bigint[] {
  const words: bigint[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    let word = 0n;
    for (let byte = width - 1; byte >= 0; byte--) word = (word << 8n) | BigInt(bytes[at + byte]!);
    words.push(word);
  }
  return words;
}

/** Value and exponent bin by the definition of the format; the value undefined where it is infinite or no number. */
function read(word: bigint, { exponentBits, mantissaBits, infinite }: FloatShape): { value: number | undefined; bin: number } {
  const mantissa = Number(word & ((1n << BigInt(mantissaBits)) - 1n));
  const exponent = Number((word >> BigInt(mantissaBits)) & ((1n << BigInt(exponentBits)) - 1n));
  const sign = (word >> BigInt(mantissaBits + exponentBits)) & 1n ? -1 : 1;
  const [largest, bias] = [2 ** exponentBits - 1, 2 ** (exponentBits - 1) - 1];
  if (exponent === largest && infinite) return { value: undefined, bin: 255 };
  const isNan = exponent === largest && mantissa === 2 ** mantissaBits - 1;
  const fraction = mantissa / 2 ** mantissaBits;
  const value = exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
  const bin = exponent === 0 ? 0 : Math.min(254, Math.max(1, exponent - bias + 127));
  return { value: isNan ? undefined : value, bin };
}

/** @param ranges of one item, each with its base where there are bases */
export function analyse(ranges: readonly Uint8Array[], bases: readonly Uint8Array[] | undefined, element: ElementId): Analysis {
  const [width, shape] = [elementWidths[element], shapes.get(element)];
  const planeBits = new Float64Array(width);
  const [exponents, bitFlips] = [new Float64Array(256), new Float64Array(8 * width)];
  const sums = { elements: 0, unchanged: 0, finitePairs: 0, absoluteChange: 0 };
  for (const [index, bytes] of ranges.entries()) {
    const words = bitsOf(bytes, width);
    const before = bases && bitsOf(bases[index]!, width);
    sums.elements += words.length;
    for (let start = 0; start < words.length; start += blockBytes) {
      const block = bytes.subarray(start * width, (start + blockBytes) * width);
      for (let plane = 0; plane < width; plane++) {
        const own = [...block].filter((_, at) => at % width === plane);
        planeBits[plane]! += entropyOf(own) * own.length;
      }
    }
    for (const [at, word] of words.entries()) {
      const now = shape && read(word, shape);
      if (now) exponents[now.bin]! += 1;
      if (!before) continue;
      const flips = word ^ before[at]!;
      if (flips === 0n) sums.unchanged += 1;
      for (let bit = 0; bit < 8 * width; bit++) if ((flips >> BigInt(bit)) & 1n) bitFlips[bit]! += 1;
      const then = shape && read(before[at]!, shape);
      if (now?.value === undefined || then?.value === undefined) continue;
      sums.finitePairs += 1;
      sums.absoluteChange += Math.abs(now.value - then.value);
    }
  }
  const { elements: count, ...changes } = sums;
  return { elements: count, planeBits, ...(shape ? { exponents } : {}), ...(bases ? { bitFlips, ...changes } : {}) };
}
