/** What a hold makes of a job's state. */
import type { Job, JobState } from '../contract/model.ts';
import type { Hold } from './holds.ts';
import { currentOf } from './job-teller.ts';
import { hasBegun, type LiveJob } from './live-job.ts';

function stateOf(live: LiveJob, hold: Hold | undefined): JobState {
  if (!hold) return hasBegun(live) ? 'running' : 'queued';
  return hasBegun(live) || hold.by === 'user' ? 'paused' : 'waiting';
}

/** The job in the state that a hold, or none, leads to; undefined where it is in it already. */
export function heldAs(live: LiveJob, hold: Hold | undefined, nowMs: number): Job | undefined {
  const state = stateOf(live, hold);
  const until = hold?.untilMs === undefined ? undefined : new Date(hold.untilMs).toISOString();
  const { reason: reasonBefore, until: untilBefore, ...job } = live.job;
  if (job.state === state && reasonBefore === hold?.reason && untilBefore === until) return undefined;
  const { progress } = currentOf(live, nowMs);
  if (job.state !== 'running') live.meter.restart();
  return { ...job, state, progress, ...(hold ? { reason: hold.reason } : {}), ...(until ? { until } : {}) };
}
