/** What Insights draws and saves: the tables behind its charts. */
import { describe, expect, it } from 'vitest';
import type { StepMeasures } from '../../core/contract/model.ts';
import { octaveShares } from '../../renderer/views/insights/generalised-gaussian.ts';
import * as tables from '../../renderer/views/insights/insight-tables.ts';

const exponents = (counts: Record<number, number>): number[] => Array.from({ length: 256 }, (_, bin) => counts[bin] ?? 0);

const first: StepMeasures = {
  step: 100,
  from: 'originals',
  bytesTotal: 40,
  bytesSampled: 40,
  kinds: [
    { kind: 'exp_avg F32', elements: 90, planes: [8, 8, 7, 3] },
    { kind: 'weights BF16', elements: 10, planes: [7.5, 2.5], exponents: exponents({ 0: 1, 120: 6, 122: 2, 255: 1 }) },
  ],
  layers: [
    { layer: 'model.layers.10', elements: 5 },
    { layer: 'model.layers.2', elements: 5 },
  ],
};
const second: StepMeasures = {
  ...first,
  step: 200,
  against: 100,
  kinds: [
    {
      kind: 'weights BF16',
      elements: 10,
      planes: [7.5, 2.25],
      flips: [0.5, ...new Array<number>(14).fill(0.25), 0],
      changed: 0.75,
      meanChange: 1e-4,
    },
  ],
  layers: [
    { layer: 'model.layers.10', elements: 5, changed: 0.5, meanChange: 2e-5 },
    { layer: 'model.layers.2', elements: 5, changed: 1 },
  ],
};
const both = [first, second];

describe('tables of the study', () => {
  it('put weights before what has more elements', () => {
    expect(tables.kindsOf(both)).toEqual(['weights BF16', 'exp_avg F32']);
  });

  it('name planes and bits by their place, the most significant first', () => {
    expect(tables.entropyTable(both, 'weights BF16')).toEqual({ columns: ['Step', 'Byte 1', 'Byte 0'], rows: [[100, 2.5, 7.5], [200, 2.25, 7.5]] }); // prettier-ignore
    const flips = tables.flipsTable(both, 'weights BF16');
    expect(flips.columns.slice(0, 2)).toEqual(['Step', 'Bit 15']);
    expect(flips.rows).toEqual([[200, 0, ...new Array<number>(14).fill(0.25), 0.5]]);
    expect([15, 14, 7, 6, 0].map((bit) => tables.fieldOf('weights BF16', bit))).toEqual([
      'sign',
      'exponent',
      'exponent',
      'mantissa',
      'mantissa',
    ]);
    expect(tables.fieldOf('other I64', 63)).toBeUndefined();
  });

  it('leave out steps with nothing before them, put layers in natural order, and leave what is unknown empty', () => {
    expect(tables.layersTable(both, 'changed')).toEqual({ columns: ['Step', 'model.layers.2', 'model.layers.10'], rows: [[200, 1, 0.5]] });
    expect(tables.layersTable(both, 'meanChange').rows).toEqual([[200, undefined, 2e-5]]);
    expect(tables.layersTable([first], 'changed').rows).toEqual([]);
  });

  it('show exponents from the first to the last that occur, and special values beside them', () => {
    expect(tables.exponentsTable(first, 'weights BF16').rows).toEqual([['zero', 1, 0.1], ['-7', 6, 0.6], ['-6', 0, 0], ['-5', 2, 0.2], ['∞', 1, 0.1]]); // prettier-ignore
    expect(tables.exponentsTable(first, 'exp_avg F32').rows).toEqual([]);
    expect(tables.exponentsTable(undefined, 'weights BF16').rows).toEqual([]);
  });

  it('add a fitted share where one fits, and only to powers of two', () => {
    const counts: Record<number, number> = { 0: 10 };
    octaveShares(0.02, 2, -14, 14).forEach((share, index) => (counts[127 - 14 + index] = Math.round(share * 990)));
    const weights = { ...first, kinds: [{ kind: 'weights BF16', elements: 1000, planes: [], exponents: exponents(counts) }] };
    const { table, fit } = tables.withFit(tables.exponentsTable(weights, 'weights BF16'));
    expect(fit!.shape).toBeCloseTo(2, 1);
    expect(table.columns.at(-1)).toBe('Fitted share');
    expect([table.rows[0]![0], table.rows[0]![3]]).toEqual(['zero', undefined]);
    for (const row of table.rows.slice(1)) expect(Math.abs(Number(row[3]) - Number(row[2]))).toBeLessThan(0.005);
    const unlike = tables.exponentsTable(first, 'weights BF16');
    expect(tables.withFit(unlike)).toEqual({ table: unlike });
  });

  it('take sizes of archived steps only', () => {
    const stored = { weights: 5, optimizer: 2, other: 1 };
    const steps = [{ step: 1, bytesOriginal: 10, onDisk: true }, { step: 2, bytesOriginal: 10, onDisk: false, stored }]; // prettier-ignore
    expect(tables.sizesTable({ id: 'r', name: 'r', path: '/r', steps }).rows).toEqual([[2, 5, 2, 1, 10]]);
  });

  it('are saved so that neither commas nor formulas do harm', () => {
    const table = { columns: ['Name', 'Value'], rows: [['a,b "c"', 1.5], ['=HYPERLINK(1)', undefined], ['-7', 1e-7]] }; // prettier-ignore
    expect(tables.toCsv(table)).toBe('Name,Value\r\n"a,b ""c""",1.5\r\n\'=HYPERLINK(1),\r\n-7,1e-7\r\n');
  });
});

describe('axes', () => {
  it('begin at zero, are round and reach the top', () => {
    expect(tables.ticksTo(0.27, 4)).toEqual([0, 0.1, 0.2, 0.30000000000000004]);
    expect(tables.ticksTo(2.77, 5)).toEqual([0, 1, 2, 3]);
    expect(tables.ticksTo(3.9 * 2 ** 20, 4, 2)).toEqual([0, 1, 2, 3, 4].map((count) => count * 2 ** 20));
    expect(tables.ticksTo(0, 4)).toEqual([0]);
  });

  it('name layers without what all names share', () => {
    expect(tables.withoutCommonPrefix(['model.layers.0', 'model.layers.1', 'model.norm'])).toEqual(['layers.0', 'layers.1', 'norm']);
    expect(tables.withoutCommonPrefix(['lm_head'])).toEqual(['lm_head']);
    expect(tables.withoutCommonPrefix(['a.b', 'a.b.c'])).toEqual(['b', 'b.c']);
    expect(tables.withoutCommonPrefix([])).toEqual([]);
  });
});

describe('tables of a hundred and fifty thousand steps', () => {
  it('are made without running out of stack', () => {
    const many = Array.from({ length: 150_000 }, (_, step) => ({ ...second, step }));
    expect(tables.entropyTable(many, 'weights BF16').rows).toHaveLength(150_000);
    expect(tables.flipsTable(many, 'weights BF16').columns).toHaveLength(17);
    expect(tables.withoutCommonPrefix(many.map(({ step }) => `model.layers.${step}`))[7]).toBe('7');
  });
});
