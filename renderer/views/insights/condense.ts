/** Fewer, where there are more steps than anything has pixels for: what is drawn stays bounded, and says what it stands for. Pure. */
import type { Point } from './surface.ts';

export interface Group {
  start: number;
  end: number;
}

/** `count` things in their order as at most `most` groups of about the same size, each of one where they fit. */
export function groupsOf(count: number, most: number): Group[] {
  const groups = Math.min(count, Math.max(1, most));
  return Array.from({ length: groups }, (_, index) => ({
    start: Math.floor((index * count) / groups),
    end: Math.floor(((index + 1) * count) / groups),
  }));
}

/** Of the values that are known; undefined where none is. */
export function meanOf(values: Iterable<number | undefined>): number | undefined {
  let [sum, known] = [0, 0];
  for (const value of values) {
    if (value === undefined) continue;
    sum += value;
    known++;
  }
  return known === 0 ? undefined : sum / known;
}

/** The largest of the values and `atLeast`; of any number of them, which `Math.max(...)` doesn't take. */
export function largestOf(values: Iterable<number>, atLeast = 0): number {
  let largest = atLeast;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}

/**
 * Of a line's points with ascending x, those that matter for how it looks: in each pixel the first, the lowest, the highest and
 * the last.
 */
export function thinned(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let start = 0, end: number; start < points.length; start = end) {
    const pixel = Math.floor(points[start]![0]);
    for (end = start + 1; end < points.length && Math.floor(points[end]![0]) === pixel; end++);
    kept.push(...extremes(points, start, end));
  }
  return kept;
}

function extremes(points: readonly Point[], start: number, end: number): Point[] {
  let [low, high] = [start, start];
  for (let index = start; index < end; index++) {
    if (points[index]![1] < points[low]![1]) low = index;
    if (points[index]![1] > points[high]![1]) high = index;
  }
  const marked = [...new Set([start, low, high, end - 1])].sort((a, b) => a - b);
  return marked.map((index) => points[index]!);
}
