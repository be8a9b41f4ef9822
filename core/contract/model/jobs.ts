/** Plans and the jobs that carry them out. */
import { z } from 'zod';
import { failure } from '../errors.ts';
import { snapshotKind } from './library.ts';
import { bytes, time } from './scalars.ts';

/** What would become of one checkpoint, with an estimate of what it would take. */
export const planItem = z.object({
  run: z.string(),
  step: z.number().int(),
  path: z.string(),
  action: z.enum(['archive', 'skip']),
  reason: z.string().optional(),
  /** Archiving it would fail with this. */
  error: failure.optional(),
  kind: snapshotKind,
  depth: z.number().int(),
  bytesOriginal: bytes,
  bytesEstimated: bytes,
});
export type PlanItem = z.infer<typeof planItem>;

/** What archiving would do. */
export const plan = z.object({ items: z.array(planItem), bytesOriginal: bytes, bytesEstimated: bytes, bytesFree: bytes });
export type Plan = z.infer<typeof plan>;

export const jobKind = z.enum(['archive', 'verify', 'restore', 'rebuild', 'remove', 'prune', 'repair', 'copy']);
export type JobKind = z.infer<typeof jobKind>;

/** `waiting`: for its turn at the store, or for what it lacks; `interrupted`: its process ended before it did. */
export const jobState = z.enum(['queued', 'waiting', 'running', 'paused', 'done', 'failed', 'cancelled', 'interrupted']);
export type JobState = z.infer<typeof jobState>;

/** States that a job doesn't leave again. */
export const endState = jobState.extract(['done', 'failed', 'cancelled', 'interrupted']);
export type EndState = z.infer<typeof endState>;

/** Whether nothing becomes of a job any more. */
export const hasEnded = ({ state }: { state: JobState }): boolean => endState.safeParse(state).success;

/** How far a job is. Bytes are those of originals. */
export const jobProgress = z.object({
  phase: z.string(),
  bytesDone: bytes,
  bytesTotal: bytes,
  itemsDone: z.number().int(),
  itemsTotal: z.number().int(),
  bytesPerSecond: z.number().nonnegative(),
  /** Absent until the rate has settled. */
  etaMs: z.number().nonnegative().optional(),
});
export type JobProgress = z.infer<typeof jobProgress>;

/**
 * Jobs that can be held once they have begun: they stop between two tasks and go on from there. The others are short, and half of a
 * removal or of a prune is nothing to leave lying.
 */
export const pausableKinds: ReadonlySet<JobKind> = new Set<JobKind>(['archive', 'verify', 'restore', 'copy']);

/** Phases in which the machine should not be let fall asleep: half of them is what nobody wants to find in the morning. */
export const wakefulPhases: readonly string[] = ['commit', 'release'];

/** Work that may outlast a click: kept, shown, cancellable. */
export const job = z.object({
  id: z.string(),
  kind: jobKind,
  title: z.string(),
  /** The equal command line. */
  command: z.string(),
  state: jobState,
  queued: time,
  started: time.optional(),
  ended: time.optional(),
  progress: jobProgress,
  /** Why it waits or is paused. */
  reason: z.string().optional(),
  /** When a pause ends by itself. */
  until: time.optional(),
  /** Position among the jobs that have not begun: smaller is earlier. */
  order: z.number().optional(),
  /** The interrupted job that it goes on from. */
  resumes: z.string().optional(),
  /** It has not ended, and another process of the home has it. */
  elsewhere: z.boolean().optional(),
  /** Name of the schedule that started it. */
  schedule: z.string().optional(),
  error: failure.optional(),
  /** What the job achieved, by kind; the same records as the command line prints. */
  result: z.record(z.string(), z.unknown()).optional(),
});
export type Job = z.infer<typeof job>;

/** Everything is paused, until then or until somebody resumes it. */
export const queuePause = z.object({ until: time.optional() });
export type QueuePause = z.infer<typeof queuePause>;

/** A line of a job's log. */
export const jobLogLine = z.object({ time, level: z.enum(['info', 'warning', 'error']), message: z.string() });
export type JobLogLine = z.infer<typeof jobLogLine>;
