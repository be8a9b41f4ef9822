/** Columns side by side, each a stack of parts from zero up. Pure. */
import { areaOf, paintAxisNames, paintColumnNames, paintRows, type Area, type AxisNames } from './chart-area.ts';
import type { ChartColours } from './chart-colours.ts';
import { groupsOf, largestOf, meanOf, type Group } from './condense.ts';
import { ticksTo } from './insight-tables.ts';
import type { Point, Size, Surface } from './surface.ts';

export interface Columns {
  names: string[];
  /** Values of each column, from the ground up. */
  stacks: number[][];
  /** A value a column, drawn as a line over them; undefined leaves a gap. */
  line?: (number | undefined)[];
  lineColour?: string;
  axes: AxisNames;
  /** What is said beside the horizontal axis where a column stands for several. */
  condensed: (each: number) => string;
  base?: 2 | 10;
  formatTick: (value: number) => string;
}

/** More than that is finer than any screen; each then stands for several, by their mean. */
export const mostColumns = 1024;

const areaFor = (size: Size): Area => areaOf(size, 66);

/** The column at a place of the chart. */
export function columnAt(size: Size, { stacks }: Columns, x: number): number | undefined {
  const area = areaFor(size);
  const index = Math.floor(((x - area.left) / area.width) * stacks.length);
  return index >= 0 && index < stacks.length ? index : undefined;
}

function meanStack(stacks: readonly number[][], { start, end }: Group): number[] {
  if (end - start === 1) return stacks[start]!;
  const within = stacks.slice(start, end);
  const parts = largestOf(within.map(({ length }) => length));
  return Array.from({ length: parts }, (_, part) => meanOf(within.map((stack) => stack[part] ?? 0))!);
}

function condensedColumns(chart: Columns): Columns {
  const { stacks, names, line, axes, condensed } = chart;
  if (stacks.length <= mostColumns) return chart;
  const groups = groupsOf(stacks.length, mostColumns);
  return {
    ...chart,
    names: groups.map(({ start }) => names[start]!),
    stacks: groups.map((group) => meanStack(stacks, group)),
    ...(line ? { line: groups.map(({ start, end }) => meanOf(line.slice(start, end))) } : {}),
    axes: { ...axes, x: `${axes.x} (${condensed(Math.ceil(stacks.length / mostColumns))})` },
  };
}

const heightOf = (stack: readonly number[]): number => stack.reduce((sum, value) => sum + value, 0);

/** @param hovered the column to mark */
export function paintColumns(surface: Surface, size: Size, colours: ChartColours, whole: Columns, hovered?: number): void {
  const chart = condensedColumns(whole);
  const area = areaFor(size);
  const ticks = ticksTo(largestOf([...chart.stacks.map(heightOf), ...(chart.line ?? []).map((value) => value ?? 0)]), 4, chart.base);
  const yOf = (value: number): number => area.top + area.height - (value / (ticks.at(-1) || 1)) * area.height;
  paintRows(surface, colours, area, ticks, yOf, chart.formatTick);
  if (hovered !== undefined) {
    const pitch = area.width / whole.stacks.length;
    surface.rect(area.left + hovered * pitch, area.top, Math.max(1, pitch), area.height, colours.line);
  }
  paintStacks(surface, colours, chart, area, yOf);
  for (const points of piecesOf(chart, area, yOf)) surface.path(points, chart.lineColour ?? colours.text, 1.8);
  paintColumnNames(surface, colours, area, chart.names);
  paintAxisNames(surface, colours, size, area, chart.axes);
}

function paintStacks(surface: Surface, { series }: ChartColours, { stacks }: Columns, area: Area, yOf: (value: number) => number): void {
  const pitch = area.width / Math.max(1, stacks.length);
  const bar = Math.min(54, pitch * (stacks.length > 40 ? 0.9 : 0.66));
  stacks.forEach((stack, index) => {
    const x = area.left + (index + 0.5) * pitch - bar / 2;
    let under = 0;
    stack.forEach((value, part) => {
      surface.rect(x, yOf(under + value), bar, yOf(under) - yOf(under + value), series[part]!);
      under += value;
    });
  });
}

/** The line without its gaps. */
function piecesOf({ line = [] }: Columns, area: Area, yOf: (value: number) => number): Point[][] {
  const pitch = area.width / Math.max(1, line.length);
  const pieces: Point[][] = [];
  line.forEach((value, index) => {
    if (value === undefined) return;
    if (line[index - 1] === undefined) pieces.push([]);
    pieces.at(-1)!.push([area.left + (index + 0.5) * pitch, yOf(value)]);
  });
  return pieces;
}
