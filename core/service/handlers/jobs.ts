/** Everything that becomes a job, and the jobs themselves. */
import type { Job, JobKind } from '../../contract/model.ts';
import { planArchive } from '../../jobs/archive/plan-archive.ts';
import { describeJob, type JobParams } from '../../jobs/describe.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

type Starters = 'archive.start' | 'verify.start' | 'restore.start' | 'remove.start' | 'prune.start' | 'rebuild.start';
type JobHandlers = Pick<Handlers, Starters | 'archive.plan' | 'jobs.list' | 'jobs.get' | 'jobs.cancel' | 'jobs.retry'>;

export function jobHandlers({ queue, stages }: ServiceAccess): JobHandlers {
  const start = <K extends JobKind>(kind: K, params: JobParams[K]): { job: Job } => ({
    job: queue.enqueue(kind, params, describeJob(kind, params)),
  });
  return {
    'archive.plan': async (params) => ({ plan: await planArchive(stages, params) }),
    'archive.start': (params) => start('archive', params),
    'verify.start': (params) => start('verify', params),
    'restore.start': (params) => start('restore', params),
    'remove.start': (params) => start('remove', params),
    'prune.start': (params) => start('prune', params),
    'rebuild.start': (params) => start('rebuild', params),
    'jobs.list': () => ({ jobs: queue.list() }),
    'jobs.get': ({ id }) => queue.get(id),
    'jobs.cancel': ({ id }) => {
      queue.cancel(id);
      return {};
    },
    'jobs.retry': ({ id }) => ({ job: queue.retry(id) }),
  };
}
