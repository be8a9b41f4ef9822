/** The native measures against the same computed plainly in TypeScript, on random bits and on real weights. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { addon, type Analysis } from '../../core/codec/binding.ts';
import { elementWidths, elements, type ElementId } from '../../core/codec/elements.ts';
import { toCairnError } from '../../core/contract/errors.ts';
import { Folder, neverCancelled } from '../native/coding.ts';
import { analyse } from './reference.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const rangeOf = (bytes: Uint8Array) => ({ path: folder.file(bytes), offset: 0, length: bytes.length });

function native(ranges: readonly Uint8Array[], bases: readonly Uint8Array[] | undefined, element: ElementId): Analysis {
  const item = { element, sources: ranges.map(rangeOf), ...(bases ? { bases: bases.map(rangeOf) } : {}) };
  return addon.analyse({ items: [item], cancel: neverCancelled() })[0]!;
}

function expectEqual(found: Analysis, expected: Analysis): void {
  const { planeBits, absoluteChange, ...exact } = found;
  const { planeBits: expectedBits, absoluteChange: expectedChange, ...expectedExact } = expected;
  expect(exact).toEqual(expectedExact);
  expect(planeBits).toHaveLength(expectedBits.length);
  planeBits.forEach((bits, plane) => expect(Math.abs(bits - expectedBits[plane]!)).toBeLessThanOrEqual(1e-6 * (1 + expectedBits[plane]!)));
  if (expectedChange === undefined) return expect(absoluteChange).toBeUndefined();
  expect(Math.abs(absoluteChange! - expectedChange)).toBeLessThanOrEqual(1e-9 * Math.abs(expectedChange));
}

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return toCairnError(thrown).code;
  }
  return 'it did not fail';
}

/** Tensor bytes of a fixture: what follows the header. */
function weightsOf(step: string): Uint8Array {
  const file = readFileSync(`test/fixtures/sample-chain/step-${step}/model.safetensors`);
  return file.subarray(8 + Number(file.readBigUInt64LE(0)));
}

describe('native measures', () => {
  const elementId = fc.constantFrom(...Object.values(elements));

  it('are those of plain arithmetic for every element type, alone and against a base', () => {
    const sized = fc.tuple(
      elementId,
      fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.uint8Array({ minLength: 1, maxLength: 9 }),
    );
    const property = fc.property(sized, ([element, raw, paired, noise]) => {
      const width = elementWidths[element];
      const ranges = raw.map((bytes) => bytes.subarray(0, bytes.length - (bytes.length % width)));
      // Sparse changes, so that some elements stay as they are.
      const bases = paired
        ? ranges.map((bytes) => bytes.map((byte, at) => (at % 5 === 0 ? byte ^ noise[at % noise.length]! : byte)))
        : undefined;
      expectEqual(native(ranges, bases, element), analyse(ranges, bases, element));
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('know zero, subnormal, infinite and NaN', () => {
    const words = new Uint16Array([0x0000, 0x8000, 0x0001, 0x7c00, 0xfc00, 0x7e00, 0x3c00, 0xbc01]);
    const bytes = new Uint8Array(words.buffer);
    const found = native([bytes], [bytes], elements.float16);
    expect(found.exponents![0]).toBe(3);
    expect(found.exponents![255]).toBe(3);
    expect(found.exponents![127]).toBe(2);
    expect(found).toMatchObject({ unchanged: 8, finitePairs: 5, absoluteChange: 0 });
  });

  it('take the entropy of blocks of 64 KiB, not of the whole', () => {
    // Each block holds one value: no entropy. As a whole there would be one bit.
    const bytes = new Uint8Array(131_072).fill(7, 65_536);
    expect(native([bytes], undefined, elements.bytes8).planeBits).toEqual(new Float64Array([0]));
    const mixed = new Uint8Array(131_072).map((_, at) => at & 1);
    expect(native([mixed], undefined, elements.bytes8).planeBits[0]).toBeCloseTo(131_072, 6);
  });

  it('are those of plain arithmetic on real weights, and parts add up', () => {
    const [now, before] = [weightsOf('002400').subarray(0, 200_000), weightsOf('002200').subarray(0, 200_000)];
    const whole = native([now], [before], elements.bfloat16);
    expectEqual(whole, analyse([now], [before], elements.bfloat16));
    const cut = 131_072;
    const parts = native([now.subarray(0, cut), now.subarray(cut)], [before.subarray(0, cut), before.subarray(cut)], elements.bfloat16);
    expect(parts).toEqual(whole);
  });

  it('refuse what does not fit, read no further than a file goes, and end when cancelled', () => {
    const bytes = new Uint8Array(10);
    const [source, cancel] = [rangeOf(bytes), neverCancelled()];
    const run =
      (item: object, flag = cancel) =>
      () =>
        addon.analyse({ items: [item as never], cancel: flag });
    expect(failureOf(run({ element: elements.float32, sources: [source] }))).toBe('bad_request');
    expect(failureOf(run({ element: elements.int16, sources: [source], bases: [] }))).toBe('bad_request');
    expect(failureOf(run({ element: elements.int16, sources: [source], bases: [{ ...source, length: 8 }] }))).toBe('bad_request');
    expect(failureOf(run({ element: 99, sources: [source] }))).toBe('bad_request');
    expect(failureOf(run({ element: elements.int16, sources: [{ ...source, length: 12 }] }))).toBe('changed');
    expect(failureOf(run({ element: elements.int16, sources: [{ ...source, path: `${source.path}-absent` }] }))).toBe('not_found');
    expect(failureOf(run({ element: elements.int16, sources: [source] }, new Int32Array(new SharedArrayBuffer(4)).fill(1)))).toBe(
      'cancelled',
    );
  });
});
