/** What other programs say of the machine, asked while somebody wants to know it, and not more often than it changes. */
import { execFile } from 'node:child_process';

const patienceMs = 10_000;
const mostBytes = 64 * 1024;

/** What a program prints; nothing where it is not there, fails or takes too long. */
export function wordsOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: patienceMs, maxBuffer: mostBytes, windowsHide: true };
    try {
      execFile(program, args, options, (error, stdout) => resolve(error ? '' : stdout));
    } catch {
      resolve(''); // where no process can be started that is thrown
    }
  });
}

/** A value that is asked for in the background: whoever reads it has the last answer, and one that has grown old is asked anew. */
export class Asked<T> {
  readonly #ageMs: number;
  readonly #ask: () => Promise<T>;
  #value: T;
  #askedMs = -Infinity;

  /** @param first holds until there is an answer; `ask` does not fail */
  constructor(ageMs: number, first: T, ask: () => Promise<T>) {
    [this.#ageMs, this.#value, this.#ask] = [ageMs, first, ask];
  }

  get value(): T {
    const nowMs = performance.now();
    if (nowMs - this.#askedMs > this.#ageMs) {
      this.#askedMs = nowMs;
      void this.#ask().then((value) => (this.#value = value));
    }
    return this.#value;
  }
}
