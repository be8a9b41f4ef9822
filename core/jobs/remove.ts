/** The remove job: snapshots are taken out of the store; their contents go with the next prune, unless others need them. */
import type { z } from 'zod';
import type { methods } from '../contract/methods.ts';
import type { JobContext, JobResult } from './job.ts';

export type RemoveParams = z.output<(typeof methods)['remove.start']['params']>;

/** @throws CairnError `not_found`, `ambiguous` for a name that fits none or several (nothing is removed then), `denied` where one is pinned, `locked`. */
export async function removeJob(context: JobContext, params: RemoveParams): Promise<JobResult> {
  const store = await context.writeStore();
  const ids = [...new Set(await Promise.all(params.snapshots.map((name) => store.resolve(name))))];
  const removed: { id: string; run: string; step: number }[] = [];
  for (const id of ids) {
    const { run, step } = await store.manifest(id);
    await store.remove(id);
    removed.push({ id, run: run.name, step });
    context.log('info', `${run.name}@${step} (${id.slice(0, 8)}) removed; cairn prune frees its space`);
    context.progress({ phase: 'remove', bytesDone: 0, bytesTotal: 0, itemsDone: removed.length, itemsTotal: ids.length });
  }
  context.changed();
  return { snapshots: removed };
}
