/** How much a layer changed as a colour from 0 to 1, and what the colours mean. Pure. */
import type { ChangeMetric, Table } from './insight-tables.ts';

export interface Shading {
  shadeOf(value: number): number;
  /** Values from least to most, each with its colour; none where nothing is known. */
  marks: { value: number; shade: number }[];
}

/** Of the smallest change by logarithm, so that it is told from none. */
const faintest = 0.06;

/** Shares from the least to the most that occur; means by their logarithm, none at 0. */
export function shadingOf({ rows }: Table, metric: ChangeMetric): Shading {
  let [least, most] = [Infinity, 0];
  let some = false;
  for (const row of rows) {
    for (const value of row.slice(1)) {
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      some = true;
      if (metric === 'meanChange' && value <= 0) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  const shadeOf = shadesBetween(least, most, metric);
  const middle = metric === 'changed' ? (least + most) / 2 : Math.sqrt(least * most);
  const values = most > least ? [least, middle, most] : [most];
  return { shadeOf, marks: some ? values.map((value) => ({ value, shade: shadeOf(value) })) : [] };
}

/** Where all are the same there is nothing to tell apart: what changed has the most colour, what didn't has none. */
function shadesBetween(least: number, most: number, metric: ChangeMetric): (value: number) => number {
  if (!(most > least)) return (value) => (value > 0 ? 1 : 0);
  if (metric === 'changed') return (value) => (value - least) / (most - least);
  const span = Math.log(most / least);
  return (value) => (value <= 0 ? 0 : faintest + ((1 - faintest) * Math.log(value / least)) / span);
}
