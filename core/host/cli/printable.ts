/** Text as a terminal may safely show it. */
import type { Snapshot } from '../../contract/model.ts';
import { printable, size } from '../../contract/printable.ts';

export { printable, size };

/** "45 s", "3 min 20 s", "2 h 5 min". */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Original size over stored size; nothing where nothing was stored. */
export function ratio(bytesOriginal: number, bytesStored: number): string {
  return bytesStored > 0 ? `${(bytesOriginal / bytesStored).toFixed(2)}x` : '';
}

/** A time of the contract in local time to the minute. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

/** How a snapshot is stored, or would be. */
export const storedAs = ({ kind, depth }: Pick<Snapshot, 'kind' | 'depth'>): string =>
  kind === 'delta' ? `delta, depth ${depth}` : 'keyframe';

/** A column of words by its title, or one of numbers, which `right` makes. */
export type Column = string | { numbers: string };

/** A column of numbers. */
export const right = (title: string): Column => ({ numbers: title });

const titleOf = (column: Column): string => (typeof column === 'string' ? column : column.numbers);

/** Columns two spaces apart, words to the left and numbers to the right; every cell made printable. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(titleOf), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => lines.reduce((width, line) => Math.max(width, [...(line[index] ?? '')].length), 0));
  const cell = (text: string, index: number): string => {
    const room = ' '.repeat(widths[index]! - [...text].length);
    return typeof columns[index] === 'string' ? text + room : room + text;
  };
  return lines.map((line) => `${line.map(cell).join('  ').trimEnd()}\n`).join('');
}
