/** What the comparison of two snapshots says. */
import type { DiffTensor } from '../../../core/contract/model.ts';

export const compare = {
  name: 'Compare',
  start: 'Compare',
  title: (before: string, after: string) => `Step ${before} → ${after}`,
  before: 'Before',
  after: 'After',
  runOf: (side: string) => `${side}: run`,
  stepOf: (side: string) => `${side}: step`,
  step: (step: string) => `Step ${step}`,
  swap: 'Swap',
  all: 'All',
  changes: { changed: 'Changed', unknown: 'Maybe changed', added: 'Added', removed: 'Removed', unchanged: 'Unchanged' } satisfies Record<
    DiffTensor['change'],
    string
  >,
  unknownTip: 'Their bytes are kept together with others that changed',
  deltaTip: 'What the deltas from one to the other take in the store: the more, the further apart',
  apart: 'Apart',
  ofSize: (size: string) => `in deltas, of ${size}`,
  openTensor: 'Show in its snapshot',
  alone: 'There is no other snapshot of this run to compare with.',
  cannotList: 'The snapshots of the run could not be listed',
  fileColumns: { path: 'File', change: 'Change', pathBefore: 'Was called', before: 'Before', after: 'After' },
  tensorColumns: {
    name: 'Tensor',
    change: 'Change',
    dtype: 'Dtype',
    shape: 'Shape',
    bytes: 'Size',
    delta: 'Delta',
    distance: 'Delta of size',
  },
};
