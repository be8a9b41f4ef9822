/**
 * Odd tensors through the whole of an archive: every dtype, lengths around everything, shapes of many dimensions, data that begins at any
 * byte of its file, patterns that no arithmetic makes, and pairs that don't fit. Restored, verified, and read by the second decoder.
 */
import fc from 'fast-check';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecNames, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import { dtypes } from '../../core/scan/formats/dtypes.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { randomBytes, randomSource, specialValues, weightPair } from '../native/contents.ts';
import { Bench } from './context.ts';
import { picture, weights, type TestTensor } from './files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** A safetensors file whose data begins wherever a header of any length makes it. */
function misaligned(tensors: readonly TestTensor[], spaces: number): Buffer {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => [name, { dtype, shape, data_offsets: [end, (end += bytes.length)] }]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)) + ' '.repeat(spaces));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...tensors.map(({ bytes }) => bytes)]);
}

function writeSave(step: number, tensors: readonly TestTensor[], spaces: number): void {
  const folder = path.join(bench.path('run'), `step-${step}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'model.safetensors'), misaligned(tensors, spaces));
}

/** Archives all saves, and holds what comes back by both decoders against them. */
async function assertComesBack(): Promise<StoreDecoder> {
  const { snapshots, errors } = await bench.archive({ paths: [bench.path('run')] });
  expect(errors).toEqual([]);
  const decoder = new StoreDecoder(bench.storePath);
  for (const { id, path: original } of snapshots) {
    await bench.restore({ snapshot: id, to: bench.path('back', id) });
    expect(picture(bench.path('back', id))).toEqual(picture(original));
    const manifest = decoder.manifests.get(id)!;
    manifest.files.forEach((file, index) =>
      expect(Buffer.compare(decoder.file(manifest, index), readFileSync(path.join(original, file.path)))).toBe(0),
    );
  }
  expect((await bench.verify()).findings).toEqual([]);
  return decoder;
}

const elementOf = (dtype: string): ElementId => dtypes.get(dtype)!.element;
const bytesEach = (dtype: string): number => dtypes.get(dtype)!.bits / 8;
/** Elements of the codec that so many of the dtype are: complex numbers are two. */
const elementsOf = (dtype: string, count: number): number => (count * bytesEach(dtype)) / elementWidths[elementOf(dtype)];
const whole = [...dtypes.values()].filter(({ bits, name }) => bits % 8 === 0 && name !== 'C128').map(({ name }) => name);

/** Bytes of `count` elements, each by the number of its byte: the last is the highest. */
function patterns(dtype: string, count: number, byteAt: (fromTop: number) => number): Uint8Array {
  const width = bytesEach(dtype);
  return Uint8Array.from({ length: count * width }, (_, at) => byteAt(width - 1 - (at % width)));
}

const contents = {
  trained: (dtype: string, count: number, step: number) =>
    weightPair(elementOf(dtype), elementsOf(dtype, count), 5)[step % 2 === 0 ? 'raw' : 'base'],
  special: (dtype: string, count: number) => specialValues(elementOf(dtype), elementsOf(dtype, count)),
  random: (dtype: string, count: number, step: number) => randomBytes(count * bytesEach(dtype), step),
  /** All bits of the exponent set, all others as they come: not-a-numbers with payloads. */
  payloads: (dtype: string, count: number, step: number) => {
    const random = randomSource(step);
    return patterns(dtype, count, (fromTop) => (random() & 0xff) | ([0x7f, 0xf0][fromTop] ?? 0));
  },
  /** No bit of the exponent set: subnormal numbers alone. */
  subnormal: (dtype: string, count: number, step: number) => {
    const random = randomSource(step);
    return patterns(dtype, count, (fromTop) => random() & ([0x80, 0x07][fromTop] ?? 0xff));
  },
  equal: (dtype: string, count: number) => patterns(dtype, count, (fromTop) => 0x31 + fromTop),
} satisfies Record<string, (dtype: string, count: number, step: number) => Uint8Array>;

const counts = [0, 1, 2, 7, 8, 9, 63, 64, 65, 511, 513, 2047, 2048, 2049, 8191, 8193];

/** The same elements in a shape of up to five dimensions. */
function shapeOf(count: number, dimensions: number): number[] {
  const shape: number[] = [];
  let left = count;
  for (const factor of [2, 3, 1, 2].slice(0, dimensions - 1)) {
    const size = left % factor === 0 ? factor : 1;
    shape.push(size);
    left /= size;
  }
  return dimensions === 0 && count === 1 ? [] : [...shape, left];
}

describe('odd tensors come back', () => {
  it.each(whole)('%s: of every length and kind, alone and against the save before, wherever they lie', async (dtype) => {
    const names = Object.keys(contents) as (keyof typeof contents)[];
    for (const step of [1, 2]) {
      const tensors = names.flatMap((kind) =>
        counts.map((count, index) => ({
          name: `${kind}.${count}`,
          dtype,
          shape: shapeOf(count, index % 6),
          bytes: contents[kind](dtype, count, step),
        })),
      );
      writeSave(step, tensors, step);
    }
    await assertComesBack();
  });

  it('and so do whatever tensors beside each other, with whatever before them', async () => {
    const one = fc.record({
      name: fc.constantFrom('a', 'b', 'state.a.exp_avg', 'state.a.exp_avg_sq', 'master.a', 'é\0"'),
      dtype: fc.constantFrom(...whole),
      count: fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 2048, 5000, 33_000)),
      kind: fc.constantFrom(...(Object.keys(contents) as (keyof typeof contents)[])),
      dimensions: fc.nat(5),
    });
    const save = fc.record({ tensors: fc.uniqueArray(one, { selector: ({ name }) => name, maxLength: 6 }), spaces: fc.nat(9) });
    const property = fc.asyncProperty(fc.array(save, { minLength: 1, maxLength: 3 }), async (saves) => {
      const own = bench;
      bench = new Bench();
      saves.forEach(({ tensors, spaces }, step) =>
        writeSave(
          step,
          tensors.map(({ name, dtype, count, kind, dimensions }) => ({ name, dtype, shape: shapeOf(count, dimensions), bytes: contents[kind](dtype, count, step) })), // prettier-ignore
          spaces,
        ),
      );
      await assertComesBack().finally(async () => {
        await bench.close();
        bench = own;
      });
    });
    await fc.assert(property, { numRuns: 25 });
  });
});

/** The nearest of a one-byte float's 254 finite numbers. */
function toFloat8(exponentBits: 4 | 5, bias: number): (value: number) => number {
  const mantissaBits = 7 - exponentBits;
  const values = Array.from({ length: 0x7c }, (_, pattern) => {
    const [exponent, mantissa] = [pattern >> mantissaBits, (pattern & ((1 << mantissaBits) - 1)) / 2 ** mantissaBits];
    return exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias);
  });
  return (value) => {
    let [low, high] = [0, values.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[middle]! + values[middle + 1]!) / 2 < Math.abs(value)) low = middle + 1;
      else high = middle;
    }
    return low | (value < 0 ? 0x80 : 0);
  };
}

describe('deltas of one-byte floats', () => {
  const before = weights(60_000, 1);
  const moved = (by: number): Float32Array => weights(60_000, 2, before).map((value, at) => before[at]! + (value - before[at]!) * by);
  const saves = [before, moved(10), moved(100)];

  it.each([
    ['F8_E4M3', toFloat8(4, 7)],
    ['F8_E4M3FNUZ', toFloat8(4, 8)],
    ['F8_E5M2', toFloat8(5, 15)],
    ['F8_E5M2FNUZ', toFloat8(5, 16)],
  ] as const)('%s are taken by the exponent before, and a sixth smaller than LMC makes them', async (dtype, round) => {
    saves.forEach((values, step) => {
      const bytes = Uint8Array.from(values, (value) => round(value * 8));
      writeSave(step, [{ name: 'w', dtype, shape: [300, 200], bytes }], 0);
    });
    const codecs = (await assertComesBack()).codecs();
    const byDifference = ['conditioned', 'difference-planes', 'conditioned-parts'] as const;
    expect(byDifference.reduce((sum, name) => sum + (codecs.get(codecNames.indexOf(name)) ?? 0), 0)).toBe(2);
    const other = new Bench();
    try {
      const { snapshots: theirs } = await other.archive({ paths: [bench.path('run')], method: 'lmc' });
      const ours = (await bench.onStore('read', (store) => store.snapshots())).map(({ bytesStored }) => bytesStored);
      expect(ours[1]).toBeLessThan(theirs[1]!.bytesStored * 0.83);
      expect(ours[2]).toBeLessThan(theirs[2]!.bytesStored * 0.83);
    } finally {
      await other.close();
    }
  });
});
