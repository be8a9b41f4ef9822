/** What archiving would save, as a table: what is archived as a fact, what is not as an estimate. Pure. */
import type { EstimateTotals, RunEstimate, RunOutline } from '../../../core/contract/model.ts';
import type { Cell, Table } from './insight-tables.ts';

export interface EstimateNames {
  columns: string[];
  archived: string;
  rest: string;
  taken: string;
  basis: (estimate: RunEstimate) => string;
}

const rowOf = (name: string, { steps, bytesOriginal, bytesEstimated }: EstimateTotals, from: string): Cell[] => [
  ...[name, steps, bytesOriginal, bytesEstimated],
  ...[bytesOriginal - bytesEstimated, from],
];

/** Of one run: what its archived steps took, and what the others would. */
export function runEstimateTable({ steps }: RunOutline, estimate: RunEstimate | undefined, names: EstimateNames): Table {
  const archived = steps.filter(({ stored }) => stored);
  const took = archived.reduce((sum, { stored }) => sum + stored!.weights + stored!.optimizer + stored!.other, 0);
  const held = archived.reduce((sum, { bytesOriginal }) => sum + bytesOriginal, 0);
  const rows: Cell[][] = [];
  if (archived.length > 0)
    rows.push(rowOf(names.archived, { steps: archived.length, bytesOriginal: held, bytesEstimated: took }, names.taken));
  if (estimate && estimate.steps > 0) rows.push(rowOf(names.rest, estimate, names.basis(estimate)));
  return { columns: names.columns, rows };
}

/** Of all runs that anything is left of, the largest first. */
export function libraryEstimateTable(estimates: readonly RunEstimate[], names: EstimateNames): Table {
  const left = estimates.filter(({ steps }) => steps > 0).toSorted((a, b) => b.bytesOriginal - a.bytesOriginal);
  return { columns: names.columns, rows: left.map((estimate) => rowOf(estimate.name, estimate, names.basis(estimate))) };
}
