/** Slots on their way to a file: a few at a time, and the first that failed is not forgotten. */
import type { CodecPool } from './pool.ts';

export interface SlotPiece {
  slotOffset: number;
  length: number;
  fileOffset: number;
}

export class SlotWrites {
  readonly #pool: CodecPool;
  readonly #path: string;
  readonly #running = new Set<Promise<void>>();
  #failed: { error: unknown } | undefined;

  constructor(pool: CodecPool, path: string) {
    this.#pool = pool;
    this.#path = path;
  }

  /**
   * Starts writing pieces of a slot, or frees it where there are none; waits while as many as there are threads are under way.
   *
   * @throws what an earlier write failed with
   */
  async add(slot: number, pieces: SlotPiece[]): Promise<void> {
    const task = pieces.length > 0 ? this.#pool.write({ slot, path: this.#path, pieces }) : this.#pool.release(slot);
    const tracked = task
      .catch((error: unknown) => {
        this.#failed ??= { error };
      })
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    if (this.#running.size >= this.#pool.threads) await Promise.race(this.#running);
    this.#assertFine();
  }

  /** Waits until all have landed. @throws what one of them failed with */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
    this.#assertFine();
  }

  #assertFine(): void {
    if (this.#failed) throw this.#failed.error;
  }
}
