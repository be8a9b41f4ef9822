/** Which checkpoints a policy wants archived, and why it leaves the others. No clock and no I/O. */
import type { CheckpointState, Policy } from '../contract/model.ts';
import { retain, type RetainedSnapshot } from './retention.ts';

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

type ChoosingPolicy = Pick<Policy, 'runs' | 'olderThanMinutes' | 'leaveNewest' | 'retention'>;

const minuteMs = 60_000;

/** Newest is what has the highest step of its run among those that are whole. */
export function choose(candidates: readonly Candidate[], policy: ChoosingPolicy, nowMs: number): Choice {
  const choice: Choice = { archive: [], left: [] };
  for (const run of Map.groupBy(candidates, ({ runPath }) => runPath).values()) {
    const steps = run.toSorted((a, b) => a.step - b.step);
    const whole = steps.filter(({ state }) => state === 'complete');
    const sets = { newest: new Set(policy.leaveNewest > 0 ? whole.slice(-policy.leaveNewest) : []), letGo: letGo(whole, policy, nowMs) };
    for (const candidate of steps) {
      const reason = reasonToLeave(candidate, policy, sets, nowMs);
      if (reason === undefined) choice.archive.push(candidate);
      else choice.left.push({ candidate, reason });
    }
  }
  return choice;
}

/**
 * What the retention of this policy let go of, or would at once: steps older than what is archived that no rule keeps. Without that each
 * run would archive again what the one before removed. Loss and size, by which rules keep too, are not known of what is not archived.
 */
function letGo(whole: readonly Candidate[], { retention }: ChoosingPolicy, nowMs: number): ReadonlySet<Candidate> {
  const newestArchived = whole.findLast(({ archived }) => archived)?.step;
  if (!retention || newestArchived === undefined) return new Set();
  const { keepLast, keepEvery, keepDays } = retention;
  const rules = { ...(keepLast && { keepLast }), ...(keepEvery && { keepEvery }), ...(keepDays && { keepDays }) };
  const runPath = whole[0]!.runPath;
  const decisions = retain(whole.map(asSnapshot), rules, { runPath, nowMs });
  const stays = (index: number): boolean => decisions[index]!.reasons.some((reason) => reason !== 'noRule');
  return new Set(whole.filter(({ step, archived }, index) => !archived && step < newestArchived && !stays(index)));
}

/**
 * Originals that the store holds and that the policy would let go of: what an earlier job had to leave, or was cancelled at. Whether they
 * may go is for the release to find out.
 */
export function releasable(candidates: readonly Candidate[], { runs, release }: Pick<Policy, 'runs' | 'release'>): Candidate[] {
  if (!release) return [];
  return [...Map.groupBy(candidates, ({ runPath }) => runPath).values()].flatMap((run) => {
    const whole = run.filter(({ state }) => state === 'complete').toSorted((a, b) => a.step - b.step);
    const old = release.keepNewest > 0 ? whole.slice(0, -release.keepNewest) : whole;
    return old.filter((candidate) => candidate.archived && fitsPattern(candidate.run, runs));
  });
}

function asSnapshot({ path, runPath, step, modifiedMs }: Candidate): RetainedSnapshot {
  const time = new Date(modifiedMs).toISOString();
  return { id: path, runPath, step, time, created: time, bytesStored: 0, pinned: false };
}

/** Whether a run's name fits a pattern, in which a star stands for anything, slashes included, and a question mark for one character. */
export function fitsPattern(name: string, pattern: string): boolean {
  const parts = [...pattern].map((sign) => (sign === '*' ? '.*' : sign === '?' ? '.' : sign.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')));
  // Stars in a row say no more than one, and many of them would take for ever.
  return new RegExp(`^${parts.join('').replaceAll(/(\.\*)+/g, '.*')}$`, 'su').test(name);
}

function reasonToLeave(
  candidate: Candidate,
  { runs, olderThanMinutes, leaveNewest }: ChoosingPolicy,
  { newest, letGo }: Record<'newest' | 'letGo', ReadonlySet<Candidate>>,
  nowMs: number,
): string | undefined {
  const { run, state, archived, modifiedMs } = candidate;
  if (!fitsPattern(run, runs)) return `not of the runs ${runs}`;
  if (archived) return 'archived already';
  if (state !== 'complete') return state === 'being-written' ? 'being written' : state;
  if (letGo.has(candidate)) return 'older, and not among what the retention keeps';
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
