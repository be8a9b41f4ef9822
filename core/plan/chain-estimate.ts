/** What the rest of a chain would take, from what some of its steps take. No I/O. */
import { defaultMaxDepth } from './planner.ts';

/** A step of a run, ascending; `depth` and `bytesStored` where it is archived. */
export interface ChainStep {
  step: number;
  bytesOriginal: number;
  archived?: { depth: number; bytesStored: number };
}

export type ChainKind = 'keyframe' | 'delta';

/** A step that is to be archived, and how: against the one before it, if there is one that isn't too deep. */
export interface PlannedStep extends ChainStep {
  kind: ChainKind;
  depth: number;
  /** Index in the chain of the step it is taken against. */
  before?: number;
}

/** Stored over original bytes of a step that was measured. */
export interface StepRatio {
  step: number;
  kind: ChainKind;
  ratio: number;
}

/** The steps that are not archived, in the order in which they will be. */
export function plannedSteps(chain: readonly ChainStep[], maxDepth = defaultMaxDepth): PlannedStep[] {
  const planned: PlannedStep[] = [];
  let depth: number | undefined;
  chain.forEach((step, index) => {
    const isDelta = depth !== undefined && depth < maxDepth;
    if (step.archived) depth = step.archived.depth;
    else {
      depth = isDelta ? depth! + 1 : 0;
      planned.push({ ...step, kind: isDelta ? 'delta' : 'keyframe', depth, ...(isDelta ? { before: index - 1 } : {}) });
    }
  });
  return planned;
}

const fewestDeltas = 2;
const mostDeltas = 8;

/**
 * Ratios of a run's own snapshots, if they say enough of it: a keyframe and two deltas at least. Of the deltas the last
 * ones, because changes become smaller as training goes on.
 */
export function measuredRatios(chain: readonly ChainStep[]): StepRatio[] {
  const all = chain.flatMap(({ step, bytesOriginal, archived }): StepRatio[] => {
    if (!archived || bytesOriginal === 0) return [];
    return [{ step, kind: archived.depth > 0 ? 'delta' : 'keyframe', ratio: archived.bytesStored / bytesOriginal }];
  });
  const [keyframes, deltas] = [all.filter(({ kind }) => kind === 'keyframe'), all.filter(({ kind }) => kind === 'delta')];
  return keyframes.length > 0 && deltas.length >= fewestDeltas ? [...keyframes, ...deltas.slice(-mostDeltas)] : [];
}

/** Each step by the nearest one of its kind that was measured; where there is none of its kind, by the nearest at all. */
export function estimateSteps(planned: readonly PlannedStep[], ratios: readonly StepRatio[]): number {
  return planned.reduce((sum, { step, kind, bytesOriginal }) => {
    const alike = ratios.filter((one) => one.kind === kind);
    const nearest = (alike.length > 0 ? alike : ratios).reduce<StepRatio | undefined>(
      (best, one) => (best && Math.abs(best.step - step) <= Math.abs(one.step - step) ? best : one),
      undefined,
    );
    return sum + Math.ceil(bytesOriginal * (nearest?.ratio ?? 1));
  }, 0);
}
