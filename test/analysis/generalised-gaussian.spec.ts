/** The fit of exponents finds again what they were drawn from. */
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
