/** Rows by columns as colour. Pure. */
import { areaOf, everyNth, paintAxisNames, paintColumnNames, type Area, type AxisNames } from './chart-area.ts';
import type { ChartColours } from './chart-colours.ts';
import { groupsOf, meanOf } from './condense.ts';
import { fit, type Grid, type Size, type Surface } from './surface.ts';

export interface Heatmap {
  columns: string[];
  rows: string[];
  /** From 0 to 1; undefined where nothing is known. By column, then row. */
  cells: (number | undefined)[][];
  axes: AxisNames;
  /** What is said beside an axis where a cell stands for several. */
  condensed: (each: number) => string;
}

export interface Cell {
  column: number;
  row: number;
}

/** No canvas is as wide as a run has steps; each cell then stands for several, by their mean. */
export const mostCells = { columns: 1024, rows: 512 };

const areaFor = (size: Size): Area => areaOf(size, 108);

/** The cell at a point of the chart, in pixels from its left and top; undefined beside the cells. */
export function cellAt(size: Size, { columns, rows }: Heatmap, x: number, y: number): Cell | undefined {
  const area = areaFor(size);
  const column = Math.floor(((x - area.left) / area.width) * columns.length);
  const row = Math.floor(((y - area.top) / area.height) * rows.length);
  return column >= 0 && column < columns.length && row >= 0 && row < rows.length ? { column, row } : undefined;
}

/** The cells as colours, no more of them than can be drawn. */
export function gridOf({ columns, rows, cells }: Heatmap, heat: Uint8ClampedArray): Grid {
  const across = groupsOf(columns.length, mostCells.columns);
  const down = groupsOf(rows.length, mostCells.rows);
  const shades = new Int16Array(across.length * down.length).fill(-1);
  across.forEach((some, column) => {
    const within = cells.slice(some.start, some.end);
    down.forEach(({ start, end }, row) => {
      const value = meanOf(within.flatMap((values) => values.slice(start, end)));
      if (value !== undefined) shades[row * across.length + column] = shadeOf(value);
    });
  });
  return { columns: across.length, rows: down.length, shades, heat };
}

const shadeOf = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 255);

/** @param grid of the chart, made once @param hovered the cell to mark */
export function paintHeatmap(surface: Surface, size: Size, colours: ChartColours, chart: Heatmap, grid: Grid, hovered?: Cell): void {
  const area = areaFor(size);
  const { columns, rows, axes, condensed } = chart;
  surface.cells(grid, area.left, area.top, area.width, area.height);
  surface.outline(area.left - 0.5, area.top - 0.5, area.width + 1, area.height + 1, colours.line);
  paintRowNames(surface, colours, area, rows);
  paintColumnNames(surface, colours, area, columns);
  const each = columns.length / grid.columns;
  paintAxisNames(surface, colours, size, area, { ...axes, x: each > 1 ? `${axes.x} (${condensed(Math.ceil(each))})` : axes.x });
  if (!hovered) return;
  const cell = { width: area.width / columns.length, height: area.height / rows.length };
  const [x, y] = [area.left + hovered.column * cell.width, area.top + hovered.row * cell.height];
  surface.outline(x, y, Math.max(1, cell.width), Math.max(1, cell.height), colours.text, 1.5);
}

function paintRowNames(surface: Surface, colours: ChartColours, area: Area, rows: readonly string[]): void {
  const every = everyNth(rows.length, area.height, 12.5);
  for (let row = 0; row < rows.length; row += every) {
    const y = area.top + ((row + 0.5) * area.height) / rows.length;
    surface.text(fit(surface, rows[row]!, area.left - 12), area.left - 8, y, 'right', colours.muted);
  }
}
