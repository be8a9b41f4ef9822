/** What archiving would save, as the command line tells it. */
import type { EstimateTotals, RunEstimate } from '../../contract/model.ts';
import { ratio, right, size } from './printable.ts';
import type { Session } from './session.ts';

/** What an estimate rests on. */
export function basisOf({ basis, stepsMeasured, bytesSampled }: RunEstimate): string {
  const steps = `${stepsMeasured} ${stepsMeasured === 1 ? 'step' : 'steps'}`;
  if (basis === 'nothing') return 'nothing left to archive';
  return basis === 'measured' ? `what ${steps} of it took in the store` : `samples of ${steps}, ${size(bytesSampled)}`;
}

/** That it is an estimate is said, and when the space would be free. */
export function sentenceOf({ steps, bytesOriginal, bytesEstimated }: EstimateTotals): string {
  const what = `${steps} ${steps === 1 ? 'step' : 'steps'} not archived, ${size(bytesOriginal)}`;
  const less = bytesOriginal - bytesEstimated;
  const freed = less > 0 ? `; about ${size(less)} less once originals are released` : '';
  return `${what}: would take about ${size(bytesEstimated)} in the store${freed}`;
}

/** A table with a row a run. */
export function printEstimates({ out }: Session, estimates: readonly RunEstimate[]): void {
  out.table(
    ['run', right('steps'), right('original'), right('estimated'), right('ratio'), 'from'],
    estimates.map((estimate) => [
      estimate.name,
      String(estimate.steps),
      size(estimate.bytesOriginal),
      size(estimate.bytesEstimated),
      estimate.steps === 0 ? '' : ratio(estimate.bytesOriginal, estimate.bytesEstimated),
      basisOf(estimate),
    ]),
  );
}
