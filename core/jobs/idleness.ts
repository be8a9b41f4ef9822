/**
 * Since when the machine has had little to do: of all its cores together over the last minute, without what this process does itself.
 * Otherwise work that waits for an idle machine would end that state, and then begin again, all night long.
 */
import { cpus } from 'node:os';

/** Of what all cores could do. */
const idleShare = 0.25;
const windowMs = 60_000;
/** After a sleep what was before says nothing. */
const sleptMs = 5 * 60_000;

/** Milliseconds of all cores since some moment: worked, had, and worked by this process. */
export interface Worked {
  busyMs: number;
  wholeMs: number;
  ownMs: number;
}

/** As the system counts it. */
export function readWorked(): Worked {
  const sums = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ busy: user + nice + sys + irq, idle }));
  const busyMs = sums.reduce((sum, { busy }) => sum + busy, 0);
  const { user, system } = process.cpuUsage();
  return { busyMs, wholeMs: busyMs + sums.reduce((sum, { idle }) => sum + idle, 0), ownMs: (user + system) / 1000 };
}

export class Idleness {
  readonly #read: () => Worked;
  #seen: (Worked & { atMs: number })[] = [];
  #sinceMs: number | undefined;

  constructor(read = readWorked) {
    this.#read = read;
  }

  /** Call it every few seconds. @returns undefined while it is busy, and before anything is known */
  sinceMs(nowMs: number): number | undefined {
    const last = this.#seen.at(-1);
    const isJump = last !== undefined && (nowMs < last.atMs || nowMs - last.atMs > sleptMs);
    if (isJump) [this.#seen, this.#sinceMs] = [[], undefined];
    this.#seen.push({ ...this.#read(), atMs: nowMs });
    // One that is older than the window stays, so that the window is whole.
    while (this.#seen.length > 2 && this.#seen[1]!.atMs <= nowMs - windowMs) this.#seen.shift();
    this.#sinceMs = this.#isIdle() ? (this.#sinceMs ?? nowMs) : undefined;
    return this.#sinceMs;
  }

  #isIdle(): boolean {
    const [first, last] = [this.#seen[0]!, this.#seen.at(-1)!];
    const wholeMs = last.wholeMs - first.wholeMs;
    if (wholeMs <= 0) return false;
    return (last.busyMs - first.busyMs - (last.ownMs - first.ownMs)) / wholeMs < idleShare;
  }
}
