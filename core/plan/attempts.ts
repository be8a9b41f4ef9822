/**
 * What failed is left for a while, twice as long after each failure, or until it changes: a watch looks every minute, and would read and
 * code at every look what can't succeed. No clock and no I/O.
 */
import type { Candidate } from './policy.ts';

const firstMs = 60_000;
const longestMs = 60 * 60_000;

type Tried = Pick<Candidate, 'path' | 'modifiedMs'>;

export class Attempts {
  readonly #failed = new Map<string, { modifiedMs: number; waitMs: number; atMs: number }>();

  /** Whether it may be tried now. A clock that was set back makes nobody wait longer. */
  isDue({ path, modifiedMs }: Tried, nowMs: number): boolean {
    const failed = this.#failed.get(path);
    return !failed || failed.modifiedMs !== modifiedMs || nowMs < failed.atMs || nowMs >= failed.atMs + failed.waitMs;
  }

  /** @returns how long it is left, where it doesn't change */
  failed({ path, modifiedMs }: Tried, nowMs: number): number {
    const before = this.#failed.get(path);
    const waitMs = before?.modifiedMs === modifiedMs ? Math.min(longestMs, before.waitMs * 2) : firstMs;
    this.#failed.set(path, { modifiedMs, waitMs, atMs: nowMs });
    return waitMs;
  }

  succeeded({ path }: Tried): void {
    this.#failed.delete(path);
  }
}
