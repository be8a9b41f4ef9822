/** Where in a chart its values are drawn, and what stands around them: ticks, and what the axes mean. Pure. */
import type { ChartColours } from './chart-colours.ts';
import { fit, type Size, type Surface } from './surface.ts';

/** Pixels that every chart on the screen is high. */
export const chartHeight = 240;

export interface Area extends Size {
  left: number;
  top: number;
}

/** What the axes say, with units. */
export interface AxisNames {
  x: string;
  y: string;
}

const above = 24;
const below = 40;
const right = 10;

/** @param left room for labels of the rows or ticks */
export const areaOf = ({ width, height }: Size, left: number, more = right): Area => ({
  left,
  top: above,
  width: Math.max(1, width - left - more),
  height: Math.max(1, height - above - below),
});

/** The vertical axis is named above it, the horizontal one below its middle. */
export function paintAxisNames(surface: Surface, colours: ChartColours, { width, height }: Size, area: Area, { x, y }: AxisNames): void {
  surface.text(fit(surface, y, width), 0, 8, 'left', colours.muted);
  surface.text(fit(surface, x, area.width), area.left + area.width / 2, height - 8, 'center', colours.muted);
}

/** Every how many of `count` labels of `labelWidth` there is room for. */
export const everyNth = (count: number, width: number, labelWidth: number): number =>
  Math.max(1, Math.ceil((count * labelWidth) / Math.max(1, width)));

/** A name takes no more of the axis than that, where its column is not wider. */
const narrowestName = 96;

/** Names below evenly spaced columns, as many as there is room for. */
export function paintColumnNames(surface: Surface, colours: ChartColours, area: Area, names: readonly string[]): void {
  const some = names.length <= 200 ? names : [names[0]!, names[names.length >> 1]!, names.at(-1)!];
  const labelWidth = some.reduce((most, name) => Math.max(most, surface.widthOf(name)), 0);
  const widest = Math.max(narrowestName, area.width / Math.max(1, names.length) - 10);
  const every = everyNth(names.length, area.width, Math.min(widest, labelWidth) + 10);
  for (let index = 0; index < names.length; index += every) {
    const name = fit(surface, names[index]!, widest);
    const middle = area.left + ((index + 0.5) * area.width) / names.length;
    const last = area.left + area.width + right - surface.widthOf(name) / 2;
    surface.text(name, Math.min(middle, last), area.top + area.height + 12, 'center', colours.muted);
  }
}

/** A line across the area for each tick, with its words left of it. */
export function paintRows(
  surface: Surface,
  colours: ChartColours,
  area: Area,
  ticks: readonly number[],
  yOf: (value: number) => number,
  format: (value: number) => string,
): void {
  for (const tick of ticks) {
    surface.rect(area.left, Math.round(yOf(tick)), area.width, 1, colours.line);
    surface.text(fit(surface, format(tick), area.left - 10), area.left - 8, yOf(tick), 'right', colours.muted);
  }
}
