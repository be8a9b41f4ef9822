/** Which checkpoints a policy wants archived, and why it leaves the others. No clock and no I/O. */
import type { CheckpointState, Policy } from '../contract/model.ts';

/** A checkpoint on disk, as policies look at it. */
export interface Candidate {
  run: string;
  runPath: string;
  step: number;
  path: string;
  /** When the newest of its files was written. */
  modifiedMs: number;
  state: CheckpointState;
  /** Whether the store holds it as it is now. */
  archived: boolean;
}

export interface Choice {
  /** By run, ascending by step. */
  archive: Candidate[];
  left: { candidate: Candidate; reason: string }[];
}

const minuteMs = 60_000;

/** Newest is what has the highest step of its run among those that are whole. */
export function choose(
  candidates: readonly Candidate[],
  policy: Pick<Policy, 'runs' | 'olderThanMinutes' | 'leaveNewest'>,
  nowMs: number,
): Choice {
  const choice: Choice = { archive: [], left: [] };
  for (const run of Map.groupBy(candidates, ({ runPath }) => runPath).values()) {
    const steps = run.toSorted((a, b) => a.step - b.step);
    const whole = steps.filter(({ state }) => state === 'complete');
    const newest = new Set(policy.leaveNewest > 0 ? whole.slice(-policy.leaveNewest) : []);
    for (const candidate of steps) {
      const reason = reasonToLeave(candidate, policy, newest, nowMs);
      if (reason === undefined) choice.archive.push(candidate);
      else choice.left.push({ candidate, reason });
    }
  }
  return choice;
}

/** Whether a run's name fits a pattern, in which a star stands for anything, slashes included, and a question mark for one character. */
export function fitsPattern(name: string, pattern: string): boolean {
  const parts = [...pattern].map((sign) => (sign === '*' ? '.*' : sign === '?' ? '.' : sign.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')));
  // Stars in a row say no more than one, and many of them would take for ever.
  return new RegExp(`^${parts.join('').replaceAll(/(\.\*)+/g, '.*')}$`, 'su').test(name);
}

function reasonToLeave(
  candidate: Candidate,
  { runs, olderThanMinutes, leaveNewest }: Pick<Policy, 'runs' | 'olderThanMinutes' | 'leaveNewest'>,
  newest: ReadonlySet<Candidate>,
  nowMs: number,
): string | undefined {
  const { run, state, archived, modifiedMs } = candidate;
  if (!fitsPattern(run, runs)) return `not of the runs ${runs}`;
  if (archived) return 'archived already';
  if (state !== 'complete') return state === 'being-written' ? 'being written' : state;
  if (newest.has(candidate)) return `among the newest ${leaveNewest}`;
  if (olderThanMinutes > 0 && nowMs - modifiedMs < olderThanMinutes * minuteMs) return `younger than ${olderThanMinutes} minutes`;
  return undefined;
}

/** Why there is nothing to archive, in one line: the reasons, most frequent first. */
export function nothingBecause({ left }: Choice): string {
  const counts = [...Map.groupBy(left, ({ reason }) => reason)].map(([reason, of]) => ({ reason, count: of.length }));
  const words = counts.toSorted((a, b) => b.count - a.count).map(({ reason, count }) => `${count} ${reason}`);
  return words.length === 0 ? 'no checkpoints were found' : `nothing to archive: ${words.join(', ')}`;
}
