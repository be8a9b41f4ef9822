/** Text as a terminal may safely show it. */
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

export interface Column {
  title: string;
  align?: 'right';
}

/** Aligned columns, two spaces apart; every cell made printable. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, index) => lines.reduce((width, line) => Math.max(width, [...(line[index] ?? '')].length), 0));
  const cell = (text: string, index: number): string => {
    const room = ' '.repeat(widths[index]! - [...text].length);
    return columns[index]?.align === 'right' ? room + text : text + room;
  };
  return lines.map((line) => `${line.map(cell).join('  ').trimEnd()}\n`).join('');
}
