/** What charts paint themselves on: a canvas on the screen or in a PNG, or the text of an SVG. */

export type Point = readonly [x: number, y: number];
export type Align = 'left' | 'center' | 'right';

export interface Size {
  width: number;
  height: number;
}

/** How words look; without it as labels of axes do. */
export interface Look {
  size?: number;
  bold?: boolean;
}

export const labelSize = 11;

/** Cells of one colour each, column by column from the left, rows from the top. */
export interface Grid {
  columns: number;
  rows: number;
  /** Of 256 colours the one of a cell, -1 where there is none; at `row * columns + column`. */
  shades: Int16Array;
  /** 256 colours, RGBA. */
  heat: Uint8ClampedArray;
}

/** Lengths are CSS pixels from the top left corner, colours any that CSS knows. */
export interface Surface {
  rect(x: number, y: number, width: number, height: number, fill: string): void;
  outline(x: number, y: number, width: number, height: number, stroke: string, thickness?: number): void;
  /** A line through points; nothing where there are fewer than two. */
  path(points: readonly Point[], stroke: string, thickness: number): void;
  dot(x: number, y: number, radius: number, fill: string): void;
  /** @param y of the middle of the letters */
  text(words: string, x: number, y: number, align: Align, colour: string, look?: Look): void;
  cells(grid: Grid, x: number, y: number, width: number, height: number): void;
  /** What `paint` paints outside of the rectangle is not seen. */
  clip(x: number, y: number, width: number, height: number, paint: () => void): void;
  widthOf(words: string, look?: Look): number;
}

/** Paints a chart into the upper left `size` of a surface. */
export type Paint = (surface: Surface, size: Size) => void;

/** Cuts words in the middle so that they fit. */
export function fit(surface: Surface, words: string, width: number, look?: Look): string {
  const letters = [...words];
  if (surface.widthOf(words, look) <= width) return words;
  const cut = (kept: number): string =>
    `${letters.slice(0, Math.ceil(kept / 2)).join('')}…${letters.slice(letters.length - Math.floor(kept / 2)).join('')}`;
  let [fits, tooMany] = [0, letters.length];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (surface.widthOf(cut(middle), look) <= width) fits = middle;
    else tooMany = middle;
  }
  return cut(fits);
}

/** Words on as many lines as they need, `most` at most: the last one is cut where it must be. */
export function wrap(surface: Surface, words: string, width: number, most: number, look?: Look): string[] {
  const lines: string[] = [];
  for (const word of words.split(/\s+/).filter((part) => part !== '')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    const fits = surface.widthOf(longer, look) <= width;
    if (lines.length === 0 || (!fits && lines.length < most)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => fit(surface, line, width, look));
}
