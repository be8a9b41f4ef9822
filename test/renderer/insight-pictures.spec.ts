/** Charts as they are painted and saved: shapes in the place of their numbers, words that harm nothing and fit, bounded by no number of steps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChartColours } from '../../renderer/views/insights/chart-colours.ts';
import { groupsOf, largestOf, meanOf, thinned } from '../../renderer/views/insights/condense.ts';
import { escaped } from '../../renderer/views/insights/escape.ts';
import { mostColumns, paintColumns, type Columns } from '../../renderer/views/insights/paint-columns.ts';
import { gridOf, mostCells, paintHeatmap, type Heatmap } from '../../renderer/views/insights/paint-heatmap.ts';
import { paintLines, ticksBetween, type Lines } from '../../renderer/views/insights/paint-lines.ts';
import { describe as descriptionOf, pictureWidth, svgOf, type Picture } from '../../renderer/views/insights/picture.ts';
import { reportHtml } from '../../renderer/views/insights/report.ts';
import { fit, wrap, type Paint, type Point } from '../../renderer/views/insights/surface.ts';
import { SvgSurface, type Measure } from '../../renderer/views/insights/svg-surface.ts';
import { rowHeight, rowsInSight } from '../../renderer/views/insights/table-window.ts';

const colours: ChartColours = {
  text: '#111111',
  muted: '#777777',
  line: '#dddddd',
  surface: '#ffffff',
  accent: '#00aa00',
  ghost: '#aaaaaa',
  series: Array.from({ length: 8 }, (_, index) => `#00000${index}`),
  heat: Uint8ClampedArray.from({ length: 1024 }, (_, index) => (index % 4 === 3 ? 255 : index >> 2)),
  font: '11px "A & B", sans-serif',
  fontFamily: '"A & B", sans-serif',
};
const measure: Measure = (words, { size }) => [...words].length * size * 0.6;
const size = { width: 1000, height: 464 };
const hostile = ['<img src=x onerror=alert(1)>', '"&<>', "'/><script>alert(1)</script>", ']]>&#0;', 'a\0b\u001b[2J\ud800', 'line\nbreak'];

const paintedBy = (paint: Paint): string => {
  const surface = new SvgSurface(measure);
  paint(surface, size);
  return surface.document({ ...size, title: 't', description: 'd', fontFamily: colours.fontFamily, ground: '#ffffff' });
};
const numbersIn = (tag: string): Record<string, number> =>
  Object.fromEntries([...tag.matchAll(/ ([\w-]+)="(-?[\d.]+)"/g)].map(([, name, value]) => [name!, Number(value)]));
const rectsOf = (svg: string, fill: string) => (svg.match(new RegExp(`<rect [^>]*fill="${fill}"/>`, 'g')) ?? []).map(numbersIn);
const axes = { x: 'Step', y: 'Bytes' };
const condensed = (each: number): string => `mean of ${each}`;
const columnsOf = (stacks: number[][]): Columns => ({
  names: stacks.map((_, index) => String(index)),
  stacks,
  axes,
  condensed,
  formatTick: String,
});

/** Every tag must be one of these, with attributes that only draw. */
function expectOnlyShapes(svg: string): void {
  const tags = svg.match(/<[^>]*>/g)!;
  for (const tag of tags) {
    expect(tag).toMatch(/^<\/?(svg|title|desc|g|rect|path|circle|text|clipPath)[ />]/);
    expect(tag).not.toMatch(/ (on\w+|href|style|xlink:\w+)=/i);
  }
  const between = svg.replaceAll(/<[^>]*>/g, '');
  expect(between).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot|#39);)/);
  expect(svg).toMatch(/^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u);
}

describe('words in files', () => {
  it('are text, whatever they are', () => {
    expect(escaped('<img src=x onerror=alert(1)>')).toBe('&lt;img src=x onerror=alert(1)&gt;');
    expect(escaped('"&<>\'')).toBe('&quot;&amp;&lt;&gt;&#39;');
    expect(escaped('a\0b\u001b\ud800\uffff😀')).toBe('a\uFFFDb\uFFFD\uFFFD\uFFFD😀');
    const property = fc.property(fc.string({ unit: 'binary' }), (words) => {
      expect(escaped(words)).not.toMatch(/[<>"']|&(?!\w+;|#39;)|[\0-\x08]/);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('stay text in every place of a picture and of a report', () => {
    const chart: Heatmap = {
      columns: hostile,
      rows: hostile,
      cells: hostile.map(() => hostile.map((_, row) => row / 5)),
      axes: { x: hostile[0]!, y: hostile[1]! },
      condensed,
    };
    const grid = gridOf(chart, colours.heat);
    const picture: Picture = {
      names: hostile.slice(0, 2),
      note: hostile.join(' '),
      legend: hostile.map((label) => ({ label, colour: '#123456' })),
      paint: (surface, within) => paintHeatmap(surface, within, colours, chart, grid),
    };
    const table = { columns: hostile, rows: [hostile] };
    const svg = svgOf(picture, descriptionOf(hostile[0]!, table, String), colours, measure);
    expectOnlyShapes(svg);
    expect(svg).toContain('<title id="title">&lt;img src=x onerror=alert(1)&gt; – &quot;&amp;&lt;&gt;</title>');
    expect(svg).toMatch(/<desc id="description">&lt;img/);
    expect(svg).toContain('font-family="&quot;A &amp; B&quot;, sans-serif"');
    const head = { run: hostile[0]!, path: hostile[1]!, measured: hostile[2]!, command: hostile[3]!, more: String };
    const html = reportHtml(head, [{ title: hostile[0]!, note: hostile[2]!, table, description: hostile[1]!, picture }], colours, measure);
    expect(html.match(/<(img|script|svg)\b/g)).toEqual(['<img']);
    const source = /src="data:image\/svg\+xml,([^"]*)"/.exec(html)![1]!.replaceAll('&#39;', "'");
    expectOnlyShapes(decodeURIComponent(source));
  });
});

describe('a picture', () => {
  it('keeps its title, its note and its legend within itself, however long they are', () => {
    const long = `${'long-'.repeat(400)}end`;
    const legend = Array.from({ length: 30 }, (_, index) => ({ label: `${index} ${'label '.repeat(index)}`, colour: '#123456' }));
    const chart = columnsOf([[1], [2]]);
    const picture: Picture = {
      names: [long, 'words '.repeat(300)],
      note: 'note '.repeat(200),
      legend: [...legend, { label: long, colour: '#654321' }],
      paint: (surface, within) => paintColumns(surface, within, colours, { ...chart, names: [long, long], axes: { x: long, y: long } }),
    };
    const svg = svgOf(picture, 'd', colours, measure);
    const height = Number(/ height="(\d+)"/.exec(svg)![1]);
    const texts = [...svg.matchAll(/(<text [^>]*>)([^<]*)</g)];
    expect(texts.length).toBeGreaterThan(30);
    for (const [, tag, words] of texts) {
      const { x, y, 'font-size': letters } = numbersIn(tag!);
      const width = measure(words!, { size: letters!, bold: false });
      const left = tag!.includes('"end"') ? x! - width : tag!.includes('"middle"') ? x! - width / 2 : x!;
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + width).toBeLessThanOrEqual(pictureWidth);
      expect(y).toBeLessThan(height);
    }
    // No two entries of the legend lie on one another.
    const marks = rectsOf(svg, '#123456');
    expect(new Set(marks.map(({ x, y }) => `${x} ${y}`)).size).toBe(30);
  });

  it('has words cut in the middle, never between the halves of a letter', () => {
    const surface = new SvgSurface((words) => [...words].length);
    expect(fit(surface, 'abcdefghij', 10)).toBe('abcdefghij');
    expect(fit(surface, 'abcdefghij', 5)).toBe('ab…ij');
    expect(fit(surface, '😀'.repeat(9), 4)).toBe('😀😀…😀');
    expect(fit(surface, 'abc', 0)).toBe('…');
    expect(wrap(surface, 'aa bb cc dd', 5, 2)).toEqual(['aa bb', 'cc dd']);
    expect(wrap(surface, 'aa bb cc dd ee', 5, 2)).toEqual(['aa bb', 'cc…ee']);
    expect(wrap(surface, '', 5, 2)).toEqual([]);
  });
});

describe('columns', () => {
  it('are as high as what they stand for, and stand on one another', () => {
    const stacks = [[10, 30], [20, 0], [0, 80]]; // prettier-ignore
    const svg = paintedBy((surface, within) => paintColumns(surface, within, colours, columnsOf(stacks)));
    const [below, above] = [rectsOf(svg, colours.series[0]!), rectsOf(svg, colours.series[1]!)];
    expect([below.length, above.length]).toEqual([2, 2]);
    const pixels = above[1]!['height']! / 80;
    expect(below.map(({ height }) => height! / pixels)).toEqual([expect.closeTo(10, 1), expect.closeTo(20, 1)]);
    expect(above[0]!['height']! / pixels).toBeCloseTo(30, 1);
    expect(above[0]!['y']! + above[0]!['height']!).toBeCloseTo(below[0]!['y']!, 1);
    expect(svg).toContain('>Step<');
    expect(svg).toContain('>Bytes<');
  });

  it('say what they stand for where there are more than can be drawn', () => {
    const stacks = Array.from({ length: 100_000 }, (_, index) => [index % 2, 1]);
    const svg = paintedBy((surface, within) => paintColumns(surface, within, colours, columnsOf(stacks)));
    expect(rectsOf(svg, colours.series[1]!)).toHaveLength(mostColumns);
    expect(svg).toContain('>Step (mean of 98)<');
    const [half, whole] = [rectsOf(svg, colours.series[0]!)[0]!, rectsOf(svg, colours.series[1]!)[0]!];
    expect(half['height']! / whole['height']!).toBeCloseTo(0.5, 1);
  });
});

describe('a heatmap', () => {
  it('paints each cell where it belongs, and nothing where nothing is known', () => {
    const cells = [[0, 1], [undefined, 0.5], [0, 0]]; // prettier-ignore
    const chart: Heatmap = { columns: ['a', 'b', 'c'], rows: ['r', 's'], cells, axes, condensed };
    const grid = gridOf(chart, colours.heat);
    expect([...grid.shades]).toEqual([0, -1, 0, 255, 128, 0]);
    const svg = paintedBy((surface, within) => paintHeatmap(surface, within, colours, chart, grid));
    expect((/<path fill="#000000" d="([^"]*)"/.exec(svg)![1]!.match(/M/g) ?? []).length).toBe(3);
    const [, x, y] = /<path fill="#808080" d="M([\d.]+) ([\d.]+)h/.exec(svg)!.map(Number);
    const outline = numbersIn(/<rect [^>]*fill="none"[^>]*>/.exec(svg)![0]);
    expect(x).toBeCloseTo(outline['x']! + 0.5 + (outline['width']! - 1) / 3, 1);
    expect(y).toBeCloseTo(outline['y']! + 0.5 + (outline['height']! - 1) / 2, 1);
  });

  it('is never wider than a canvas can be: of very many steps a cell is the mean', () => {
    const columns = Array.from({ length: 100_000 }, (_, index) => String(index));
    const cells = columns.map((_, index) => [index % 2, undefined]);
    const grid = gridOf({ columns, rows: ['r', 's'], cells, axes, condensed }, colours.heat);
    expect([grid.columns, grid.rows]).toEqual([mostCells.columns, 2]);
    expect([...grid.shades.slice(0, grid.columns)].every((shade) => Math.abs(shade - 127.5) < 4)).toBe(true);
    expect([...grid.shades.slice(grid.columns)].every((shade) => shade === -1)).toBe(true);
  });
});

describe('lines', () => {
  const lines = (steps: number[], values: (number | null)[][]): Lines => ({
    steps,
    lines: values,
    top: 8,
    axes,
    formatStep: String,
    read: String,
  });
  const pathsOf = (svg: string): Point[][] =>
    [...svg.matchAll(/<path d="([^"]*)" fill="none"/g)].map(([, d]) => d!.slice(1).split(/[ML]/).map((at) => at.split(' ').map(Number) as [number, number])); // prettier-ignore

  it('go through their points, with gaps where nothing is known', () => {
    const svg = paintedBy(
      (surface, within) =>
      paintLines(surface, within, colours, lines([0, 10, 20, 30, 40], [[8, 0, null, 4, 4], [null, null, 2, null, null]])), // prettier-ignore
    );
    const [first, second] = pathsOf(svg);
    const [top, bottom] = [first![0]![1], first![1]![1]];
    expect(second!.map(([, y]) => y)).toEqual([(top + bottom) / 2, (top + bottom) / 2]);
    const [left, right] = [first![0]![0], second![1]![0]];
    expect((first![1]![0] - left) / (right - left)).toBeCloseTo(0.25, 4);
    expect(svg.match(/<circle/g)).toHaveLength(5);
    expect(svg).toContain('clip-path="url(#clip-1)"');
  });

  it('keep their peaks where there are a hundred thousand points', () => {
    const steps = Array.from({ length: 100_000 }, (_, index) => index);
    const values = steps.map((step) => (step === 54_321 ? 8 : step % 7 === 0 ? 3 : 4));
    const svg = paintedBy((surface, within) => paintLines(surface, within, colours, lines(steps, [values])));
    const [points] = pathsOf(svg);
    expect(points!.length).toBeLessThan(4 * size.width);
    const highest = points!.toSorted((a, b) => a[1] - b[1])[0]!;
    const share = (highest[0] - points![0]![0]) / (points!.at(-1)![0] - points![0]![0]);
    expect(share).toBeCloseTo(0.54321, 4);
  });

  it('stand in the middle where there is one step', () => {
    expect(paintedBy((surface, within) => paintLines(surface, within, colours, lines([7], [[4]])))).toContain('<circle');
    expect(ticksBetween(7, 7, 5)).toEqual([7]);
    expect(ticksBetween(400, 2400, 5)).toEqual([500, 1000, 1500, 2000]);
  });
});

describe('condensing', () => {
  it('takes everything once, in order, in groups of about the same size', () => {
    const property = fc.property(fc.nat(5000), fc.integer({ min: 1, max: 300 }), (count, most) => {
      const groups = groupsOf(count, most);
      expect(groups.length).toBe(Math.min(count, most));
      expect(groups.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index))).toEqual(Array.from({ length: count }, (_, index) => index)); // prettier-ignore
      const sizes = groups.map(({ start, end }) => end - start);
      if (count > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('knows means and largest values of long lists', () => {
    expect(meanOf([1, undefined, 3])).toBe(2);
    expect(meanOf([undefined])).toBeUndefined();
    expect(largestOf(Array.from({ length: 1_000_000 }, (_, index) => index))).toBe(999_999);
    expect(largestOf([], 1)).toBe(1);
  });

  it('keeps of a line the first, lowest, highest and last point of each pixel', () => {
    const points: Point[] = [[0.1, 5], [0.2, 9], [0.3, 1], [0.4, 4], [0.9, 6], [1.1, 2]]; // prettier-ignore
    expect(thinned(points)).toEqual([[0.1, 5], [0.2, 9], [0.3, 1], [0.9, 6], [1.1, 2]]); // prettier-ignore
    expect(thinned([])).toEqual([]);
  });
});

describe('long tables', () => {
  it('have the rows in sight, wherever they are scrolled to', () => {
    expect(rowsInSight(400, 5000, 264)).toEqual({ first: 0, end: 400 });
    for (const scrolled of [0, 1000, 1_100_000, 2_199_000, 1e9]) {
      const { first, end } = rowsInSight(100_000, scrolled, 264);
      const seen = Math.min(99_999, Math.floor(scrolled / rowHeight));
      expect(first).toBeLessThanOrEqual(seen);
      expect(end).toBeGreaterThan(seen);
      expect(end - first).toBeLessThan(100);
    }
  });

  it('are cut in a report, which says so', () => {
    const table = { columns: ['Step', 'Bits'], rows: Array.from({ length: 5000 }, (_, step) => [step, step / 2]) };
    const picture: Picture = { names: ['p'], note: '', legend: [], paint: () => undefined };
    const head = { run: 'r', path: '/r', measured: '', command: '', more: (rows: number) => `${rows} more & all in CSV` };
    const html = reportHtml(head, [{ title: 't', note: 'n', table, description: 'd', picture }], colours, measure);
    expect(html.match(/<tr>/g)).toHaveLength(2001);
    expect(html).toContain('<p>3000 more &amp; all in CSV</p>');
  });
});
