/**
 * What all jobs of a service together may take of the machine: so many tasks at once, so many bytes a second. It may be changed while
 * jobs run, and holds from their next tasks on. Who is refused is called when it may ask again; who got something goes behind the others.
 */

/** What was not used of a second's bytes may be made up for, this far back; so late timers don't lower the rate. */
const slackMs = 250;

export interface Limits {
  threads?: number | undefined;
  bytesPerSecond?: number | undefined;
}

/** Asks again for what it needs. @returns whether it still lacks something */
export type Again = () => boolean;

export class Budget {
  readonly #nowMs: () => number;
  #threads = Infinity;
  #bytesPerSecond = Infinity;
  #inside = 0;
  /** Until then the bytes that were taken are enough. */
  #takenUntilMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  readonly #refused = new Set<Again>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  set({ threads = Infinity, bytesPerSecond = Infinity }: Limits): void {
    this.#threads = Math.max(1, threads);
    this.#bytesPerSecond = bytesPerSecond;
    this.#takenUntilMs = Math.min(this.#takenUntilMs, this.#nowMs());
    this.#askAgain();
  }

  /**
   * Takes a place and bytes. False: not now; `again` is called when asking makes sense. Whoever took calls `giveBack` at the end of
   * the task.
   */
  take(bytes: number, again: Again): boolean {
    const nowMs = this.#nowMs();
    const waitMs = this.#takenUntilMs - nowMs;
    if (this.#inside >= this.#threads || waitMs > 0) {
      this.#refused.add(again);
      if (waitMs > 0) this.#timer ??= setTimeout(() => ((this.#timer = undefined), this.#askAgain()), waitMs);
      return false;
    }
    this.#refused.delete(again);
    this.force(bytes);
    return true;
  }

  /** Takes what may be over the limits: a task that must run for its job to end. */
  force(bytes: number): void {
    this.#inside += 1;
    if (bytes > 0 && this.#bytesPerSecond < Infinity)
      this.#takenUntilMs = Math.max(this.#takenUntilMs, this.#nowMs() - slackMs) + (bytes * 1000) / this.#bytesPerSecond;
  }

  giveBack(): void {
    this.#inside -= 1;
    this.#askAgain();
  }

  /** Nothing is called any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#refused.clear();
  }

  #askAgain(): void {
    for (const again of [...this.#refused]) if (!again()) this.#refused.delete(again);
  }
}
