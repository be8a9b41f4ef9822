/** Which function does the work of each kind of job. */
import { archiveJob } from '../jobs/archive/archive.ts';
import type { JobParams } from '../jobs/describe.ts';
import type { JobContext, JobResult } from '../jobs/job.ts';
import { prune } from '../jobs/prune.ts';
import type { JobFunctions } from '../jobs/queue.ts';
import { rebuildJob } from '../jobs/rebuild.ts';
import { removeJob } from '../jobs/remove.ts';
import { restoreJob } from '../jobs/restore.ts';
import { verifyJob } from '../jobs/verify.ts';

async function pruneJob(context: JobContext, { dryRun }: JobParams['prune']): Promise<JobResult> {
  const result = await prune(await context.writeStore(), { dryRun, signal: context.signal });
  context.log('info', `${result.bytesFreed} bytes ${dryRun ? 'would be freed' : 'freed'}`);
  context.changed();
  return { dryRun, ...result };
}

export const jobFunctions: JobFunctions = {
  archive: archiveJob,
  verify: verifyJob,
  restore: restoreJob,
  remove: removeJob,
  prune: pruneJob,
  rebuild: rebuildJob,
};
