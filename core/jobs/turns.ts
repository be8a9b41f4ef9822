/** Whose turn it is: one job that writes runs at a time, two that read beside it, in the order that people gave them. */
import type { Job } from '../contract/model.ts';
import type { Hold } from './holds.ts';
import { jobAccess } from './job.ts';
import { hasBegun, type LiveJob } from './live-job.ts';

const maxReaders = 2;

type Lives = readonly LiveJob[];

export const inOrder = (lives: Lives): LiveJob[] => lives.toSorted((a, b) => (a.job.order ?? 0) - (b.job.order ?? 0));

/** Behind all others. */
export const lastOrder = (lives: Lives): number => Math.max(-1, ...lives.map(({ job }) => job.order ?? 0)) + 1;

/** Before all others. */
export const firstOrder = (lives: Lives): number => Math.min(0, ...lives.map(({ job }) => job.order ?? 0)) - 1;

/** Whether a job may begin. A job that runs takes its turn whether paused or not. */
export function hasTurn(lives: Lives, { kind }: Job): boolean {
  const access = jobAccess[kind];
  const running = lives.filter((live) => hasBegun(live) && jobAccess[live.job.kind] === access);
  return running.length < (access === 'write' ? 1 : maxReaders);
}

/** What those say they wait for that are behind a job that is paused. */
export function behind(lives: Lives, { job }: LiveJob): Hold | undefined {
  if (hasTurn(lives, job)) return undefined;
  const before = inOrder(lives).find(
    (live) => live.job.state === 'paused' && hasBegun(live) && jobAccess[live.job.kind] === jobAccess[job.kind],
  );
  return before && { by: 'policy', reason: `waits for \u201c${before.job.title}\u201d, which is paused` };
}

export type Move = 'first' | 'earlier' | 'later' | 'last';

/** The jobs that have not begun, with one of them moved. */
export function moved(lives: Lives, live: LiveJob, to: Move): LiveJob[] {
  const waiting = inOrder(lives).filter((other) => !hasBegun(other));
  const at = waiting.indexOf(live);
  const target = { first: 0, earlier: Math.max(0, at - 1), later: at + 1, last: waiting.length }[to];
  waiting.splice(at, 1);
  waiting.splice(target, 0, live);
  return waiting;
}
