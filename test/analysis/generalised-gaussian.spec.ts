/** The fit of exponents finds again what they were drawn from. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitOctaves, lowerGamma, octaveShares } from '../../renderer/views/insights/generalised-gaussian.ts';

/** Simpson's rule over the density, split by octave. */
function integrated(scale: number, shape: number, first: number, count: number): number[] {
  const density = (x: number): number => Math.exp(-((x / scale) ** shape));
  const over = (from: number, to: number): number => {
    const n = 2000;
    const h = (to - from) / n;
    let sum = density(from) + density(to);
    for (let i = 1; i < n; i++) sum += density(from + i * h) * (i % 2 === 1 ? 4 : 2);
    return (sum * h) / 3;
  };
  let total = 0;
  for (let e = -60; e < 40; e++) total += over(2 ** e, 2 ** (e + 1));
  return Array.from({ length: count }, (_, index) => over(2 ** (first + index), 2 ** (first + index + 1)) / total);
}

describe('the generalised Gaussian', () => {
  it('has the incomplete gamma function of the tables', () => {
    expect(lowerGamma(1, 2)).toBeCloseTo(1 - Math.exp(-2), 12);
    expect(lowerGamma(0.5, 1)).toBeCloseTo(0.8427007929497149, 12); // erf(1)
    expect(lowerGamma(0.5, 4)).toBeCloseTo(0.9953222650189527, 12); // erf(2)
    expect(lowerGamma(3, 0)).toBe(0);
    expect(lowerGamma(2, 800)).toBe(1);
  });

  it('shares octaves out as its density integrates', () => {
    for (const [scale, shape] of [
      [0.02, 2],
      [0.3, 1],
      [1, 0.7],
    ] as const) {
      // prettier-ignore
      const shares = octaveShares(scale, shape, -12, 14);
      integrated(scale, shape, -12, 14).forEach((share, index) => expect(shares[index]).toBeCloseTo(share, 6));
    }
  });

  it('is found again from its own shares', () => {
    const drawn = fc.record({
      logScale: fc.double({ min: -12, max: 2, noNaN: true }),
      shape: fc.double({ min: 0.5, max: 4, noNaN: true }),
    });
    const property = fc.property(drawn, ({ logScale, shape }) => {
      const found = fitOctaves(octaveShares(2 ** logScale, shape, -40, 50), -40)!;
      expect(found.distance).toBeLessThan(0.01);
      expect(Math.abs(Math.log2(found.shape / shape))).toBeLessThan(0.1);
    });
    fc.assert(property, { numRuns: 25 });
  });

  it('says how far off it is, and nothing where there is nothing', () => {
    expect(fitOctaves([], 0)).toBeUndefined();
    expect(fitOctaves([0, 1, 0], -3)).toBeUndefined();
    const twoHills = [0.4, 0.1, ...new Array<number>(20).fill(0), 0.1, 0.4];
    expect(fitOctaves(twoHills, -20)!.distance).toBeGreaterThan(0.3);
  });
});

/** By Stirling's series, after moving z up by the recurrence: another way than the one that is tested. */
function logGamma(z: number): number {
  let [at, sum] = [z, 0];
  for (; at < 12; at++) sum -= Math.log(at);
  return sum + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * at) - 1 / (360 * at ** 3) + 1 / (1260 * at ** 5);
}

/** The scale that makes the values most likely for a shape, and how likely they are then. */
function profile(sizes: Float64Array, shape: number): { scale: number; logLikelihood: number } {
  let sum = 0;
  for (const size of sizes) sum += size ** shape;
  const scale = ((shape * sum) / sizes.length) ** (1 / shape);
  const logLikelihood = sizes.length * (Math.log(shape) - Math.log(2 * scale) - logGamma(1 / shape) - 1 / shape);
  return { scale, logLikelihood };
}

/** Maximum likelihood over the values themselves: golden-section search for the shape, the scale by its closed form. */
function mostLikely(sizes: Float64Array): { scale: number; shape: number } {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [0.2, 6];
  while (high - low > 1e-4) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (profile(sizes, left).logLikelihood > profile(sizes, right).logLikelihood) high = right;
    else low = left;
  }
  const shape = (low + high) / 2;
  return { shape, scale: profile(sizes, shape).scale };
}

/** The fit of Insights sees only how many values lie between two powers of two. */
function fitted(sizes: Float64Array) {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(Math.floor(Math.log2(size)), (counts.get(Math.floor(Math.log2(size))) ?? 0) + 1);
  const octaves = [...counts.keys()].sort((a, b) => a - b);
  const [first, last] = [octaves[0]!, octaves.at(-1)!];
  const shares = Array.from({ length: last - first + 1 }, (_, index) => (counts.get(first + index) ?? 0) / sizes.length);
  return fitOctaves(shares, first)!;
}

/** Sizes other than zero of a tensor of the sample chain. */
function sizesOf(step: string, name: string): Float64Array {
  const file = readFileSync(`test/fixtures/sample-chain/step-${step}/model.safetensors`);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, { data_offsets: [number, number] }>;
  const [from, to] = header[name]!.data_offsets;
  const sizes: number[] = [];
  const word = new Uint32Array(1);
  const value = new Float32Array(word.buffer);
  for (let at = start + from; at < start + to; at += 2) {
    word[0] = file.readUInt16LE(at) * 65_536;
    if (value[0] !== 0) sizes.push(Math.abs(value[0]!));
  }
  return Float64Array.from(sizes);
}

/** Draws |x| of a generalised Gaussian: a gamma variate of 1 / shape (Marsaglia and Tsang), to the power of 1 / shape. */
function drawn(scale: number, shape: number, count: number): Float64Array {
  let state = 88_172_645;
  const uniform = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const gamma = (a: number): number => {
    if (a < 1) return gamma(a + 1) * uniform() ** (1 / a);
    const d = a - 1 / 3;
    for (;;) {
      const [x, u] = [normal(), uniform()];
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(u) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  };
  return Float64Array.from({ length: count }, () => scale * gamma(1 / shape) ** (1 / shape));
}

describe('the fit against maximum likelihood', () => {
  it.each([
    [0.02, 2],
    [0.5, 1],
    [0.003, 0.7],
    [1, 3],
  ])('finds the same as it on values drawn with scale %d and shape %d', (scale, shape) => {
    const sizes = drawn(scale, shape, 60_000);
    const [fit, likely] = [fitted(sizes), mostLikely(sizes)];
    expect(Math.abs(likely.shape / shape - 1)).toBeLessThan(0.03);
    expect(Math.abs(fit.shape / likely.shape - 1)).toBeLessThan(0.05);
    expect(Math.abs(fit.scale / likely.scale - 1)).toBeLessThan(0.05);
    expect(fit.distance).toBeLessThan(0.01);
  });

  it.each(['attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'])('finds the same as it on the trained weights %s', (matrix) => {
    for (const step of ['000400', '002400']) {
      const sizes = sizesOf(step, `transformer.h.0.${matrix}.weight`);
      const [fit, likely] = [fitted(sizes), mostLikely(sizes)];
      expect(Math.abs(fit.shape / likely.shape - 1)).toBeLessThan(0.06);
      expect(Math.abs(fit.scale / likely.scale - 1)).toBeLessThan(0.04);
    }
  });

  it('holds where a few gains of about one would decide the most likely shape', () => {
    const bulk = drawn(0.03, 2, 60_000);
    const sizes = Float64Array.from([...bulk, ...new Array<number>(300).fill(1)]);
    expect(Math.abs(fitted(sizes).shape / 2 - 1)).toBeLessThan(0.06);
    expect(mostLikely(sizes).shape).toBeLessThan(1.2);
  });
});
