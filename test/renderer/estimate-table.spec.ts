/** What archiving would save as a table: facts and estimates are told apart, and sums are of what is shown. */
import { describe, expect, it } from 'vitest';
import { totalsOf, type RunEstimate, type RunOutline } from '../../core/contract/model.ts';
import { libraryEstimateTable, runEstimateTable, type EstimateNames } from '../../renderer/views/insights/estimate-table.ts';

const names: EstimateNames = {
  columns: ['Part', 'Steps', 'Original', 'In the store', 'Less', 'From'],
  archived: 'archived',
  rest: 'rest',
  taken: 'fact',
  basis: ({ basis }) => basis,
};
const estimate = (name: string, steps: number, bytesOriginal: number, bytesEstimated: number): RunEstimate => ({
  ...{ id: name, name, path: `/${name}`, steps, bytesOriginal, bytesEstimated },
  ...{ basis: steps === 0 ? 'nothing' : 'sampled', stepsMeasured: 1, bytesSampled: 5 },
});
const outline: RunOutline = {
  id: 'r',
  name: 'r',
  path: '/r',
  steps: [
    { step: 1, bytesOriginal: 100, onDisk: true, stored: { weights: 30, optimizer: 20, other: 1 } },
    { step: 2, bytesOriginal: 100, onDisk: true, stored: { weights: 10, optimizer: 20, other: 0 } },
    { step: 3, bytesOriginal: 100, onDisk: true },
  ],
};

describe('an estimate as a table', () => {
  it('has what is archived as a fact and the rest as an estimate', () => {
    expect(runEstimateTable(outline, estimate('r', 1, 100, 40), names).rows).toEqual([
      ['archived', 2, 200, 81, 119, 'fact'],
      ['rest', 1, 100, 40, 60, 'sampled'],
    ]);
    expect(runEstimateTable(outline, estimate('r', 0, 0, 0), names).rows).toHaveLength(1);
    expect(runEstimateTable({ ...outline, steps: [] }, undefined, names)).toEqual({ columns: names.columns, rows: [] });
  });

  it('of a library has the runs that anything is left of, the largest first, and may cost more than it saves', () => {
    const all = [estimate('a', 1, 50, 60), estimate('b', 0, 0, 0), estimate('c', 3, 500, 200)];
    expect(libraryEstimateTable(all, names).rows).toEqual([
      ['c', 3, 500, 200, 300, 'sampled'],
      ['a', 1, 50, 60, -10, 'sampled'],
    ]);
    expect(totalsOf(all)).toEqual({ steps: 4, bytesOriginal: 550, bytesEstimated: 260 });
  });
});
