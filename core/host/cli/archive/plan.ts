/** What archiving would do, as the command line shows it. */
import type { ParamsOf } from '../../../contract/methods.ts';
import { right, size, storedAs } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

/** Shows the plan of an archive and archives nothing. @returns the exit code */
export async function showPlan({ client, out, interrupt }: Session, params: ParamsOf<'archive.plan'>): Promise<number> {
  const { plan } = await client.call('archive.plan', params, { signal: interrupt });
  out.table(
    ['run', right('step'), right('original'), right('about'), 'as'],
    plan.items.map((item) => [
      item.run,
      String(item.step),
      size(item.bytesOriginal),
      item.action === 'skip' ? '' : size(item.bytesEstimated),
      item.action === 'skip' ? `skipped: ${item.reason ?? ''}` : storedAs(item),
    ]),
  );
  out.line(`${size(plan.bytesOriginal)} would take about ${size(plan.bytesEstimated)}; ${size(plan.bytesFree)} are free`);
  const errors = plan.items.flatMap(({ error }) => error ?? []);
  for (const { message } of errors) out.error(message);
  for (const item of plan.items) out.record('item', item);
  out.summary({ dryRun: true, ...plan, errors });
  return errors.length > 0 ? exitCodes.failed : exitCodes.done;
}
