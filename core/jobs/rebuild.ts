/** The rebuild job: what the catalogue says of a store, anew from the store's own files. Jobs and sources are not touched. */
import { CairnError } from '../contract/errors.ts';
import type { CataloguedSnapshot } from '../catalogue/snapshots.ts';
import type { Finding } from '../contract/model.ts';
import { findingOf } from '../verify/findings.ts';
import type { JobContext, JobResult } from './job.ts';

/** @throws CairnError `not_found` where there is no store, `cancelled`; a manifest that can't be read is said in the log and left out. */
export async function rebuildJob(context: JobContext): Promise<JobResult> {
  const store = await context.readStore();
  const findings: Finding[] = [];
  const summaries = await store.snapshots((id, error) => {
    findings.push(findingOf('manifest-unreadable', error.message, { snapshot: id }));
    context.log('error', error.message);
  });
  const snapshots: CataloguedSnapshot[] = [];
  for (const snapshot of summaries) {
    if (context.signal.aborted) throw new CairnError('cancelled', 'rebuilding was cancelled; the catalogue is as it was');
    snapshots.push({ snapshot, layout: (await store.manifest(snapshot.id)).run.layout });
    context.progress({ phase: 'rebuild', bytesDone: 0, bytesTotal: 0, itemsDone: snapshots.length, itemsTotal: summaries.length });
  }
  context.catalogue.replaceSnapshots(store.id, snapshots);
  context.changed();
  context.log('info', `${snapshots.length} snapshots are in the catalogue`);
  return { snapshots: snapshots.length, findings };
}
