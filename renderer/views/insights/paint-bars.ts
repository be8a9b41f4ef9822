/** One bar an engine, as long as its ratio; what goes against the step before is marked. Pure. */
import { areaOf, paintAxisNames, type Area, type AxisNames } from './chart-area.ts';
import type { ChartColours } from './chart-colours.ts';
import { largestOf } from './condense.ts';
import { ticksTo } from './insight-tables.ts';
import { fit, type Size, type Surface } from './surface.ts';

export interface Bar {
  name: string;
  ratio: number;
  ours: boolean;
  read: string;
}

export interface Bars {
  bars: Bar[];
  axes: AxisNames;
}

const areaFor = (size: Size): Area => areaOf(size, 100, 48);

/** Index of the bar at a height of the chart, in pixels from its top. */
export function barAt(size: Size, { bars }: Bars, y: number): number | undefined {
  const area = areaFor(size);
  const index = Math.floor(((y - area.top) / area.height) * bars.length);
  return index >= 0 && index < bars.length ? index : undefined;
}

/** @param hovered the bar to mark */
export function paintBars(surface: Surface, size: Size, colours: ChartColours, { bars, axes }: Bars, hovered?: number): void {
  const area = areaFor(size);
  const ticks = ticksTo(
    largestOf(
      bars.map(({ ratio }) => ratio),
      1,
    ),
    5,
  );
  const xOf = (value: number): number => area.left + (value / ticks.at(-1)!) * area.width;
  for (const tick of ticks) {
    surface.rect(Math.round(xOf(tick)), area.top, 1, area.height, colours.line);
    surface.text(`${Number(tick.toPrecision(6))}×`, xOf(tick), area.top + area.height + 12, 'center', colours.muted);
  }
  const pitch = area.height / Math.max(1, bars.length);
  const thickness = Math.min(18, pitch * 0.7);
  bars.forEach(({ name, ratio, ours }, index) => {
    const y = area.top + (index + 0.5) * pitch;
    surface.rect(area.left, y - thickness / 2, xOf(ratio) - area.left, thickness, ours ? colours.accent : colours.series[2]!);
    surface.text(fit(surface, name, area.left - 12), area.left - 8, y, 'right', index === hovered ? colours.text : colours.muted);
    surface.text(`${ratio.toFixed(2)}×`, xOf(ratio) + 6, y, 'left', colours.text);
  });
  paintAxisNames(surface, colours, size, area, axes);
}
