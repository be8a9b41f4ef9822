/** The colours of layers that change: what changed nothing has none, and the legend only says what occurs. */
import { describe, expect, it } from 'vitest';
import { shadingOf } from '../../renderer/views/insights/layer-shades.ts';

const table = (...rows: (number | undefined)[][]) => ({ columns: [], rows: rows.map((row, index) => [index, ...row]) });

describe('shades of layers', () => {
  it('go from the least to the most that changed', () => {
    const { shadeOf, marks } = shadingOf(table([0.2, undefined], [0.6, 0.4]), 'changed');
    expect([0.2, 0.4, 0.6].map(shadeOf)).toEqual([0, expect.closeTo(0.5), 1]);
    expect(marks.map(({ value }) => value)).toEqual([0.2, expect.closeTo(0.4), 0.6]);
  });

  it.each(['changed', 'meanChange'] as const)('have no colour where nothing changed (%s)', (metric) => {
    const { shadeOf, marks } = shadingOf(table([0, 0]), metric);
    expect(shadeOf(0)).toBe(0);
    expect(marks).toEqual([{ value: 0, shade: 0 }]);
  });

  it.each(['changed', 'meanChange'] as const)('have one where all changed the same (%s)', (metric) => {
    expect(shadingOf(table([0.25], [0.25]), metric).marks).toEqual([{ value: 0.25, shade: 1 }]);
  });

  it('say nothing where nothing is known', () => {
    expect(shadingOf(table([undefined], [Number.NaN, Infinity]), 'meanChange').marks).toEqual([]);
    expect(shadingOf(table(), 'changed').marks).toEqual([]);
  });

  it('are logarithmic for means, and the smallest is told from none', () => {
    const { shadeOf, marks } = shadingOf(table([0, 1e-6, 1e-4, 1e-2]), 'meanChange');
    expect(shadeOf(0)).toBe(0);
    expect(shadeOf(1e-6)).toBeGreaterThan(0.05);
    expect(shadeOf(1e-4)).toBeCloseTo((shadeOf(1e-6) + 1) / 2, 9);
    expect(marks.map(({ value }) => value)).toEqual([1e-6, expect.closeTo(1e-4, 9), 1e-2]);
    for (const { value, shade } of marks) expect(Number.isFinite(value) && shade >= 0 && shade <= 1).toBe(true);
  });
});
