/**
 * Rate and remaining time of a job from the updates that it gives. The rate is that of a sliding window. The remaining time comes from
 * the whole of the work so far, because it goes in rounds (coding, proving, the next checkpoint) of which a window sees one part: no
 * promise until the whole and its first half agree, then one that moves gently, and is taken back only where they differ by far. The
 * clock is an argument.
 */
import type { JobProgress } from '../contract/model.ts';
import type { ProgressUpdate } from './job.ts';

const windowMs = 10_000;
/** Less history than this says nothing about the future. */
const settledMs = 3_000;
/** The whole and its first half may differ by this factor for a promise, and by that one before it is taken back. */
const settledFactor = 1.5;
const unsettledFactor = 2.5;
/** What is shown has come nearly to what is reckoned after this long. */
const easeMs = 5_000;
const maxHistory = 256;

interface Sample {
  atMs: number;
  bytes: number;
}

export const noProgress: JobProgress = { phase: '', bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, bytesPerSecond: 0 };

function rate(from: Sample, to: Sample): number {
  return to.atMs > from.atMs ? ((to.bytes - from.bytes) * 1000) / (to.atMs - from.atMs) : 0;
}

export class ProgressMeter {
  #window: Sample[] = [];
  /** Since the count began, thinner the longer it is. */
  #history: Sample[] = [];
  #gapMs = 0;
  #promise: { etaMs: number; atMs: number } | undefined;
  #update: ProgressUpdate = noProgress;

  get phase(): string {
    return this.#update.phase;
  }

  update(update: ProgressUpdate, nowMs: number): void {
    // Counting started anew (another phase over the same bytes): the past says nothing about it.
    if (update.bytesDone < this.#update.bytesDone) this.restart();
    this.#update = update;
    this.#trim(nowMs);
    this.#window.push({ atMs: nowMs, bytes: update.bytesDone });
    this.#remember({ atMs: nowMs, bytes: update.bytesDone });
  }

  /** The job stood still: what came before says nothing about what comes. */
  restart(): void {
    [this.#window, this.#history, this.#gapMs, this.#promise] = [[], [], 0, undefined];
  }

  /** Progress as of now; a job that says nothing more gets slower and slower. */
  read(nowMs: number): JobProgress {
    this.#trim(nowMs);
    const first = this.#window[0];
    if (!first) return { ...this.#update, bytesPerSecond: 0 };
    const bytesPerSecond = rate(first, { atMs: nowMs, bytes: this.#update.bytesDone });
    const etaMs = this.#eta(nowMs);
    return { ...this.#update, bytesPerSecond, ...(etaMs === undefined ? {} : { etaMs }) };
  }

  #eta(nowMs: number): number | undefined {
    const reckonedMs = this.#reckon(nowMs);
    if (reckonedMs === undefined) this.#promise = undefined;
    else this.#promise = { etaMs: this.#eased(reckonedMs, nowMs), atMs: nowMs };
    return this.#promise?.etaMs;
  }

  #eased(reckonedMs: number, nowMs: number): number {
    if (!this.#promise) return reckonedMs;
    const passedMs = nowMs - this.#promise.atMs;
    const expectedMs = Math.max(0, this.#promise.etaMs - passedMs);
    return expectedMs + (reckonedMs - expectedMs) * (1 - Math.exp(-passedMs / easeMs));
  }

  #reckon(nowMs: number): number | undefined {
    const { bytesDone, bytesTotal } = this.#update;
    const first = this.#history[0];
    if (!first || nowMs - first.atMs < settledMs || bytesTotal <= bytesDone) return undefined;
    const middle = this.#history.findLast((sample) => sample.atMs <= (first.atMs + nowMs) / 2) ?? first;
    const early = rate(first, middle);
    const whole = rate(first, { atMs: nowMs, bytes: bytesDone });
    const factor = this.#promise ? unsettledFactor : settledFactor;
    if (whole <= 0 || early <= 0 || Math.max(early, whole) > factor * Math.min(early, whole)) return undefined;
    return ((bytesTotal - bytesDone) * 1000) / whole;
  }

  #remember(sample: Sample): void {
    const last = this.#history.at(-1);
    if (last && sample.atMs - last.atMs < this.#gapMs) return;
    this.#history.push(sample);
    if (this.#history.length <= maxHistory) return;
    this.#history = this.#history.filter((_, index) => index % 2 === 0);
    this.#gapMs = Math.max(50, this.#gapMs * 2);
  }

  /** Of a clock that was set back the samples of before say nothing. Keeps one sample older than the window, so that it is always whole. */
  #trim(nowMs: number): void {
    if ((this.#window.at(-1)?.atMs ?? nowMs) > nowMs) this.restart();
    const inside = this.#window.findIndex((sample) => sample.atMs > nowMs - windowMs);
    if (inside > 1) this.#window.splice(0, inside - 1);
    else if (inside === -1 && this.#window.length > 1) this.#window.splice(0, this.#window.length - 1);
  }
}
