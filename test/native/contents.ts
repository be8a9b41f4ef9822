/** Bytes like those of checkpoints, and unlike them, from a seed: the same everywhere. */
import { elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';

/** Mulberry32: 32 bits a call. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const normal = (random: () => number): number => {
  const radius = Math.sqrt(-2 * Math.log((random() + 1) / 4294967297));
  return radius * Math.cos((2 * Math.PI * random()) / 4294967296);
};

export const randomBytes = (length: number, seed: number): Uint8Array => {
  const random = randomSource(seed);
  return Uint8Array.from({ length }, () => random() >>> 24);
};

function bytesOf(values: Float64Array, element: ElementId): Uint8Array {
  const width = elementWidths[element];
  const bytes = new Uint8Array(values.length * width);
  const view = new DataView(bytes.buffer);
  const word = new DataView(new ArrayBuffer(4));
  values.forEach((value, index) => {
    const at = index * width;
    if (element === elements.float64) view.setFloat64(at, value, true);
    else if (element === elements.float32) view.setFloat32(at, value, true);
    else if (element === elements.float16) view.setFloat16(at, value, true);
    else if (element === elements.bfloat16) {
      word.setFloat32(0, value, true);
      view.setUint16(at, word.getUint16(2, true), true);
    } else if (width === 1) view.setInt8(at, Math.round(value * 2000));
    else if (width === 2) view.setInt16(at, Math.round(value * 20000), true);
    else if (width === 4) view.setInt32(at, Math.round(value * 200000), true);
    else view.setBigInt64(at, BigInt(Math.round(value * 200000)), true);
  });
  return bytes;
}

/** Weights N(0, 0.02) and the same some training later. */
export function weightPair(element: ElementId, count: number, seed: number, change = 0.0005): { base: Uint8Array; raw: Uint8Array } {
  const random = randomSource(seed);
  const before = Float64Array.from({ length: count }, () => normal(random) * 0.02);
  const after = before.map((value) => (random() % 8 === 0 ? value : value + normal(random) * change));
  return { base: bytesOf(before, element), raw: bytesOf(after, element) };
}

/** Zeros of both signs, infinities, quiet and signalling NaNs, subnormals, extremes: as bit patterns of the width, repeated. */
export function specialValues(element: ElementId, count: number): Uint8Array {
  const width = elementWidths[element];
  const tops = [0x00, 0x80, 0x7f, 0xff, 0x7c, 0xfc, 0x01, 0x3f, 0xbf, 0x40];
  const rests = [0x00, 0x01, 0x7f, 0x80, 0xff];
  const bytes = new Uint8Array(count * width);
  for (let index = 0; index < count; index += 1) {
    for (let at = 0; at < width; at += 1) bytes[index * width + at] = rests[(index * 7 + at * (index % 3)) % rests.length]!;
    bytes[index * width + width - 1] = tops[index % tops.length]!;
  }
  return bytes;
}
