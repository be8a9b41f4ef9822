/** Everything that becomes a job, and the jobs themselves. */
import type { Job, JobKind } from '../../contract/model.ts';
import { planArchive } from '../../jobs/archive/plan-archive.ts';
import { describeJob, type JobParams } from '../../jobs/describe.ts';
import type { Steering } from '../../jobs/requests.ts';
import { tomorrow } from '../../plan/pause.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

type Starters =
  'archive.start' | 'verify.start' | 'restore.start' | 'remove.start' | 'prune.start' | 'repair.start' | 'copy.start' | 'rebuild.start';
type Steerers = 'jobs.cancel' | 'jobs.retry' | 'jobs.pause' | 'jobs.resume' | 'jobs.move' | 'jobs.threads';
type JobHandlers = Pick<Handlers, Starters | Steerers | 'archive.plan' | 'jobs.list' | 'jobs.get'>;

const minuteMs = 60_000;

export function jobHandlers({ queue, stages }: ServiceAccess): JobHandlers {
  const start = <K extends JobKind>(kind: K, params: JobParams[K]): { job: Job } => ({
    job: queue.enqueue(kind, params, describeJob(kind, params)),
  });
  const steer = async (id: string, request: Steering): Promise<Record<string, never>> => {
    await queue.steer(id, request);
    return {};
  };
  return {
    'archive.plan': async (params) => ({ plan: await planArchive(stages, params) }),
    'archive.start': (params) => start('archive', params),
    'verify.start': (params) => start('verify', params),
    'restore.start': (params) => start('restore', params),
    'remove.start': (params) => start('remove', params),
    'prune.start': (params) => start('prune', params),
    'repair.start': (params) => start('repair', params),
    'copy.start': (params) => start('copy', params),
    'rebuild.start': (params) => start('rebuild', params),
    'jobs.list': () => ({ jobs: queue.list(), ...(queue.pause ? { pause: queue.pause } : {}) }),
    'jobs.get': ({ id }) => queue.get(id),
    'jobs.cancel': ({ id }) => steer(id, { act: 'cancel' }),
    'jobs.retry': ({ id }) => ({ job: queue.retry(id) }),
    'jobs.pause': async ({ id, forMinutes, until }) => {
      const untilMs =
        until === 'tomorrow' ? tomorrow(Date.now()) : forMinutes === undefined ? undefined : Date.now() + forMinutes * minuteMs;
      if (id !== undefined) return steer(id, { act: 'hold', untilMs });
      queue.holdAll(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() });
      return {};
    },
    'jobs.resume': async ({ id }) => {
      if (id !== undefined) return steer(id, { act: 'resume' });
      await queue.resumeAll();
      return {};
    },
    'jobs.move': ({ id, to }) => steer(id, { act: 'move', to }),
    'jobs.threads': ({ id, threads }) => steer(id, { act: 'threads', threads }),
  };
}
