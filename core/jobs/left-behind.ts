/** What processes left in the catalogue when they ended. */
import { hasEnded, type Job } from '../contract/model.ts';
import type { KeptJob } from './job-records.ts';
import { keptParams, lives, type KeptParams } from './owner.ts';

export interface LeftBehind {
  job: Job;
  /** Undefined where they can't be read: the job can be settled, but not gone on with. */
  kept: KeptParams | undefined;
  /** As they were kept. */
  params: unknown;
}

/** Those jobs that no process has: of one that was killed, or left by one that closed, to be gone on with. */
export function leftBehind(unfinished: readonly KeptJob[], nowMs: number): LeftBehind[] {
  return unfinished
    .map(({ job, params }) => ({ job, kept: keptParams.safeParse(params).data, params }))
    .filter(({ job, kept }) => kept?.goOn || !(hasEnded(job) || (kept && lives(kept, nowMs))));
}

/** The job as one that its process ended before. */
export function interruptedAt(job: Job, time: string): Job {
  const { etaMs: _, ...progress } = job.progress;
  return { ...job, state: 'interrupted', progress, ended: job.ended ?? time };
}
