/**
 * A generalised Gaussian, density proportional to exp(-(|x| / scale)^shape), fitted to how many elements fall between
 * successive powers of two. Shape 2 is a Gaussian, 1 a Laplace distribution; smaller means heavier tails. Pure.
 *
 * The share between a and b is P(1 / shape, (b / scale)^shape) - P(1 / shape, (a / scale)^shape), P the regularised lower
 * incomplete gamma function (DLMF 8.2.4), here by its series (8.11.4) and continued fraction (8.9.2). The fit is the least
 * sum of squared differences of shares, found on a grid that is narrowed round by round. Of weights of one matrix it finds what
 * maximum likelihood finds; of all weights together it follows the bulk, where a few gains near one would decide the most likely shape.
 */

export interface Fit {
  scale: number;
  shape: number;
  /** Share that the fit gives to each of the bins. */
  shares: number[];
  /** Half the sum of |share - fitted share|: 0 where they are the same, 1 where they have nothing in common. */
  distance: number;
}

/** Lanczos' approximation with g = 7, for z > 0. */
function logGamma(z: number): number {
  const terms = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7]; // prettier-ignore
  if (z < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * z)) - logGamma(1 - z);
  const x = z - 1;
  const sum = terms.reduce((total, term, index) => total + term / (x + index + 1), 0.99999999999980993);
  const t = x + terms.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
}

const mostTerms = 200;

/** P(a, x), the regularised lower incomplete gamma function, for a > 0 and x >= 0. */
export function lowerGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? front * series(a, x) : 1 - front * fraction(a, x);
}

function series(a: number, x: number): number {
  let [term, sum] = [1 / a, 1 / a];
  for (let n = 1; n < mostTerms && term > sum * 1e-14; n++) sum += term *= x / (a + n);
  return sum;
}

/** By Lentz' method. */
function fraction(a: number, x: number): number {
  let b = x + 1 - a;
  let [c, d] = [1e300, 1 / b];
  let value = d;
  for (let n = 1; n < mostTerms; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  return value;
}

/** Shares of the octaves [2^e, 2^(e + 1)) from `first` on. */
export function octaveShares(scale: number, shape: number, first: number, count: number): number[] {
  const below = Array.from({ length: count + 1 }, (_, index) => lowerGamma(1 / shape, (2 ** (first + index) / scale) ** shape));
  return Array.from({ length: count }, (_, index) => below[index + 1]! - below[index]!);
}

const [gridPoints, rounds] = [13, 8];

/**
 * @param shares of the octaves from 2^`first` up
 * @returns undefined where there is nothing to fit
 */
export function fitOctaves(shares: readonly number[], first: number): Fit | undefined {
  if (shares.filter((share) => share > 0).length < 3) return undefined;
  const peak = first + shares.indexOf(shares.reduce((most, share) => Math.max(most, share), 0));
  const errorOf = (scale: number, shape: number): number =>
    octaveShares(scale, shape, first, shares.length).reduce((sum, share, index) => sum + (share - shares[index]!) ** 2, 0);
  let best = { logScale: peak, logShape: 0.5, error: Infinity };
  let [scaleSpan, shapeSpan] = [12, 5];
  for (let round = 0; round < rounds; round++) {
    const { logScale: centre, logShape: middle } = best;
    for (let i = 0; i < gridPoints; i++) {
      for (let j = 0; j < gridPoints; j++) {
        const logScale = centre + (i / (gridPoints - 1) - 0.5) * scaleSpan;
        const logShape = Math.min(3, Math.max(-2.5, middle + (j / (gridPoints - 1) - 0.5) * shapeSpan));
        const error = errorOf(2 ** logScale, 2 ** logShape);
        if (error < best.error) best = { logScale, logShape, error };
      }
    }
    [scaleSpan, shapeSpan] = [scaleSpan * 0.4, shapeSpan * 0.4];
  }
  const [scale, shape] = [2 ** best.logScale, 2 ** best.logShape];
  const fitted = octaveShares(scale, shape, first, shares.length);
  const outside = 1 - fitted.reduce((sum, share) => sum + share, 0);
  const distance = fitted.reduce((sum, share, index) => sum + Math.abs(share - shares[index]!), outside) / 2;
  return { scale, shape, shares: fitted, distance };
}
