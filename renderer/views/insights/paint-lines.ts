/** Lines over the step axis, for what is saved: on the screen uPlot draws the same series. Pure. */
import { areaOf, paintAxisNames, paintRows, type Area, type AxisNames } from './chart-area.ts';
import type { ChartColours } from './chart-colours.ts';
import { thinned } from './condense.ts';
import { ticksTo } from './insight-tables.ts';
import type { Point, Size, Surface } from './surface.ts';

export interface Lines {
  /** Ascending. */
  steps: number[];
  /** One list of values a line; null where there is none. */
  lines: (number | null)[][];
  /** The highest value that can be. */
  top: number;
  axes: AxisNames;
  formatStep: (step: number) => string;
  read: (index: number) => string;
}

/** So few points are seen one by one. */
export const fewPoints = 60;

/** Round values between two. */
export function ticksBetween(from: number, to: number, most: number): number[] {
  if (!(to > from)) return [from];
  const step = ticksTo(to - from, most)[1]!;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** Paints lines over steps, in the colours of the series. */
export function paintLines(surface: Surface, size: Size, colours: ChartColours, chart: Lines): void {
  const { steps, lines, top, axes } = chart;
  const area = areaOf(size, 44);
  const yOf = (value: number): number => area.top + area.height - (value / top) * area.height;
  const xOf = xScale(steps, area);
  paintRows(surface, colours, area, ticksTo(top, 4), yOf, String);
  paintSteps(surface, colours, area, chart, xOf);
  surface.clip(area.left - 4, area.top - 4, area.width + 8, area.height + 8, () =>
    lines.forEach((line, index) => {
      for (const points of piecesOf(steps, line, xOf, yOf)) paintPiece(surface, points, colours.series[index]!, steps.length);
    }),
  );
  paintAxisNames(surface, colours, size, area, axes);
}

/** A single step stands in the middle. */
function xScale(steps: readonly number[], { left, width }: Area): (step: number) => number {
  const [first, last] = [steps[0] ?? 0, steps.at(-1) ?? 0];
  return (step) => (last > first ? left + ((step - first) / (last - first)) * width : left + width / 2);
}

function paintSteps(surface: Surface, colours: ChartColours, area: Area, chart: Lines, xOf: (step: number) => number): void {
  const { steps, formatStep } = chart;
  if (steps.length === 0) return;
  for (const tick of ticksBetween(steps[0]!, steps.at(-1)!, Math.max(2, area.width / 90))) {
    surface.rect(Math.round(xOf(tick)), area.top, 1, area.height, colours.line);
    surface.text(formatStep(tick), xOf(tick), area.top + area.height + 12, 'center', colours.muted);
  }
}

function paintPiece(surface: Surface, points: readonly Point[], colour: string, steps: number): void {
  surface.path(thinned(points), colour, 1.8);
  if (steps < fewPoints || points.length === 1) for (const [x, y] of points) surface.dot(x, y, 2.5, colour);
}

/** A line without its gaps. */
function piecesOf(
  steps: readonly number[],
  line: readonly (number | null)[],
  xOf: (step: number) => number,
  yOf: (value: number) => number,
): Point[][] {
  const pieces: Point[][] = [];
  line.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || line[index - 1] === null) pieces.push([]);
    pieces.at(-1)!.push([xOf(steps[index]!), yOf(value)]);
  });
  return pieces;
}
