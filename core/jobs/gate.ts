/**
 * Where a job's tasks wait before they begin: all of them while the job is paused, and those above the job's share of the
 * threads. Tasks pass in the order in which they came. What only ends work already begun does not come through here, so a paused
 * job's memory drains.
 */
export class Gate {
  #closed = false;
  #limit = Infinity;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  /** How many tasks are under way. */
  get inside(): number {
    return this.#inside;
  }

  /** Resolves once the task may begin; whoever entered calls `leave`. */
  enter(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
  }

  leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    this.#admit();
  }

  /** At most this many tasks at once from now on; those under way end in their own time. */
  limit(tasks: number): void {
    this.#limit = Math.max(1, tasks);
    this.#admit();
  }

  /** For a job that is being stopped: its tasks must get through to see that. */
  abandon(): void {
    this.#limit = Infinity;
    this.open();
  }

  #admit(): void {
    while (!this.#closed && this.#inside < this.#limit && this.#waiting.length > 0) {
      this.#inside += 1;
      this.#waiting.shift()!();
    }
  }
}
