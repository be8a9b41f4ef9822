import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../core/contract/model.ts';
import { columnAt, keyOfStep, layCurve, layOut, rangesOf, standingOf, type Space } from '../../renderer/ui/chain/chain-geometry.ts';
import { columnsInSight, densePaths, isDense } from '../../renderer/ui/chain/chain-sight.ts';

const time = '2026-11-21T00:00:00Z';
const space: Space = { width: 1000, plotHeight: 180, zoom: 1, hasLosses: false };

function checkpoint(step: number, state: 'complete' | 'incomplete' | 'being-written' | 'damaged' = 'complete'): Step['checkpoint'] {
  return { path: `/r/step-${step}`, step, files: 1, bytes: 1000, modified: time, state, stepFrom: 'name', formats: [], parts: [] };
}

function archived(step: number, depth: number, base?: number): Step {
  const snapshot = {
    id: `id-${step}`,
    run: 'r',
    runPath: '/r',
    step,
    path: `step-${step}`,
    time,
    created: time,
    kind: depth === 0 ? ('keyframe' as const) : ('delta' as const),
    depth,
    files: 1,
    tensors: 1,
    bytesOriginal: 1000,
    bytesStored: depth === 0 ? 600 : 300,
    method: 'cairn' as const,
    sealed: true,
    pinned: false,
    ...(base === undefined ? {} : { base: `id-${base}` }),
  };
  return { step, checkpoint: checkpoint(step), snapshot };
}

const chainOf = (length: number): Step[] =>
  Array.from({ length }, (_, index) => archived(index * 100, index % 9, index % 9 === 0 ? undefined : (index - 1) * 100));

describe('a chain laid out', () => {
  it.each([1, 7, 30, 500])('keeps %d steps side by side within the space', (length) => {
    const { columns, pitch, barWidth, width } = layOut(chainOf(length), space);
    expect(columns).toHaveLength(length);
    expect(width).toBe(space.width);
    expect(barWidth).toBeLessThanOrEqual(pitch);
    expect((columns.at(-1)?.x ?? 0) + barWidth / 2).toBeLessThanOrEqual(space.width);
    for (const [index, column] of columns.entries()) if (index > 0) expect(column.x - (columns[index - 1]?.x ?? 0)).toBeCloseTo(pitch, 6);
  });

  it('draws sizes in proportion, from zero', () => {
    const [keyframe, delta] = layOut(chainOf(2), space).columns;
    expect(keyframe?.originalHeight).toBe(180);
    expect(keyframe?.storedHeight).toBeCloseTo(108);
    expect(delta?.storedHeight).toBeCloseTo(54);
  });

  it('lifts a stone by its depth and ties it to its base', () => {
    const { columns } = layOut(chainOf(3), space);
    expect(columns.map((column) => column.baseIndex)).toEqual([undefined, 0, 1]);
    const [first = 0, second = 0, third = 0] = columns.map((column) => column.stoneY ?? 0);
    expect(first - second).toBeCloseTo(second - third);
    expect(second).toBeLessThan(first);
  });

  it('marks a gap where steps are missing, and none in an even chain', () => {
    const steps = [200, 400, 1200, 1400].map((step) => archived(step, 0));
    expect(layOut(steps, space).gaps).toMatchObject([{ from: 400, to: 1200 }]);
    expect(layOut(chainOf(7), space).gaps).toEqual([]);
  });

  it('labels do not touch', () => {
    for (const length of [1, 7, 30, 500]) {
      const { labels } = layOut(chainOf(length), space);
      expect(labels.length).toBeGreaterThan(0);
      for (const [index, label] of labels.entries()) if (index > 0) expect(label.x - (labels[index - 1]?.x ?? 0)).toBeGreaterThan(34);
    }
  });

  it('is wider than the page when it is zoomed', () => {
    expect(layOut(chainOf(500), { ...space, zoom: 4 }).width).toBeGreaterThan(3000);
  });

  it('finds every column under its own middle, and none beside them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 200, max: 3000 }), (length, width) => {
        const geometry = layOut(chainOf(length), { ...space, width });
        for (const column of geometry.columns) expect(columnAt(geometry, column.x)).toBe(column.index);
        expect(columnAt(geometry, 0)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });
});

describe('what a step is', () => {
  it.each(['incomplete', 'being-written', 'damaged'] as const)('%s is shown as such', (state) =>
    expect(standingOf({ step: 1, checkpoint: checkpoint(1, state) })).toBe(state),
  );

  it('an archived step is sealed only when the service says so', () => {
    const step = archived(1, 0);
    expect(standingOf(step)).toBe('sealed');
    expect(standingOf({ ...step, snapshot: { ...step.snapshot!, sealed: false } })).toBe('archived');
    expect(standingOf({ step: 1, checkpoint: checkpoint(1) })).toBe('todo');
  });

  it('two folders with the same step have keys of their own', () => {
    const other = { step: 1, checkpoint: { ...checkpoint(1)!, path: '/r/again/step-1' } };
    expect(keyOfStep({ step: 1, checkpoint: checkpoint(1) })).not.toBe(keyOfStep(other));
  });
});

describe('the loss curve', () => {
  const geometry = layOut(chainOf(10), { ...space, hasLosses: true });

  it('keeps its extremes and stays within the plot', () => {
    const losses = Array.from({ length: 5000 }, (_, index) => ({ step: index * 0.18, loss: 5 - index / 2000 + (index === 1234 ? 3 : 0) }));
    const curve = layCurve(geometry, losses);
    expect(curve?.highest).toBeCloseTo(5 - 1234 / 2000 + 3);
    const ys = [...(curve?.path.matchAll(/[ML]\S+ ([\d.]+)/g) ?? [])].map((match) => Number(match[1]));
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(geometry.plotTop);
    expect(Math.max(...ys)).toBeLessThanOrEqual(geometry.ground);
    expect(Math.min(...ys)).toBeCloseTo(curve?.yOf(curve.highest) ?? NaN, 0);
  });

  it('is absent where there is nothing to connect', () => {
    expect(layCurve(geometry, [{ step: 100, loss: 2 }])).toBeUndefined();
    expect(layCurve(layOut([], space), [])).toBeUndefined();
  });

  it('leaves out what lies beyond the chain', () => {
    const curve = layCurve(geometry, [
      { step: 100, loss: 2 },
      { step: 200, loss: 1 },
      { step: 1e9, loss: 50 },
    ]);
    expect(curve?.highest).toBe(2);
  });
});

it('ranges join neighbours, in any order', () => {
  expect(rangesOf([5, 1, 2, 3, 9, 8])).toEqual([
    { from: 1, to: 3 },
    { from: 5, to: 5 },
    { from: 8, to: 9 },
  ]);
});

describe('a long chain', () => {
  it.each([20_000, 200_000])('of %d steps is laid out, and drawn as a handful of shapes', (length) => {
    const geometry = layOut(chainOf(length), space);
    expect(isDense(geometry)).toBe(true);
    const paths = densePaths(geometry);
    expect(Object.keys(paths).sort()).toEqual(['delta', 'keyframe', 'original']);
    // At most one bar a pixel, and every pixel of the chain has one.
    const bars = paths.original!.split('M').slice(1);
    expect(bars.length).toBeLessThanOrEqual(space.width);
    expect(bars.length).toBeGreaterThan(900);
    expect(paths.keyframe).toContain('v-108.0');
    expect(paths.delta).toContain('v-54.0');
  });

  it('hides no step that is not whole among thousands that are', () => {
    const chain = chainOf(5000);
    chain[2345] = { step: 234_500, checkpoint: checkpoint(234_500, 'damaged') };
    const x = Math.round(layOut(chain, space).columns[2345]!.x - 0.5);
    expect(densePaths(layOut(chain, space)).damaged).toContain(`M${x} `);
  });

  it('zoomed in has the columns in sight, some beside them, and the active one', () => {
    const geometry = layOut(chainOf(5000), { ...space, zoom: 64 });
    expect(isDense(geometry)).toBe(false);
    const drawn = columnsInSight(geometry, 5000, 6000, 3);
    expect(drawn.length).toBeLessThan(1000);
    expect(drawn.at(-1)!.index).toBe(3);
    for (const column of geometry.columns) if (column.x >= 5000 && column.x <= 6000) expect(drawn).toContain(column);
  });
});
