/** Paints on a canvas, in device pixels. */
import { labelSize, type Align, type Grid, type Look, type Point, type Size, type Surface } from './surface.ts';
import type { Measure } from './svg-surface.ts';

const fontOf = ({ size = labelSize, bold = false }: Look, family: string): string => `${bold ? '600 ' : ''}${size}px ${family}`;

/** Grids as small images, kept for as long as the grid is: a pointer that moves over one paints it again and again. */
const images = new WeakMap<Grid, HTMLCanvasElement>();

function imageOf(grid: Grid): HTMLCanvasElement {
  const known = images.get(grid);
  if (known) return known;
  const image = document.createElement('canvas');
  [image.width, image.height] = [Math.max(1, grid.columns), Math.max(1, grid.rows)];
  const context = image.getContext('2d')!;
  const pixels = context.createImageData(image.width, image.height);
  grid.shades.forEach((shade, index) => {
    if (shade >= 0) pixels.data.set(grid.heat.subarray(shade * 4, shade * 4 + 4), index * 4);
  });
  context.putImageData(pixels, 0, 0);
  images.set(grid, image);
  return image;
}

/** Each way no larger than there are pixels, each of which is then of all the cells that it stands for; cells that are larger keep their edges. */
function shrunk(image: HTMLCanvasElement, across: number, down: number): HTMLCanvasElement {
  if (image.width <= across && image.height <= down) return image;
  const small = document.createElement('canvas');
  [small.width, small.height] = [Math.min(image.width, across), Math.min(image.height, down)];
  const context = small.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, small.width, small.height);
  return small;
}

export class CanvasSurface implements Surface {
  readonly #context: CanvasRenderingContext2D;
  readonly #fontFamily: string;
  readonly #scale: number;

  /** Sizes the canvas and clears it. @param scale device pixels of a CSS pixel */
  constructor(canvas: HTMLCanvasElement, { width, height }: Size, fontFamily: string, scale = devicePixelRatio || 1) {
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    this.#context = canvas.getContext('2d')!;
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.#scale = scale;
    this.#fontFamily = fontFamily;
  }

  rect(x: number, y: number, width: number, height: number, fill: string): void {
    this.#context.fillStyle = fill;
    this.#context.fillRect(x, y, width, height);
  }

  outline(x: number, y: number, width: number, height: number, stroke: string, thickness = 1): void {
    this.#context.strokeStyle = stroke;
    this.#context.lineWidth = thickness;
    this.#context.strokeRect(x, y, width, height);
  }

  path(points: readonly Point[], stroke: string, thickness: number): void {
    if (points.length < 2) return;
    this.#context.beginPath();
    for (const point of points) this.#context.lineTo(...point);
    this.#context.strokeStyle = stroke;
    this.#context.lineWidth = thickness;
    this.#context.lineJoin = 'round';
    this.#context.stroke();
  }

  dot(x: number, y: number, radius: number, fill: string): void {
    this.#context.beginPath();
    this.#context.arc(x, y, radius, 0, 2 * Math.PI);
    this.#context.fillStyle = fill;
    this.#context.fill();
  }

  text(words: string, x: number, y: number, align: Align, colour: string, look: Look = {}): void {
    const context = this.#context;
    context.font = fontOf(look, this.#fontFamily);
    context.textAlign = align;
    context.textBaseline = 'middle';
    context.fillStyle = colour;
    context.fillText(words, x, y);
  }

  cells(grid: Grid, x: number, y: number, width: number, height: number): void {
    const [across, down] = [width, height].map((length) => Math.max(1, Math.round(length * this.#scale)));
    const image = shrunk(imageOf(grid), across!, down!);
    this.#context.imageSmoothingEnabled = false;
    this.#context.drawImage(image, x, y, width, height);
  }

  clip(x: number, y: number, width: number, height: number, paint: () => void): void {
    this.#context.save();
    this.#context.beginPath();
    this.#context.rect(x, y, width, height);
    this.#context.clip();
    paint();
    this.#context.restore();
  }

  widthOf(words: string, look: Look = {}): number {
    this.#context.font = fontOf(look, this.#fontFamily);
    return this.#context.measureText(words).width;
  }
}

/** Measures words as the browser would write them. */
export function measureIn(fontFamily: string): Measure {
  const context = document.createElement('canvas').getContext('2d')!;
  return (words, look) => {
    context.font = fontOf(look, fontFamily);
    return context.measureText(words).width;
  };
}
