/**
 * Rate and remaining time of a job from the updates that it gives: bytes over a sliding window, and no promise until
 * the window is long enough and its halves agree. The clock is an argument.
 */
import type { JobProgress } from '../contract/model.ts';
import type { ProgressUpdate } from './job.ts';

const windowMs = 10_000;
/** Less history than this says nothing about the future. */
const settledMs = 3_000;
/** Rates of the two halves of the window may differ by this factor. */
const settledFactor = 2;

interface Sample {
  atMs: number;
  bytes: number;
}

export const noProgress: JobProgress = { phase: '', bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, bytesPerSecond: 0 };

function rate(from: Sample, to: Sample): number {
  return to.atMs > from.atMs ? ((to.bytes - from.bytes) * 1000) / (to.atMs - from.atMs) : 0;
}

export class ProgressMeter {
  #samples: Sample[] = [];
  #update: ProgressUpdate = noProgress;

  update(update: ProgressUpdate, nowMs: number): void {
    // Counting started anew (another phase over the same bytes): the past says nothing about it.
    if (update.bytesDone < this.#update.bytesDone) this.#samples = [];
    this.#update = update;
    this.#trim(nowMs);
    this.#samples.push({ atMs: nowMs, bytes: update.bytesDone });
  }

  /** The job stood still: what came before says nothing about what comes. */
  restart(): void {
    this.#samples = [];
  }

  /** Progress as of now; a job that says nothing more gets slower and slower. */
  read(nowMs: number): JobProgress {
    this.#trim(nowMs);
    const first = this.#samples[0];
    if (!first) return { ...this.#update, bytesPerSecond: 0 };
    const bytesPerSecond = rate(first, { atMs: nowMs, bytes: this.#update.bytesDone });
    const etaMs = this.#eta(first, nowMs, bytesPerSecond);
    return { ...this.#update, bytesPerSecond, ...(etaMs === undefined ? {} : { etaMs }) };
  }

  #eta(first: Sample, nowMs: number, bytesPerSecond: number): number | undefined {
    const { bytesDone, bytesTotal } = this.#update;
    if (nowMs - first.atMs < settledMs || bytesPerSecond <= 0 || bytesTotal <= bytesDone) return undefined;
    const middle = this.#samples.findLast((sample) => sample.atMs <= (first.atMs + nowMs) / 2) ?? first;
    const early = rate(first, middle);
    const late = rate(middle, { atMs: nowMs, bytes: bytesDone });
    if (late <= 0 || early <= 0 || Math.max(early, late) > settledFactor * Math.min(early, late)) return undefined;
    return ((bytesTotal - bytesDone) * 1000) / bytesPerSecond;
  }

  /** Of a clock that was set back the samples of before say nothing. Keeps one sample older than the window, so that it is always whole. */
  #trim(nowMs: number): void {
    if ((this.#samples.at(-1)?.atMs ?? nowMs) > nowMs) this.#samples = [];
    const inside = this.#samples.findIndex((sample) => sample.atMs > nowMs - windowMs);
    if (inside > 1) this.#samples.splice(0, inside - 1);
    else if (inside === -1 && this.#samples.length > 1) this.#samples.splice(0, this.#samples.length - 1);
  }
}
