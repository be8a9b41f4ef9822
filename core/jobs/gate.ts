/**
 * Where a job's tasks wait before they begin: all of them while the job is paused, those above the job's share of the threads, and
 * those that the budget of all jobs has no room for. Tasks pass in the order in which they came. What only ends work already begun
 * does not come through here, so a paused job's memory drains.
 */
import { Budget } from './budget.ts';

export class Gate {
  readonly #budget: Budget;
  #closed = false;
  #abandoned = false;
  #limit = Infinity;
  #inside = 0;
  readonly #waiting: { bytes: number; pass: () => void }[] = [];
  readonly #again = (): boolean => {
    this.#admit();
    return !this.#closed && this.#waiting.length > 0;
  };

  constructor(budget = new Budget()) {
    this.#budget = budget;
  }

  /** How many tasks are under way. */
  get inside(): number {
    return this.#inside;
  }

  /** Resolves once a task that reads or makes so many bytes may begin; whoever entered calls `leave`. */
  enter(bytes = 0): Promise<void> {
    return new Promise((pass) => {
      this.#waiting.push({ bytes, pass });
      this.#admit();
    });
  }

  leave(): void {
    this.#inside -= 1;
    this.#budget.giveBack();
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
    this.#abandoned = true;
    this.#limit = Infinity;
    this.open();
  }

  #admit(): void {
    while (!this.#closed && this.#inside < this.#limit && this.#waiting.length > 0) {
      const { bytes, pass } = this.#waiting[0]!;
      if (this.#abandoned) this.#budget.force(0);
      else if (!this.#budget.take(bytes, this.#again)) return;
      this.#waiting.shift();
      this.#inside += 1;
      pass();
    }
  }
}
