/** Which function does the work of each kind of job. */
import { archiveAndAfter } from '../jobs/archive/archive-and-after.ts';
import type { JobFunctions } from '../jobs/queue-options.ts';
import { rebuildJob } from '../jobs/rebuild.ts';
import { removeJob } from '../jobs/remove.ts';
import { copyJob } from '../jobs/copy.ts';
import { repairJob } from '../jobs/repair.ts';
import { restoreJob } from '../jobs/restore.ts';
import { pruneJob } from '../jobs/retention.ts';
import { verifyJob } from '../jobs/verify.ts';

export const jobFunctions: JobFunctions = {
  archive: archiveAndAfter,
  verify: verifyJob,
  restore: restoreJob,
  remove: removeJob,
  prune: pruneJob,
  repair: repairJob,
  copy: copyJob,
  rebuild: rebuildJob,
};
