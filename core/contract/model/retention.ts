/** What a run keeps in the store. */
import { z } from 'zod';
import { count } from './scalars.ts';

/** What a run keeps in the store; a snapshot stays where any rule keeps it, or where it is pinned. */
export const retentionRules = {
  /** The newest this many. */
  keepLast: count.optional(),
  /** Steps that this divides, for ever. */
  keepEvery: count.optional(),
  /** This many with the lowest loss. */
  keepBest: count.optional(),
  /** Saved within this many days. */
  keepDays: z.number().positive().optional(),
  /** The newest that together take at most this in the store. */
  keepBytes: count.optional(),
  /** Of those that stay the newest this many keep their optimizer state too, where it is in files of its own; the others lose it. */
  stateLast: z.number().int().nonnegative().optional(),
};

/** Whether any of the rules is given. */
export const hasRule = (rules: Partial<Record<keyof typeof retentionRules, number | undefined>>): boolean =>
  (Object.keys(retentionRules) as (keyof typeof retentionRules)[]).some((rule) => rules[rule] !== undefined);

export const retention = z.object(retentionRules).refine(hasRule, 'at least one rule says what is kept');
export type Retention = z.infer<typeof retention>;
