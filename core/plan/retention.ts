/**
 * Which snapshots of one run a policy lets go: a pure function of what is known of them and of the time. Every rule keeps
 * some; a snapshot goes only where a policy has rules and none of them keeps it. Pinned ones always stay, and so does
 * everything of other runs.
 */

/** What the rules look at. */
export interface RetainedSnapshot {
  id: string;
  runPath: string;
  step: number;
  /** ISO 8601: when the checkpoint was saved, and when it was archived. */
  time: string;
  created: string;
  bytesStored: number;
  pinned: boolean;
}

export interface RetentionPolicy {
  /** The newest this many, by step. */
  keepLast?: number;
  /** Steps that this divides, for ever. */
  keepEvery?: number;
  /** This many with the lowest metric, as far as it is known. */
  keepBest?: number;
  /** Saved within this many days. */
  keepDays?: number;
  /** The newest that together added at most this to the store. */
  keepBytes?: number;
  /** Optimizer state stays with the newest this many of those that stay; of the others the weights do. */
  stateLast?: number;
}

export const retentionRules = ['keepLast', 'keepEvery', 'keepBest', 'keepDays', 'keepBytes'] as const satisfies (keyof RetentionPolicy)[];
type KeepRule = (typeof retentionRules)[number];
export type RetentionReason = KeepRule | 'pinned' | 'otherRun' | 'noRule';

export interface RetentionDecision {
  id: string;
  /** Why it stays; empty where it goes. */
  reasons: RetentionReason[];
  /** It stays without its optimizer state. */
  thinned: boolean;
}

export interface RetentionContext {
  /** The only run that the policy is for. */
  runPath: string;
  nowMs: number;
  /** By step, where the trainer left one; lower is better. */
  metric?: ReadonlyMap<number, number>;
}

const dayMs = 86_400_000;

/** @returns one decision a snapshot, in their order */
export function retain(
  snapshots: readonly RetainedSnapshot[],
  policy: RetentionPolicy,
  { runPath, nowMs, metric = new Map() }: RetentionContext,
): RetentionDecision[] {
  const newest = snapshots
    .filter((snapshot) => snapshot.runPath === runPath)
    .toSorted((a, b) => b.step - a.step || compare(b.created, a.created) || compare(b.id, a.id));
  const kept: Record<KeepRule, (snapshot: RetainedSnapshot) => boolean> = {
    keepLast: among(newest.slice(0, policy.keepLast ?? 0)),
    keepEvery: ({ step }) => step % policy.keepEvery! === 0,
    keepBest: among(best(newest, metric, policy.keepBest ?? 0)),
    keepDays: ({ time }) => Date.parse(time) >= nowMs - policy.keepDays! * dayMs,
    keepBytes: among(fitting(newest, policy.keepBytes ?? 0)),
  };
  const rules = retentionRules.filter((rule) => policy[rule] !== undefined);
  const decisions = snapshots.map((snapshot): RetentionDecision => {
    const reasons: RetentionReason[] = rules.filter((rule) => kept[rule](snapshot));
    if (snapshot.pinned) reasons.push('pinned');
    if (snapshot.runPath !== runPath) return { id: snapshot.id, reasons: ['otherRun'], thinned: false };
    return { id: snapshot.id, reasons: rules.length === 0 ? [...reasons, 'noRule'] : reasons, thinned: false };
  });
  thin(decisions, newest, policy.stateLast);
  return decisions;
}

/** Of the snapshots that stay all but the newest lose their optimizer state; pinned ones stay as they are. */
function thin(decisions: RetentionDecision[], newest: readonly RetainedSnapshot[], stateLast: number | undefined): void {
  if (stateLast === undefined) return;
  const staying = new Map(decisions.filter(({ reasons }) => reasons.length > 0).map((decision) => [decision.id, decision]));
  for (const { id } of newest.filter((snapshot) => staying.has(snapshot.id)).slice(stateLast)) {
    const decision = staying.get(id)!;
    decision.thinned = !decision.reasons.includes('pinned');
  }
}

function among(chosen: readonly RetainedSnapshot[]): (snapshot: RetainedSnapshot) => boolean {
  const ids = new Set(chosen.map(({ id }) => id));
  return ({ id }) => ids.has(id);
}

function best(newest: readonly RetainedSnapshot[], metric: ReadonlyMap<number, number>, count: number): RetainedSnapshot[] {
  const known = newest.filter(({ step }) => Number.isFinite(metric.get(step)));
  // The sort is stable: of equal ones the newest.
  return known.toSorted((a, b) => metric.get(a.step)! - metric.get(b.step)!).slice(0, count);
}

function fitting(newest: readonly RetainedSnapshot[], limitBytes: number): RetainedSnapshot[] {
  let bytes = 0;
  const end = newest.findIndex(({ bytesStored }) => (bytes += bytesStored) > limitBytes);
  return end === -1 ? [...newest] : newest.slice(0, end);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
