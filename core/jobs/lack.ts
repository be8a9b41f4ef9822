/** What a job lacks that others may give back: room on a disk, or the lock of the store. In words of now, and whether the wait is over. */
import { StoreLocked } from '../store/lock.ts';
import { LacksRoom, wordsOfLack } from '../store/room.ts';
import type { Hold } from './holds.ts';

const lookAgainMs = 1000;
/** Where the disk ran full although it seemed to have room: it may look so again at once, and each attempt costs work. */
const ranFullMs = 60_000;

/** What a job that can wait is not to fail of. */
export const canBeWaitedFor = (thrown: unknown): thrown is LacksRoom | StoreLocked =>
  thrown instanceof LacksRoom || thrown instanceof StoreLocked;

export class Lack {
  readonly #error: LacksRoom | StoreLocked;
  #reason: string;
  #lookAtMs: number;
  #lookedMs: number;

  constructor(error: LacksRoom | StoreLocked, nowMs: number) {
    this.#error = error;
    this.#reason = error.reason;
    this.#lookedMs = nowMs;
    this.#lookAtMs = nowMs + (error instanceof LacksRoom && error.ranFull ? ranFullMs : lookAgainMs);
  }

  get hold(): Hold {
    return { by: 'policy', reason: this.#reason };
  }

  /** Looks again, not more often than makes sense; at once where the clock was set back. */
  async isOver(nowMs: number): Promise<boolean> {
    if (nowMs < this.#lookAtMs && nowMs >= this.#lookedMs) return false;
    [this.#lookedMs, this.#lookAtMs] = [nowMs, nowMs + lookAgainMs];
    if (this.#error instanceof StoreLocked) return this.#error.isFree().catch(() => false);
    const { room, what } = this.#error;
    const bytesFree = await room.bytesFree().catch(() => 0);
    if (bytesFree >= room.bytesNeeded) return true;
    this.#reason = wordsOfLack(what, room, bytesFree);
    return false;
  }
}
