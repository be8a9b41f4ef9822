/** The scheduler as a service runs it: over its catalogue, its queue and this machine. */
import { archiveParams, verifyParams } from '../contract/methods.ts';
import { endState, type Schedule } from '../contract/model.ts';
import { describeJob } from '../jobs/describe.ts';
import type { StageAccess } from '../jobs/job.ts';
import type { JobQueue } from '../jobs/queue.ts';
import { Scheduler, type ScheduleRecords, type SchedulerOptions } from '../jobs/scheduler.ts';
import { findCandidates, watchCandidates } from '../jobs/watch.ts';
import type { Candidate } from '../plan/policy.ts';

/** The job of a schedule: exactly the checkpoints that its policy chose. */
function paramsOf({ policy, paths: below }: Schedule, checkpoints: readonly Candidate[]): ReturnType<typeof archiveParams.parse> {
  const { method, verifyAfter, threads, keyframeEvery, runs, hooks, retention } = policy;
  const release = policy.release && { ...policy.release, below, runs };
  const maxDepth = keyframeEvery === undefined ? undefined : keyframeEvery - 1;
  return archiveParams.parse({
    paths: checkpoints.map(({ path }) => path),
    method,
    verifyAfter,
    threads,
    maxDepth,
    release,
    retention,
    hooks,
  });
}

/** The job of a schedule that verifies. */
function verificationOf({ name, policy }: Schedule, percent: number, byHand: boolean): Parameters<JobQueue['enqueue']> {
  const params = verifyParams.parse({ percent, threads: policy.threads, strict: true });
  const { title, command } = describeJob('verify', params);
  return ['verify', params, { title: `${name}: ${title}`, command, ...(byHand ? {} : { schedule: name }) }];
}

function wordsOf(checkpoints: readonly Candidate[]): string {
  const fresh = checkpoints.filter(({ archived }) => !archived).length;
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  return fresh > 0 ? `archive ${count(fresh, 'checkpoint')}` : `release ${count(checkpoints.length, 'original')}`;
}

export interface SchedulingOptions {
  stages: StageAccess;
  records: ScheduleRecords;
  queue: () => JobQueue;
  machine: SchedulerOptions['machine'];
  manners: SchedulerOptions['manners'];
  onChange(): void;
  onProblem(message: string): void;
}

/** @returns a scheduler that has not been started */
export function createScheduler({ stages, records, queue, machine, manners, onChange, onProblem }: SchedulingOptions): Scheduler {
  return new Scheduler({
    records,
    machine,
    manners,
    find: (paths) => findCandidates(stages, paths),
    start: (schedule, checkpoints, byHand) => {
      if (schedule.work.kind === 'verify') return queue().enqueue(...verificationOf(schedule, schedule.work.percent, byHand));
      const params = paramsOf(schedule, checkpoints);
      const told = { title: `${schedule.name}: ${wordsOf(checkpoints)}`, command: describeJob('archive', params).command };
      // What somebody asked for by hand has the ordinary priority and waits for nothing.
      return queue().enqueue('archive', params, byHand ? told : { ...told, schedule: schedule.name });
    },
    activeJob: ({ name }) =>
      queue()
        .unfinished()
        .find((job) => job.schedule === name || job.title.startsWith(`${name}: `)),
    lastRun: ({ name }) => {
      const { job, params } = queue().lastOf(name) ?? {};
      const state = endState.safeParse(job?.state).data;
      const paths = archiveParams.safeParse(params).data?.paths ?? [];
      return job?.ended && state ? { job: job.id, state, endedMs: Date.parse(job.ended), paths } : undefined;
    },
    watch: (paths, onSight) => {
      const watch = watchCandidates(stages, paths, {
        onSight,
        onError: (thrown) => onProblem(`watching ${paths.join(', ')}: ${thrown instanceof Error ? thrown.message : String(thrown)}`),
      });
      return () => void watch.close();
    },
    onChange,
    onProblem,
  });
}
