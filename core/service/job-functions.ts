/** Which function does the work of each kind of job. */
import { archiveJob } from '../jobs/archive/archive.ts';
import type { JobFunctions } from '../jobs/queue.ts';
import { rebuildJob } from '../jobs/rebuild.ts';
import { removeJob } from '../jobs/remove.ts';
import { restoreJob } from '../jobs/restore.ts';
import { pruneJob } from '../jobs/retention.ts';
import { verifyJob } from '../jobs/verify.ts';

export const jobFunctions: JobFunctions = {
  archive: archiveJob,
  verify: verifyJob,
  restore: restoreJob,
  remove: removeJob,
  prune: pruneJob,
  rebuild: rebuildJob,
};
