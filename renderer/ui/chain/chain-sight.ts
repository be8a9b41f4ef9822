/**
 * What of a long chain is drawn: the columns in sight, each by itself; or, where several share a few pixels, all of them as one shape a
 * kind, so that a chain of any length is a handful of elements. Pure.
 */
import type { Column, Geometry } from './chain-geometry.ts';

/** Below so many pixels a column, columns are no longer drawn each by itself. */
const densePitch = 3;

export const isDense = ({ pitch }: Pick<Geometry, 'pitch'>): boolean => pitch < densePitch;

/** Columns between two places of the drawing, with half as many again to either side, and the one that must be there. */
export function columnsInSight({ columns, left, pitch }: Geometry, from: number, to: number, always: number): Column[] {
  const spare = (to - from) / 2;
  const first = Math.max(0, Math.floor((from - spare - left) / pitch));
  const last = Math.min(columns.length, Math.ceil((to + spare - left) / pitch));
  const inSight = columns.slice(first, last);
  const extra = columns[always];
  return extra && (always < first || always >= last) ? [...inSight, extra] : inSight;
}

/** Of what a column shows, one shape for all columns. */
export type DenseKind = 'original' | 'todo' | 'gone' | 'keyframe' | 'delta' | 'unsealed' | 'incomplete' | 'being-written' | 'damaged';
export const denseKinds: readonly DenseKind[] = [
  ...(['original', 'todo', 'gone', 'keyframe', 'delta', 'unsealed', 'being-written', 'incomplete', 'damaged'] as const),
];

/** Height by pixel of the drawing. */
type Skyline = Map<number, number>;

function raise(skyline: Skyline, x: number, height: number): void {
  if (height > (skyline.get(x) ?? 0)) skyline.set(x, height);
}

function groundOf({ standing, step }: Column): DenseKind {
  if (standing === 'incomplete' || standing === 'damaged' || standing === 'being-written') return standing;
  if (standing === 'todo') return 'todo';
  return step.checkpoint === undefined ? 'gone' : 'original';
}

/** Bars as one path a kind: per pixel the highest of its kind. */
export function densePaths({ columns, ground, pitch }: Geometry): Partial<Record<DenseKind, string>> {
  const skylines = new Map<DenseKind, Skyline>(denseKinds.map((kind) => [kind, new Map()]));
  const width = Math.max(1, Math.round(pitch));
  for (const column of columns) {
    const x = Math.round(column.x - width / 2);
    raise(skylines.get(groundOf(column))!, x, column.originalHeight);
    const kind = column.standing === 'archived' ? 'unsealed' : column.step.snapshot?.kind;
    if (kind !== undefined && column.storedHeight > 0) raise(skylines.get(kind)!, x, column.storedHeight);
  }
  const bars = (skyline: Skyline): string =>
    [...skyline].map(([x, height]) => `M${x} ${ground}v${(-height).toFixed(1)}h${width}v${height.toFixed(1)}`).join('');
  return Object.fromEntries([...skylines].filter(([, skyline]) => skyline.size > 0).map(([kind, skyline]) => [kind, bars(skyline)]));
}

/** Stones of the lane likewise: keyframes, and deltas at every depth. */
export function densestStones({ columns, pitch }: Geometry, height: number): Partial<Record<'keyframe' | 'delta', string>> {
  const width = Math.max(1, Math.round(pitch));
  const found = { keyframe: new Set<string>(), delta: new Set<string>() };
  for (const { step, stoneY, x } of columns) {
    if (!step.snapshot || stoneY === undefined) continue;
    found[step.snapshot.kind].add(`M${Math.round(x - width / 2)} ${(stoneY - height / 2).toFixed(1)}v${height}h${width}v${-height}`);
  }
  return { keyframe: [...found.keyframe].join(''), delta: [...found.delta].join('') };
}
