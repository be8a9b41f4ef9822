/** What all drawn charts share: a canvas in device pixels, axes, and saving what is seen. */
import type { ChartColours } from './chart-colours.ts';
import { toCsv, type Table } from './insight-tables.ts';

/** Pixels that every chart is high. */
export const chartHeight = 204;

/** Sizes the canvas for the screen and returns its context in CSS pixels, cleared. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export function write(
  context: CanvasRenderingContext2D,
  colours: ChartColours,
  words: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
  colour = colours.muted,
): void {
  context.font = colours.font;
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.fillStyle = colour;
  context.fillText(words, x, y);
}

/** Cuts words in the middle so that they fit. */
export function fit(context: CanvasRenderingContext2D, words: string, width: number): string {
  if (context.measureText(words).width <= width) return words;
  for (let kept = words.length - 1; kept > 4; kept--) {
    const cut = `${words.slice(0, Math.ceil(kept / 2) - 1)}…${words.slice(-Math.floor(kept / 2))}`;
    if (context.measureText(cut).width <= width) return cut;
  }
  return words.slice(0, 3);
}

/** Every how many of `count` labels of `labelWidth` there is room for. */
export const everyNth = (count: number, width: number, labelWidth: number): number =>
  Math.max(1, Math.ceil((count * labelWidth) / Math.max(1, width)));

function save(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const fileName = (words: string[], extension: string): string =>
  `${words
    .join('-')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')}.${extension}`;

export function saveText(names: string[], extension: string, type: string, content: string): void {
  save(fileName(names, extension), new Blob([content], { type }));
}

export const saveCsv = (names: string[], table: Table): void => saveText(names, 'csv', 'text/csv;charset=utf-8', toCsv(table));

export interface LegendEntry {
  label: string;
  colour: string;
}

/** The chart on its ground, with its title and legend above. */
export function pictureOf(
  names: string[],
  chart: HTMLCanvasElement,
  legend: readonly LegendEntry[],
  colours: ChartColours,
): HTMLCanvasElement {
  const ratio = devicePixelRatio || 1;
  const [head, margin] = [legend.length > 0 ? 54 : 34, 12];
  const canvas = document.createElement('canvas');
  const [width, height] = [chart.width / ratio + 2 * margin, chart.height / ratio + head + margin];
  const context = prepare(canvas, width, height);
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, width, height);
  write(context, { ...colours, font: colours.font.replace('11px', '600 13px') }, names.join(' – '), margin, 18, 'left', colours.text);
  let x = margin;
  for (const { label, colour } of legend) {
    context.fillStyle = colour;
    context.fillRect(x, 34, 9, 9);
    write(context, colours, label, x + 14, 39, 'left');
    x += 26 + context.measureText(label).width;
  }
  context.drawImage(chart, margin, head, chart.width / ratio, chart.height / ratio);
  return canvas;
}

export async function savePng(
  names: string[],
  chart: HTMLCanvasElement,
  legend: readonly LegendEntry[],
  colours: ChartColours,
): Promise<void> {
  const canvas = pictureOf(names, chart, legend, colours);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob) save(fileName(names, 'png'), blob);
}
