/** What a queue is given by the service that it belongs to, and with every job. */
import type { PayloadOf } from '../contract/methods.ts';
import type { Job, JobKind } from '../contract/model.ts';
import type { Budget } from './budget.ts';
import type { Hold } from './holds.ts';
import type { JobFunction, Priority } from './job.ts';
import type { JobRecords, PauseRecord } from './job-records.ts';
import type { QueueAccess } from './live-job.ts';

/** What people read of a job, and where it comes from. */
export type Told = Pick<Job, 'title' | 'command' | 'schedule' | 'resumes'>;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each kind has parameters of its own, checked by the contract
export type JobFunctions = Record<JobKind, JobFunction<any>>;

export interface QueueOptions extends QueueAccess {
  records: JobRecords;
  /** Absent: nobody pauses everything. */
  pauses?: PauseRecord;
  functions: JobFunctions;
  onChange(payload: PayloadOf<'job.changed'>): void;
  onLog(payload: PayloadOf<'job.log'>): void;
  /** One line about the queue itself. */
  onProblem(message: string): void;
  /** Runs jobs that another process left in the queue when it ended, and goes on with what it interrupted. For services that stay. */
  adopt?: boolean;
  /** Nobody waits for its end: its jobs wait for what they lack, and others go on with what it leaves. One that adopts stays. */
  stays?: boolean;
  /** Its jobs wait for what they lack, though it doesn't stay. */
  waits?: boolean;
  /** What keeps a schedule's job back for now. */
  policyHold?: (job: Job, priority: Priority) => Hold | undefined;
  /** What all jobs together may take. */
  budget?: Budget;
  onPause?: (payload: PayloadOf<'queue.changed'>) => void;
  /** Told at every step of a job whether one is at what sleep should not cut in two. */
  keepAwake?: (wanted: boolean) => void;
  nowMs?: () => number;
}
