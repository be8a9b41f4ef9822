/** Tells views of jobs: at once, and then no more often than an eye can use. */
import type { Job } from '../contract/model.ts';
import type { JobBook } from './job-book.ts';
import type { LiveJob } from './live-job.ts';

/** With the last state, which is never held back, at most ten events come in any second. */
const eventGapMs = 112;
/** Progress is kept at least this often, for whoever looks after a crash. */
const keepGapMs = 2000;

/** A job with its progress of now. */
export function currentOf(live: LiveJob, nowMs: number): Job {
  if (live.job.state !== 'running') return live.job;
  const progress = live.meter.read(nowMs);
  return { ...live.job, progress: live.controller.signal.aborted ? { ...progress, phase: 'stopping' } : progress };
}

export interface TellerOptions {
  nowMs(): number;
  book: JobBook;
  /** Whether the job has not ended. */
  isLive(id: string): boolean;
  onChange(job: Job): void;
}

export class JobTeller {
  readonly #options: TellerOptions;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** Tells the state now, or as soon as the gap to the last telling is wide enough. */
  tell(live: LiveJob): void {
    const { nowMs, book, isLive, onChange } = this.#options;
    if (live.timer || !isLive(live.job.id)) return;
    const sinceMs = nowMs() - live.toldAtMs;
    const waitMs = eventGapMs - sinceMs;
    // A clock that was set back says nothing of the gap.
    if (waitMs > 0 && sinceMs >= 0) {
      live.timer = setTimeout(() => ((live.timer = undefined), this.tell(live)), waitMs);
      return;
    }
    live.toldAtMs = nowMs();
    live.job = currentOf(live, live.toldAtMs);
    if (Math.abs(live.toldAtMs - live.keptAtMs) >= keepGapMs) book.keep(live);
    onChange(live.job);
  }
}
