/** Saving what is shown as a file. */
import { CanvasSurface, measureIn } from './canvas-surface.ts';
import type { ChartColours } from './chart-colours.ts';
import { toCsv, type Table } from './insight-tables.ts';
import { paintPicture, pictureSize, svgOf, type Picture } from './picture.ts';

/** Pixels of a PNG to one of the chart. */
const pngScale = 2;

function save(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Longer names are refused by file systems. */
const longestName = 120;

const fileName = (words: readonly string[], extension: string): string => {
  const plain = words
    .join('-')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-');
  return `${[...plain].slice(-longestName).join('')}.${extension}`;
};

/** Gives the user a file to keep. @param names of which its own is made */
export function saveText(names: readonly string[], extension: string, type: string, content: string): void {
  save(fileName(names, extension), new Blob([content], { type }));
}

export const saveCsv = (names: readonly string[], table: Table): void => saveText(names, 'csv', 'text/csv;charset=utf-8', toCsv(table));

export function saveSvg(picture: Picture, description: string, colours: ChartColours): void {
  saveText(picture.names, 'svg', 'image/svg+xml', svgOf(picture, description, colours, measureIn(colours.fontFamily)));
}

export async function savePng(picture: Picture, colours: ChartColours): Promise<void> {
  const canvas = document.createElement('canvas');
  const size = pictureSize(new CanvasSurface(canvas, { width: 1, height: 1 }, colours.fontFamily), picture);
  paintPicture(new CanvasSurface(canvas, size, colours.fontFamily, pngScale), picture, colours);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('the picture is too large for this browser');
  save(fileName(picture.names, 'png'), blob);
}
