/** The study's figures as tables, one a chart: what is drawn, what a screen reader reads and what CSV holds are the same. Pure. */
import type { EngineComparison, KindMeasures, RunOutline, StepMeasures } from '../../../core/contract/model.ts';
import { largestOf } from './condense.ts';
import { fitOctaves, type Fit } from './generalised-gaussian.ts';
import { text } from '../../ui/text.ts';

const named = text.insights.columns;

export type Cell = string | number | undefined;

export interface Table {
  columns: string[];
  rows: Cell[][];
}

/** Names of an element's fields by dtype: exponent and mantissa widths. */
const floatFields: Record<string, [exponent: number, mantissa: number]> = {
  F16: [5, 10],
  BF16: [8, 7],
  F32: [8, 23],
  F64: [11, 52],
  F8_E4M3: [4, 3],
  F8_E5M2: [5, 2],
};

export type Field = 'sign' | 'exponent' | 'mantissa';

export const dtypeOf = (kind: string): string => kind.slice(kind.lastIndexOf(' ') + 1);

/** What a bit says in numbers of the kind's dtype; undefined for integers. */
export function fieldOf(kind: string, bit: number): Field | undefined {
  const fields = floatFields[dtypeOf(kind)];
  if (!fields) return undefined;
  const [exponent, mantissa] = fields;
  if (bit < mantissa) return 'mantissa';
  return bit < mantissa + exponent ? 'exponent' : 'sign';
}

/** All kinds measured, those of most elements first, weights before others. */
export function kindsOf(measures: readonly StepMeasures[]): string[] {
  const elements = new Map<string, number>();
  for (const { kinds } of measures) for (const kind of kinds) elements.set(kind.kind, (elements.get(kind.kind) ?? 0) + kind.elements);
  const rank = (kind: string): number => (kind.startsWith('weights ') ? 1 : 0);
  return [...elements].sort((a, b) => rank(b[0]) - rank(a[0]) || b[1] - a[1]).map(([kind]) => kind);
}

const ofKind = (measures: readonly StepMeasures[], kind: string): { step: number; measures: KindMeasures }[] =>
  measures.flatMap(({ step, kinds }) => kinds.filter((one) => one.kind === kind).map((one) => ({ step, measures: one })));

export function sizesTable(outline: RunOutline): Table {
  const rows = outline.steps.flatMap(({ step, bytesOriginal, stored }) =>
    stored ? [[step, stored.weights, stored.optimizer, stored.other, bytesOriginal]] : [],
  );
  return { columns: [named.step, named.weights, named.optimizer, named.other, named.original], rows };
}

/** Planes from the most significant byte down. */
export function entropyTable(measures: readonly StepMeasures[], kind: string): Table {
  const found = ofKind(measures, kind);
  const planes = largestOf(found.map((one) => one.measures.planes.length));
  const order = Array.from({ length: planes }, (_, index) => planes - 1 - index);
  return {
    columns: [named.step, ...order.map(named.byte)],
    rows: found.map((one) => [one.step, ...order.map((plane) => one.measures.planes[plane])]),
  };
}

/** Bits from the most significant down; steps with nothing before them are left out. */
export function flipsTable(measures: readonly StepMeasures[], kind: string): Table {
  const found = ofKind(measures, kind).filter((one) => one.measures.flips);
  const bits = largestOf(found.map((one) => one.measures.flips!.length));
  const order = Array.from({ length: bits }, (_, index) => bits - 1 - index);
  return {
    columns: [named.step, ...order.map(named.bit)],
    rows: found.map((one) => [one.step, ...order.map((bit) => one.measures.flips![bit])]),
  };
}

export type ChangeMetric = 'changed' | 'meanChange';

const natural = new Intl.Collator('en', { numeric: true }).compare;

/** One row a step, one column a layer in natural order. */
export function layersTable(measures: readonly StepMeasures[], metric: ChangeMetric): Table {
  const compared = measures.filter(({ layers }) => layers.some((layer) => layer[metric] !== undefined));
  const layers = [...new Set(compared.flatMap((step) => step.layers.map(({ layer }) => layer)))].sort(natural);
  const rows = compared.map(({ step, layers: found }) => {
    const byName = new Map(found.map((layer) => [layer.layer, layer[metric]]));
    return [step, ...layers.map((layer) => byName.get(layer))];
  });
  return { columns: [named.step, ...layers], rows };
}

const bias = 127;

/** Names of the rows beside the powers of two. */
export const zeroRow = 'zero';
const specialRow = '∞';

/** Of one step: elements by power of two, from the first to the last that occur; zero and special values by name. */
export function exponentsTable(measures: StepMeasures | undefined, kind: string): Table {
  const counts = measures?.kinds.find((one) => one.kind === kind)?.exponents ?? [];
  const total = counts.reduce((sum, count) => sum + count, 0);
  const share = (count: number): number => (total === 0 ? 0 : count / total);
  const inner = counts.slice(1, 255);
  const first = inner.findIndex((count) => count > 0);
  const last = inner.findLastIndex((count) => count > 0);
  const rows: Cell[][] =
    first < 0 ? [] : inner.slice(first, last + 1).map((count, index) => [String(first + 1 + index - bias), count, share(count)]);
  if (counts[0]) rows.unshift([zeroRow, counts[0], share(counts[0])]);
  if (counts[255]) rows.push([specialRow, counts[255], share(counts[255])]);
  return { columns: [named.exponent, named.elements, named.share], rows };
}

/** Worse than this is no fit. */
const largestDistance = 0.25;

/** Adds what a generalised Gaussian fitted to the powers of two gives to each; the same table where none fits. */
export function withFit(table: Table): { table: Table; fit?: Fit } {
  const isOctave = ([name]: Cell[]): boolean => name !== zeroRow && name !== specialRow;
  const octaves = table.rows.filter(isOctave);
  const whole = octaves.reduce((sum, row) => sum + Number(row[2]), 0);
  const first = Number(octaves[0]?.[0]);
  const shares = octaves.map((row) => Number(row[2]) / whole);
  const fit = fitOctaves(shares, first);
  if (!fit || fit.distance > largestDistance) return { table };
  const rows = table.rows.map((row) => [...row, isOctave(row) ? fit.shares[octaves.indexOf(row)]! * whole : undefined]);
  return { table: { columns: [...table.columns, named.fitted], rows }, fit };
}

const mebibyte = 2 ** 20;

export function enginesTable(comparison: EngineComparison | undefined, kind: string): Table {
  const results = (comparison?.results ?? []).filter((result) => result.kind === kind);
  return {
    columns: [named.engine, named.mode, named.original, named.stored, named.ratio, named.rateIn, named.rateOut],
    rows: results.map(({ engine, mode, bytesOriginal, bytesStored, encodeSeconds, decodeSeconds }) => [
      ...[engine, mode, bytesOriginal, bytesStored, bytesOriginal / bytesStored],
      ...[encodeSeconds, decodeSeconds].map((seconds) => bytesOriginal / mebibyte / seconds),
    ]),
  };
}

/** Dotted names without the words that all of them begin with; whole where nothing would be left. */
export function withoutCommonPrefix(names: readonly string[]): string[] {
  const words = names.map((name) => name.split('.'));
  const shortest = words.reduce((least, parts) => Math.min(least, parts.length), Infinity);
  let shared = 0;
  while (names.length > 1 && shared < shortest - 1 && words.every((parts) => parts[shared] === words[0]![shared])) shared++;
  return words.map((parts) => parts.slice(shared).join('.'));
}

/** RFC 4180: CRLF, quotes where a cell needs them. A cell that a spreadsheet would take for a formula is made text. */
export function toCsv({ columns, rows }: Table): string {
  const cell = (value: Cell): string => {
    if (typeof value !== 'string') return value === undefined ? '' : String(value);
    const safe = /^[=+@\t]/.test(value) || /^-\D/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** A cell as people read it: four significant digits where it is no whole number. */
export function formatCell(value: Cell): string {
  if (value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toPrecision(4);
}

/** Up to `most` round values from 0 to `top` or a little above, in steps of 1, 2 or 5; in powers of two for bytes. */
export function ticksTo(top: number, most: number, base: 2 | 10 = 10): number[] {
  if (!(top > 0)) return [0];
  const raw = top / most;
  const power = base ** Math.floor(Math.log(raw) / Math.log(base));
  const step = base === 2 ? 2 ** Math.ceil(Math.log2(raw)) : power * [1, 2, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9))!;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, index) => index * step);
}
