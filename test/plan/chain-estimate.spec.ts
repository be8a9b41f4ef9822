/** How the rest of a chain would be archived, and what it would take, from what is known of some of its steps. */
import { describe, expect, it } from 'vitest';
import { estimateSteps, measuredRatios, plannedSteps, type ChainStep } from '../../core/plan/chain-estimate.ts';

const step = (number: number, archived?: ChainStep['archived']): ChainStep => ({
  step: number,
  bytesOriginal: 1000,
  ...(archived ? { archived } : {}),
});
const kindsOf = (steps: readonly { kind: string; depth: number }[]): string =>
  steps.map(({ kind, depth }) => `${kind[0]}${depth}`).join(' ');

describe('the steps that are left', () => {
  it('are a keyframe and deltas until the chain is as deep as it may be', () => {
    const chain = Array.from({ length: 12 }, (_, index) => step(index));
    expect(kindsOf(plannedSteps(chain))).toBe('k0 d1 d2 d3 d4 d5 d6 d7 d8 k0 d1 d2');
    expect(kindsOf(plannedSteps(chain, 2))).toBe('k0 d1 d2 k0 d1 d2 k0 d1 d2 k0 d1 d2');
    expect(plannedSteps(chain)[3]).toMatchObject({ step: 3, before: 2 });
  });

  it('go on where the archived ones end', () => {
    const chain = [step(1, { depth: 6, bytesStored: 400 }), step(2), step(3), step(4), step(5, { depth: 0, bytesStored: 600 }), step(6)];
    expect(plannedSteps(chain).map(({ step: number, kind, depth }) => [number, kind, depth])).toEqual([
      [2, 'delta', 7],
      [3, 'delta', 8],
      [4, 'keyframe', 0],
      [6, 'delta', 1],
    ]);
    expect(plannedSteps([])).toEqual([]);
  });
});

describe('ratios of what is archived', () => {
  const keyframe = step(1, { depth: 0, bytesStored: 700 });

  it('are taken once there are a keyframe and two deltas', () => {
    expect(measuredRatios([keyframe, step(2, { depth: 1, bytesStored: 500 }), step(3)])).toEqual([]);
    expect(measuredRatios([step(2, { depth: 1, bytesStored: 5 }), step(3, { depth: 2, bytesStored: 5 })])).toEqual([]);
    expect(measuredRatios([keyframe, step(2, { depth: 1, bytesStored: 500 }), step(3, { depth: 2, bytesStored: 300 })])).toEqual([
      { step: 1, kind: 'keyframe', ratio: 0.7 },
      { step: 2, kind: 'delta', ratio: 0.5 },
      { step: 3, kind: 'delta', ratio: 0.3 },
    ]);
  });

  it('are those of the last deltas', () => {
    const deltas = Array.from({ length: 20 }, (_, index) => step(index + 2, { depth: 1, bytesStored: 500 }));
    expect(measuredRatios([keyframe, ...deltas]).map((one) => one.step)).toEqual([1, 14, 15, 16, 17, 18, 19, 20, 21]);
  });
});

describe('an estimate', () => {
  it('takes for each step the nearest one of its kind', () => {
    const ratios = [
      { step: 1, kind: 'keyframe' as const, ratio: 0.7 },
      { step: 2, kind: 'delta' as const, ratio: 0.5 },
      { step: 10, kind: 'delta' as const, ratio: 0.25 },
    ];
    const planned = plannedSteps([1, 3, 9, 11].map((number) => step(number)));
    expect(estimateSteps(planned, ratios)).toBe(700 + 500 + 250 + 250);
  });

  it('promises no delta that was not seen, and nothing at all where nothing was', () => {
    const planned = plannedSteps([step(1), step(2)]);
    expect(estimateSteps(planned, [{ step: 1, kind: 'keyframe', ratio: 0.7 }])).toBe(1400);
    expect(estimateSteps(planned, [])).toBe(2000);
  });
});
