/**
 * Where everything of a drawn chain lies, in pixels; pure, so that it can be tested without a page.
 *
 * Steps stand side by side at equal distances, in order, because a run may save at 200, 400 and then 1200; their
 * numbers are written below and a wider gap is marked. Heights are linear in bytes and start at zero.
 */
import type { Run, Step } from '../../../core/contract/model.ts';

export type Standing = 'sealed' | 'archived' | 'todo' | 'incomplete' | 'being-written' | 'damaged';

/** What a step is to the user: in the store, to be archived, or in no state to be. */
export function standingOf(step: Step): Standing {
  if (step.snapshot) return step.snapshot.sealed ? 'sealed' : 'archived';
  const state = step.checkpoint?.state ?? 'complete';
  return state === 'complete' ? 'todo' : state;
}

/** The newest step whose checkpoint was cut off or can't be right; undefined where all are whole or still being written. */
export const newestTorn = (chain: readonly Step[]): Step | undefined =>
  chain.findLast((step) => ['incomplete', 'damaged'].includes(standingOf(step)));

/** The newest whole step before a torn one: complete on disk, or sealed in the store. */
export const lastGoodBefore = (chain: readonly Step[], torn: Step): Step | undefined =>
  chain.findLast((step) => step.step < torn.step && ['todo', 'sealed'].includes(standingOf(step)));

/** Names a step within its run; the step's number does not, since two folders may hold the same one. */
export const keyOfStep = (step: Step): string => step.snapshot?.id ?? `${step.step}:${step.checkpoint?.path ?? ''}`;

/** Original size: as it was archived, else as it is on disk. */
export const originalBytes = (step: Step): number => step.snapshot?.bytesOriginal ?? step.checkpoint?.bytes ?? 0;

export interface Column {
  step: Step;
  key: string;
  index: number;
  standing: Standing;
  /** Middle of the column. */
  x: number;
  originalHeight: number;
  storedHeight: number;
  /** Middle of the stone in the lane below, where there is a snapshot. */
  stoneY: number | undefined;
  /** Position of the column that this one's deltas are decoded against. */
  baseIndex: number | undefined;
}

export interface Geometry {
  columns: Column[];
  pitch: number;
  barWidth: number;
  width: number;
  left: number;
  plotTop: number;
  ground: number;
  laneBottom: number;
  height: number;
  maxDepth: number;
  levelHeight: number;
  ticks: { y: number; bytes: number; label: string }[];
  labels: { x: number; step: number }[];
  gaps: { x: number; from: number; to: number }[];
}

export interface Space {
  /** Pixels that are in sight; the drawing is wider when it is zoomed. */
  width: number;
  plotHeight: number;
  zoom: number;
  hasLosses: boolean;
}

export const margins = { left: 64, right: 22, rightWithLosses: 54, top: 22, laneGap: 10, axis: 26 };
const widestPitch = 240;
const widestBar = 64;
/** The lane is as high as its deepest chain asks for, within what a page can spare. */
const laneHeightFor = (maxDepth: number): number => Math.max(40, Math.min(84, maxDepth * 9 + 16));

/** A round number of bytes in binary units, at most a third of `maxBytes`, to draw lines at. */
function tickBytes(maxBytes: number): number {
  if (maxBytes < 3) return 1;
  const unit = 1024 ** Math.floor(Math.log2(maxBytes / 2) / 10);
  const rough = maxBytes / unit / 3;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const factor = [5, 2, 1].find((candidate) => candidate * magnitude <= rough) ?? 1;
  return Math.max(1, factor * magnitude * unit);
}

function ticksFor(maxBytes: number, ground: number, plotHeight: number): Geometry['ticks'] {
  const every = tickBytes(maxBytes);
  const power = Math.max(0, Math.floor(Math.log2(maxBytes / 2) / 10));
  const unit = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][power] ?? '';
  const ticks: Geometry['ticks'] = [];
  for (let bytes = every; bytes <= maxBytes && ticks.length < 8; bytes += every) {
    ticks.push({ bytes, y: ground - (bytes / maxBytes) * plotHeight, label: `${Number((bytes / 1024 ** power).toPrecision(4))} ${unit}` });
  }
  return ticks;
}

/** The largest of them, 0 or more, however many there are. */
const mostOf = <Item>(items: readonly Item[], measure: (item: Item) => number): number =>
  items.reduce((most, item) => Math.max(most, measure(item)), 0);

/** Labels as many steps as fit without touching, every one, or every second, fifth, tenth and so on. */
function labelsFor(columns: readonly Column[], pitch: number, width: number): Geometry['labels'] {
  const longest = mostOf(columns, ({ step }) => step.step).toLocaleString('en').length;
  const every = roundAtLeast((longest * 7.6 + 14) / pitch);
  const offset = roundest(columns, every);
  const half = (longest * 7) / 2;
  return columns.filter(({ index, x }) => index % every === offset && x + half <= width).map(({ x, step }) => ({ x, step: step.step }));
}

/** 1, 2, 2.5 or 5 times a power of ten, whole and no less than what is needed. */
function roundAtLeast(needed: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, needed))));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((every) => every >= needed && Number.isInteger(every)) ?? 1;
}

/** Which of the first columns to begin labels at, so that they show 50,000 and 100,000 rather than 1,000 and 51,000. */
function roundest(columns: readonly Column[], every: number): number {
  const distance = (columns[every]?.step.step ?? 0) - (columns[0]?.step.step ?? 0);
  const found = distance > 0 ? columns.slice(0, every).findIndex(({ step }) => step.step % distance === 0) : 0;
  return Math.max(0, found);
}

/** Places where the distance between two steps is more than half again the usual one. */
function gapsFor(columns: readonly Column[], pitch: number): Geometry['gaps'] {
  const distances = columns.slice(1).map(({ step }, index) => step.step - (columns[index]?.step.step ?? 0));
  const usual = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  if (pitch < 12 || usual <= 0) return [];
  return distances.flatMap((distance, index) => {
    const before = columns[index];
    const after = columns[index + 1];
    return before && after && distance > usual * 1.5 ? [{ x: (before.x + after.x) / 2, from: before.step.step, to: after.step.step }] : [];
  });
}

/** Lays a run's chain out in the space that there is. */
export function layOut(chain: readonly Step[], space: Space): Geometry {
  const { left, top, laneGap, axis } = margins;
  const inner = Math.max(40, space.width - left - (space.hasLosses ? margins.rightWithLosses : margins.right));
  const pitch = Math.min(widestPitch, inner / Math.max(1, chain.length)) * space.zoom;
  const barWidth = Math.min(widestBar, pitch < 5 ? Math.max(0.8, pitch * 0.8) : pitch * 0.62);
  const ground = top + space.plotHeight;
  const maxBytes = Math.max(
    1,
    mostOf(chain, (step) => Math.max(originalBytes(step), step.snapshot?.bytesStored ?? 0)),
  );
  const maxDepth = mostOf(chain, (step) => step.snapshot?.depth ?? 0);
  const laneHeight = laneHeightFor(maxDepth);
  const laneBottom = ground + laneGap + laneHeight;
  const levelHeight = Math.min(13, (laneHeight - 14) / Math.max(1, maxDepth));
  const positions = new Map(chain.map((step, index) => [step.snapshot?.id, index]));

  const columns = chain.map((step, index): Column => {
    const stored = step.snapshot?.bytesStored ?? 0;
    return {
      step,
      key: keyOfStep(step),
      index,
      standing: standingOf(step),
      x: left + (index + 0.5) * pitch,
      originalHeight: (originalBytes(step) / maxBytes) * space.plotHeight,
      storedHeight: stored === 0 ? 0 : Math.max(1.5, (stored / maxBytes) * space.plotHeight),
      stoneY: step.snapshot ? laneBottom - 6 - step.snapshot.depth * levelHeight : undefined,
      baseIndex: step.snapshot?.base === undefined ? undefined : positions.get(step.snapshot.base),
    };
  });
  const width = Math.max(
    space.width,
    Math.floor(left + pitch * chain.length + (space.hasLosses ? margins.rightWithLosses : margins.right)),
  );
  return {
    columns,
    pitch,
    barWidth,
    width,
    left,
    plotTop: top,
    ground,
    laneBottom,
    height: laneBottom + axis,
    maxDepth,
    levelHeight,
    ticks: ticksFor(maxBytes, ground, space.plotHeight),
    labels: labelsFor(columns, pitch, width),
    gaps: gapsFor(columns, pitch),
  };
}

/** The position of the column under a point, or undefined beside them all. */
export function columnAt(geometry: Geometry, x: number): number | undefined {
  const index = Math.floor((x - geometry.left) / geometry.pitch);
  return index >= 0 && index < geometry.columns.length ? index : undefined;
}

export interface Curve {
  path: string;
  lowest: number;
  highest: number;
  yOf(loss: number): number;
  /** More points than pixels. */
  dense: boolean;
}

/** x of any step, between the columns in proportion; undefined outside of what is drawn. */
function xOf(columns: readonly Column[], pitch: number, step: number, hint: { at: number }): number | undefined {
  const first = columns[0];
  const last = columns.at(-1);
  if (!first || !last) return undefined;
  if (columns.length === 1) return step === first.step.step ? first.x : undefined;
  while (hint.at < columns.length - 2 && step > (columns[hint.at + 1]?.step.step ?? Infinity)) hint.at++;
  const from = columns[hint.at];
  const to = columns[hint.at + 1];
  if (!from || !to) return undefined;
  const span = to.step.step - from.step.step;
  const x = span <= 0 ? from.x : from.x + ((step - from.step.step) / span) * (to.x - from.x);
  return x < first.x - pitch / 2 || x > last.x + pitch / 2 ? undefined : x;
}

/** The loss curve over the columns, on a scale of its own; undefined where fewer than two points can be drawn. */
export function layCurve(geometry: Geometry, losses: Run['losses']): Curve | undefined {
  const hint = { at: 0 };
  const points = losses
    .toSorted((a, b) => a.step - b.step)
    .flatMap(({ step, loss }) => {
      const x = xOf(geometry.columns, geometry.pitch, step, hint);
      return x === undefined ? [] : [{ x, loss }];
    });
  if (points.length < 2) return undefined;
  const lowest = points.reduce((least, { loss }) => Math.min(least, loss), Infinity);
  const highest = points.reduce((most, { loss }) => Math.max(most, loss), -Infinity);
  const top = geometry.plotTop + 8;
  const span = geometry.ground - top - 10;
  const yOf = (loss: number): number => (highest === lowest ? top + span / 2 : top + ((highest - loss) / (highest - lowest)) * span);
  const path = thin(points)
    .map(({ x, loss }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${yOf(loss).toFixed(1)}`)
    .join('');
  return { path, lowest, highest, yOf, dense: points.length > geometry.columns.length * geometry.pitch };
}

/** Of many points in one pixel only the lowest and highest can be seen. */
function thin(points: readonly { x: number; loss: number }[]): { x: number; loss: number }[] {
  return [...Map.groupBy(points, ({ x }) => Math.round(x)).values()].flatMap((same) => {
    if (same.length <= 2) return same;
    const lowest = same.reduce((a, b) => (b.loss < a.loss ? b : a));
    const highest = same.reduce((a, b) => (b.loss > a.loss ? b : a));
    return lowest.x <= highest.x ? [lowest, highest] : [highest, lowest];
  });
}

/** Neighbouring positions as ranges, to draw a selection of many columns with few shapes. */
export function rangesOf(positions: readonly number[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const position of positions.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && position <= last.to + 1) last.to = position;
    else ranges.push({ from: position, to: position });
  }
  return ranges;
}
