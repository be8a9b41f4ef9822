/** Schedules: what they want to run, when, and what became of it. */
import { z } from 'zod';
import { hooks } from './hooks.ts';
import { retention } from './retention.ts';
import { codingMethod, dailySpan, threads, time } from './scalars.ts';

/** When a schedule wants to run. Wall-clock times are those of `timeZone`, or of the machine. */
export const trigger = z.discriminatedUnion('kind', [
  /** As soon as a trainer has finished a checkpoint. */
  z.object({ kind: z.literal('watch') }),
  z.object({ kind: z.literal('cron'), expression: z.string().min(1).max(200), timeZone: z.string().optional() }),
  z.object({ kind: z.literal('interval'), minutes: z.number().int().min(1).max(525_600) }),
  /** When the machine has had little to do for so long; once each time. */
  z.object({ kind: z.literal('idle'), minutes: z.number().int().min(1).max(1440) }),
]);
export type Trigger = z.infer<typeof trigger>;

/** What a schedule does: archive what its policy chooses, or decode a part of the store, going on where it ended the last time. */
export const work = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('archive') }),
  z.object({ kind: z.literal('verify'), percent: z.number().gt(0).max(100).default(100) }),
]);
export type Work = z.infer<typeof work>;

/** What a schedule archives, and under which conditions. */
export const policy = z.object({
  /** A glob over names of runs. */
  runs: z.string().min(1).max(1000).default('*'),
  olderThanMinutes: z.number().nonnegative().default(0),
  /** The newest so many checkpoints of every run are left alone. */
  leaveNewest: z.number().int().nonnegative().default(0),
  /** At the latest every so many steps one is stored whole. */
  keyframeEvery: z.number().int().min(1).max(9).optional(),
  method: codingMethod.default('cairn'),
  verifyAfter: z.boolean().default(false),
  /** Remove originals that are sealed, except the newest so many of every run; absent: they stay. */
  release: z
    .object({ keepNewest: z.number().int().nonnegative(), placeholder: z.boolean().default(false), trash: z.boolean().default(false) })
    .optional(),
  /** What the runs archived from keep in the store; absent: everything. */
  retention: retention.optional(),
  /** No work between these times of day. */
  quiet: dailySpan.optional(),
  threads: threads.optional(),
  battery: z.enum(['ignore', 'wait']).default('wait'),
  hooks: hooks.optional(),
});
export type Policy = z.infer<typeof policy>;

const scheduleFields = z.object({
  name: z.string().min(1).max(200),
  enabled: z.boolean().default(true),
  work: work.default({ kind: 'archive' }),
  /** None where it verifies, which is the whole store's. */
  paths: z.array(z.string().min(1).max(32768)),
  trigger,
  policy: policy.prefault({}),
});

/** A schedule as it is edited: what is left out gets its default. */
export const scheduleDraft = scheduleFields.refine(
  ({ work: { kind }, paths }) => (kind === 'archive') === paths.length > 0,
  'an archive needs folders, and a verification, which is the whole store’s, has none',
);
export type ScheduleDraft = z.infer<typeof scheduleDraft>;

/** Policy x clock. */
export const schedule = scheduleFields.extend({ id: z.string(), created: time });
export type Schedule = z.infer<typeof schedule>;

/** What became of a run that was due. */
export const scheduleRun = z.object({
  at: time,
  /** When it was due; earlier than `at` where it was caught up. */
  due: time,
  /** How many others were due since the one before, for which this one stands. */
  missed: z.number().int().nonnegative(),
  outcome: z.enum(['started', 'skipped', 'put-off']),
  reason: z.string().optional(),
  job: z.string().optional(),
});
export type ScheduleRun = z.infer<typeof scheduleRun>;

/** A schedule, when it runs next, how it went last, and the job of its that has not ended. */
export const scheduleView = schedule.extend({ upcoming: z.array(time), last: scheduleRun.optional(), running: z.string().optional() });
export type ScheduleView = z.infer<typeof scheduleView>;
