/** When somebody last looked at the window, kept in a file of the profile: what failed since then has not been seen. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const content = z.object({ lookedMs: z.number() });

export class Looked {
  readonly #file: string;
  #atMs = 0;

  /** At the first start everything has been seen. */
  constructor(file: string) {
    this.#file = file;
    const kept = this.#read();
    if (kept === undefined) this.now();
    else this.#atMs = kept;
  }

  get atMs(): number {
    return this.#atMs;
  }

  /** Somebody looks. A profile that can't be written costs only this. */
  now(): void {
    this.#atMs = Date.now();
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      writeFileSync(`${this.#file}.new`, JSON.stringify({ lookedMs: this.#atMs }));
      renameSync(`${this.#file}.new`, this.#file);
    } catch (thrown) {
      process.stderr.write(`cairn: when the window was looked at was not kept: ${(thrown as Error).message}\n`);
    }
  }

  #read(): number | undefined {
    try {
      return content.parse(JSON.parse(readFileSync(this.#file, 'utf8'))).lookedMs;
    } catch {
      return undefined;
    }
  }
}
