/** A job that waits for room on a disk: what it waits for, in words that say how much is missing now, and whether the wait is over. */
import { wordsOfLack, type LacksRoom } from '../store/room.ts';
import type { Hold } from './holds.ts';

const lookAgainMs = 1000;
/** Where the disk ran full although it seemed to have room: it may look so again at once, and each attempt costs work. */
const ranFullMs = 60_000;

export class Lack {
  readonly #error: LacksRoom;
  #reason: string;
  #lookAtMs: number;

  constructor(error: LacksRoom, nowMs: number) {
    this.#error = error;
    this.#reason = error.reason;
    this.#lookAtMs = nowMs + (error.ranFull ? ranFullMs : lookAgainMs);
  }

  get hold(): Hold {
    return { by: 'policy', reason: this.#reason };
  }

  /** Looks at the disk, not more often than makes sense. */
  async isOver(nowMs: number): Promise<boolean> {
    if (nowMs < this.#lookAtMs) return false;
    this.#lookAtMs = nowMs + lookAgainMs;
    const { room, what } = this.#error;
    const bytesFree = await room.bytesFree().catch(() => 0);
    if (bytesFree >= room.bytesNeeded) return true;
    this.#reason = wordsOfLack(what, room, bytesFree);
    return false;
  }
}
