/** A chart as it is saved: on its ground, below its title, what it means and its legend. Pure. */
import type { ChartColours } from './chart-colours.ts';
import type { Table } from './insight-tables.ts';
import { fit, wrap, type Look, type Paint, type Size, type Surface } from './surface.ts';
import { SvgSurface, type Measure } from './svg-surface.ts';

export interface LegendEntry {
  label: string;
  colour: string;
}

export interface Picture {
  /** Of the run and of the chart. */
  names: string[];
  note: string;
  legend: readonly LegendEntry[];
  paint: Paint;
}

/** Of what is saved, whatever the window is: as wide as a page. */
export const pictureWidth = 960;
const pictureChartHeight = 400;
const margin = 16;
const inner = pictureWidth - 2 * margin;
const titleLook: Look = { size: 15, bold: true };
const titleOf = ({ names }: Picture): string => names.join(' – ');

interface PlacedEntry extends LegendEntry {
  x: number;
  y: number;
}

/** Entries from left to right, on as many lines as they need. */
function placeLegend(surface: Surface, legend: readonly LegendEntry[], top: number): PlacedEntry[] {
  let [x, y] = [margin, top];
  return legend.map(({ label, colour }) => {
    const shown = fit(surface, label, inner - 14);
    const width = 14 + surface.widthOf(shown);
    if (x > margin && x + width > margin + inner) [x, y] = [margin, y + 18];
    const placed = { label: shown, colour, x, y };
    x += width + 16;
    return placed;
  });
}

interface Layout extends Size {
  title: string[];
  note: string[];
  legend: PlacedEntry[];
  chartTop: number;
}

/** Where everything is, which depends on how much there is to say. */
function layoutOf(surface: Surface, picture: Picture): Layout {
  const title = wrap(surface, titleOf(picture), inner, 3, titleLook);
  const note = wrap(surface, picture.note, inner, 2);
  const noteTop = margin + title.length * 20;
  const legend = placeLegend(surface, picture.legend, noteTop + note.length * 16 + 10);
  const chartTop = (legend.at(-1)?.y ?? noteTop + note.length * 16 - 6) + 16;
  return { title, note, legend, chartTop, width: pictureWidth, height: chartTop + pictureChartHeight + margin };
}

/** A surface that paints with its origin elsewhere. */
function movedBy(surface: Surface, dx: number, dy: number): Surface {
  return {
    rect: (x, y, width, height, fill) => surface.rect(x + dx, y + dy, width, height, fill),
    outline: (x, y, width, height, stroke, thickness) => surface.outline(x + dx, y + dy, width, height, stroke, thickness),
    path: (points, stroke, thickness) =>
      surface.path(
        points.map(([x, y]) => [x + dx, y + dy]),
        stroke,
        thickness,
      ),
    dot: (x, y, radius, fill) => surface.dot(x + dx, y + dy, radius, fill),
    text: (words, x, y, align, colour, look) => surface.text(words, x + dx, y + dy, align, colour, look),
    cells: (grid, x, y, width, height) => surface.cells(grid, x + dx, y + dy, width, height),
    clip: (x, y, width, height, paint) => surface.clip(x + dx, y + dy, width, height, paint),
    widthOf: (words, look) => surface.widthOf(words, look),
  };
}

/** How large the picture is; `surface` only measures. */
export const pictureSize = (surface: Surface, picture: Picture): Size => layoutOf(surface, picture);

/** Paints what is saved of a chart: title, note, legend and the chart itself. */
export function paintPicture(surface: Surface, picture: Picture, colours: ChartColours): void {
  const { title, note, legend, chartTop, width, height } = layoutOf(surface, picture);
  surface.rect(0, 0, width, height, colours.surface);
  title.forEach((line, index) => surface.text(line, margin, margin + 8 + index * 20, 'left', colours.text, titleLook));
  note.forEach((line, index) => surface.text(line, margin, margin + title.length * 20 + 8 + index * 16, 'left', colours.muted));
  for (const { label, colour, x, y } of legend) {
    surface.rect(x, y - 4.5, 9, 9, colour);
    surface.text(label, x + 14, y, 'left', colours.muted);
  }
  picture.paint(movedBy(surface, margin, chartTop), { width: inner, height: pictureChartHeight });
}

/** The picture as a file of its own. @param description what it shows, for who can't see it */
export function svgOf(picture: Picture, description: string, colours: ChartColours, measure: Measure): string {
  const surface = new SvgSurface(measure);
  paintPicture(surface, picture, colours);
  const { width, height } = pictureSize(surface, picture);
  const { fontFamily, surface: ground } = colours;
  return surface.document({ width, height, title: titleOf(picture), description, fontFamily, ground });
}

/** What a chart shows, for who can't see it: its note, and what its numbers are. */
export const describe = (note: string, { columns, rows }: Table, words: (rows: number) => string): string =>
  `${note}. ${words(rows.length)}: ${columns.slice(0, 40).join(', ')}${columns.length > 40 ? ', …' : ''}.`;
