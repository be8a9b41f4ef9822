/** Paints as the text of an SVG file: no scripts, no links, nothing that is loaded; every word escaped. Pure. */
import { escaped } from './escape.ts';
import { labelSize, type Align, type Grid, type Look, type Point, type Size, type Surface } from './surface.ts';

/** How wide words are, in pixels of a font that the SVG asks for. */
export type Measure = (words: string, look: Required<Look>) => number;

export interface SvgHead extends Size {
  title: string;
  description: string;
  fontFamily: string;
  ground: string;
}

const anchors: Record<Align, string> = { left: 'start', center: 'middle', right: 'end' };

/** Hundredths of a pixel are enough. */
const short = (value: number): string => String(Math.round(value * 100) / 100);

const hex = (heat: Uint8ClampedArray, shade: number): string =>
  `#${[0, 1, 2].map((channel) => heat[shade * 4 + channel]!.toString(16).padStart(2, '0')).join('')}`;

type Attributes = Record<string, string | number | undefined>;

function tag(name: string, attributes: Attributes, content?: string): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${typeof value === 'number' ? short(value) : escaped(value)}"`],
  );
  return content === undefined ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${content}</${name}>`;
}

export class SvgSurface implements Surface {
  readonly #measure: Measure;
  #parts: string[] = [];
  #clips = 0;

  constructor(measure: Measure) {
    this.#measure = measure;
  }

  rect(x: number, y: number, width: number, height: number, fill: string): void {
    if (width > 0 && height > 0) this.#parts.push(tag('rect', { x, y, width, height, fill }));
  }

  outline(x: number, y: number, width: number, height: number, stroke: string, thickness = 1): void {
    this.#parts.push(tag('rect', { x, y, width, height, fill: 'none', stroke, 'stroke-width': thickness }));
  }

  path(points: readonly Point[], stroke: string, thickness: number): void {
    if (points.length < 2) return;
    const d = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${short(x)} ${short(y)}`).join('');
    this.#parts.push(tag('path', { d, fill: 'none', stroke, 'stroke-width': thickness, 'stroke-linejoin': 'round' }));
  }

  dot(x: number, y: number, radius: number, fill: string): void {
    this.#parts.push(tag('circle', { cx: x, cy: y, r: radius, fill }));
  }

  text(words: string, x: number, y: number, align: Align, colour: string, { size = labelSize, bold = false }: Look = {}): void {
    const attributes = { x, y: y + size * 0.35, 'text-anchor': anchors[align], fill: colour, 'font-size': size };
    this.#parts.push(tag('text', { ...attributes, 'font-weight': bold ? '600' : undefined }, escaped(words)));
  }

  cells(grid: Grid, x: number, y: number, width: number, height: number): void {
    const paths = [...runsByShade(grid)].map(([shade, runs]) => {
      const d = runs.map((run) => rectPath(x, y, width / grid.columns, height / grid.rows, run)).join('');
      return tag('path', { fill: hex(grid.heat, shade), d });
    });
    this.#parts.push(tag('g', { 'shape-rendering': 'crispEdges' }, paths.join('\n')));
  }

  clip(x: number, y: number, width: number, height: number, paint: () => void): void {
    const [id, outside] = [`clip-${++this.#clips}`, this.#parts];
    this.#parts = [];
    paint();
    const inside = this.#parts.join('\n');
    this.#parts = outside;
    this.#parts.push(tag('clipPath', { id }, tag('rect', { x, y, width, height })), tag('g', { 'clip-path': `url(#${id})` }, inside));
  }

  widthOf(words: string, { size = labelSize, bold = false }: Look = {}): number {
    return this.#measure(words, { size, bold });
  }

  /** The whole file. */
  document({ width, height, title, description, fontFamily, ground }: SvgHead): string {
    const head = [tag('title', { id: 'title' }, escaped(title)), tag('desc', { id: 'description' }, escaped(description))];
    const body = tag('g', { 'font-family': fontFamily, 'font-size': labelSize }, `\n${this.#parts.join('\n')}\n`);
    const attributes: Attributes = {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${short(width)} ${short(height)}`,
      role: 'img',
      'aria-labelledby': 'title description',
    };
    const all = [...head, tag('rect', { width, height, fill: ground }), body];
    return `${tag('svg', attributes, `\n${all.join('\n')}\n`)}\n`;
  }
}

type Run = readonly [column: number, row: number, length: number];

/** Neighbours of one shade in a row together. */
function runsByShade({ columns, rows, shades }: Grid): Map<number, Run[]> {
  const found = new Map<number, Run[]>();
  for (let row = 0; row < rows; row++) {
    for (let column = 0, end: number; column < columns; column = end) {
      const shade = shades[row * columns + column]!;
      for (end = column + 1; end < columns && shades[row * columns + end] === shade; end++);
      if (shade < 0) continue;
      const runs = found.get(shade) ?? [];
      found.set(shade, runs);
      runs.push([column, row, end - column]);
    }
  }
  return found;
}

function rectPath(x: number, y: number, width: number, height: number, [column, row, length]: Run): string {
  const across = length * width;
  return `M${short(x + column * width)} ${short(y + row * height)}h${short(across)}v${short(height)}h${short(-across)}z`;
}
