/** What keeps a job from going on: a user's pause of it or of everything, or the policy of the schedule that started it. */
import { pausableKinds, type JobKind, type QueuePause } from '../contract/model.ts';

export interface Hold {
  by: 'user' | 'policy';
  reason: string;
  /** When it ends by itself. */
  untilMs?: number;
}

/** A job's own pause, or that of everything, whichever holds now. */
export function userHold(own: { untilMs?: number | undefined } | undefined, all: QueuePause | undefined, nowMs: number): Hold | undefined {
  if (own && (own.untilMs ?? Infinity) > nowMs) return holdOf('paused by the user', own.untilMs);
  const untilMs = all?.until === undefined ? undefined : Date.parse(all.until);
  return all && (untilMs ?? Infinity) > nowMs ? holdOf('everything is paused', untilMs) : undefined;
}

const holdOf = (reason: string, untilMs: number | undefined): Hold => ({
  by: 'user',
  reason,
  ...(untilMs === undefined ? {} : { untilMs }),
});

/** Whether a job that has begun can be held. */
export const canPause = (kind: JobKind): boolean => pausableKinds.has(kind);
