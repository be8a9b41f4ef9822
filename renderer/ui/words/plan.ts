/** What the plan of an archive says. */
import { count } from './count.ts';

export const plan = {
  title: (name: string) => `Archive ${name}`,
  planning: 'Reading headers and estimating…',
  original: 'Original',
  estimated: 'Estimated',
  saved: 'Would save',
  free: 'Free on the store’s disk',
  tight: 'The estimate does not fit on the disk. Free some space or choose fewer steps.',
  nothing: 'Nothing to archive: every step listed is archived already or not complete.',
  start: (n: number) => `Archive ${count(n, 'step')}`,
  columns: { step: 'Step', action: 'Plan', original: 'Original', estimated: 'Estimate', ratio: 'Ratio' },
  skip: 'Skip',
  keyframe: 'Keyframe',
  delta: (depth: number) => `Delta, depth ${depth}`,
  table: 'Planned steps',
};
