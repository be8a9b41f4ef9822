/** The study of a run as one HTML file: every chart with its numbers, readable without Cairn, a network or scripts. */
import { getContext, onMount, setContext } from 'svelte';
import type { ChartColours } from './chart-colours.ts';
import { escaped } from './escape.ts';
import { formatCell, type Table } from './insight-tables.ts';
import { svgOf, type Picture } from './picture.ts';
import type { Measure } from './svg-surface.ts';

/** What a card gives to the report, as it is shown now. */
export interface ReportPart {
  title: string;
  note: string;
  table: Table;
  description: string;
  picture: Picture;
}

export interface ReportHead {
  run: string;
  path: string;
  /** How it was measured, in one line. */
  measured: string;
  /** The command line that gives the same numbers. */
  command: string;
  /** What is said of rows that are left out. */
  more: (rows: number) => string;
}

const key = Symbol('report');

export class Report {
  readonly #parts = new Set<() => ReportPart>();

  /** Makes a report that the cards below this component add themselves to. */
  static provide(): Report {
    return setContext(key, new Report());
  }

  /** Called by a card while it is set up: it is part of the report as long as it is there. */
  static join(part: () => ReportPart): void {
    const report = getContext<Report | undefined>(key);
    if (!report) return;
    onMount(() => {
      report.#parts.add(part);
      return () => void report.#parts.delete(part);
    });
  }

  /** The parts that hold anything, as they are shown now. */
  parts(): ReportPart[] {
    return [...this.#parts].map((part) => part()).filter(({ table }) => table.rows.length > 0);
  }
}

const style = `
  body { max-width: 960px; margin: 32px auto; padding: 0 20px; font: 14px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
  h1 { font-size: 22px; } h2 { margin: 36px 0 2px; font-size: 16px; } p { margin: 2px 0 10px; color: #555; }
  img { max-width: 100%; border: 1px solid #ddd; border-radius: 6px; } code { overflow-wrap: anywhere; }
  div { max-height: 340px; overflow: auto; margin-top: 10px; }
  table { border-collapse: collapse; font-size: 12px; font-variant-numeric: tabular-nums; }
  th, td { padding: 2px 9px; text-align: right; border-bottom: 1px solid #eee; } th:first-child { text-align: left; }`;

/** More would make a file that no browser likes to open. */
const mostRows = 2000;

function tableHtml({ columns, rows }: Table, more: (rows: number) => string): string {
  const cells = (tag: string, values: readonly string[]): string => values.map((value) => `<${tag}>${escaped(value)}</${tag}>`).join('');
  const body = rows.slice(0, mostRows).map((row) => `<tr>${cells('td', row.map(formatCell))}</tr>`).join('\n'); // prettier-ignore
  const rest = rows.length > mostRows ? `\n<p>${escaped(more(rows.length - mostRows))}</p>` : '';
  return `<div><table><thead><tr>${cells('th', columns)}</tr></thead><tbody>\n${body}\n</tbody></table></div>${rest}`;
}

function partHtml(part: ReportPart, { more }: ReportHead, colours: ChartColours, measure: Measure): string {
  const { title, note, table, description, picture } = part;
  const source = `data:image/svg+xml,${encodeURIComponent(svgOf(picture, description, colours, measure))}`;
  return `<h2>${escaped(title)}</h2>\n<p>${escaped(note)}</p>\n<img alt="${escaped(title)}" src="${escaped(source)}">\n${tableHtml(table, more)}`;
}

/** The whole file. Names come from files, so every word is escaped; and nothing in it may load anything. */
export function reportHtml(head: ReportHead, parts: readonly ReportPart[], colours: ChartColours, measure: Measure): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(head.run)}</title>
<style>${style}</style>
<h1>${escaped(head.run)}</h1>
<p>${escaped(head.path)}<br>${escaped(head.measured)}<br><code>${escaped(head.command)}</code></p>
${parts.map((part) => partHtml(part, head, colours, measure)).join('\n')}
</html>
`;
}
