/** Which function does the work of each kind of job. */
import { verifyParams } from '../contract/methods.ts';
import { archiveJob } from '../jobs/archive/archive.ts';
import type { JobParams } from '../jobs/describe.ts';
import type { JobContext, JobResult } from '../jobs/job.ts';
import type { JobFunctions } from '../jobs/queue.ts';
import { rebuildJob } from '../jobs/rebuild.ts';
import { releaseOriginals } from '../jobs/release.ts';
import { removeJob } from '../jobs/remove.ts';
import { copyJob } from '../jobs/copy.ts';
import { repairJob } from '../jobs/repair.ts';
import { restoreJob } from '../jobs/restore.ts';
import { pruneJob } from '../jobs/retention.ts';
import { verifyJob } from '../jobs/verify.ts';

/** An archive, and where it is asked for a second proof of what it made: the snapshots as the store gives them back later. */
async function archiveAndRelease(context: JobContext, params: JobParams['archive']): Promise<JobResult> {
  const result = await archiveAndVerify(context, params);
  if (!params.release) return result;
  if ((result['findings'] as unknown[] | undefined)?.length) {
    context.log('error', 'verifying found something, so no original was released');
    return result;
  }
  return { ...result, ...(await releaseOriginals(context, params.release, params.paths)) };
}

async function archiveAndVerify(context: JobContext, params: JobParams['archive']): Promise<JobResult> {
  const result = await archiveJob(context, params);
  const made = (result['snapshots'] as { id: string }[]).map(({ id }) => id);
  if (!params.verifyAfter || made.length === 0) return result;
  const { findings } = await verifyJob(context, verifyParams.parse({ snapshots: made, threads: params.threads }));
  return { ...result, findings };
}

export const jobFunctions: JobFunctions = {
  archive: archiveAndRelease,
  verify: verifyJob,
  restore: restoreJob,
  remove: removeJob,
  prune: pruneJob,
  repair: repairJob,
  copy: copyJob,
  rebuild: rebuildJob,
};
