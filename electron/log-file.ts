/** The shell's log: what it and its service had to say, in one file of the profile and on standard error. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** Then it is set aside, in place of the one set aside before. */
const mostBytes = 1024 * 1024;
const linesHeld = 200;

export class LogFile {
  readonly path: string;
  readonly #last: string[] = [];

  /** @param folder is made; where it can't be written lines go to standard error alone */
  constructor(folder: string) {
    this.path = path.join(folder, 'cairn.log');
  }

  /** The newest lines of this start, in order. */
  get last(): readonly string[] {
    return this.#last;
  }

  add(line: string, now = new Date()): void {
    const stamped = `${now.toISOString()} ${line.replaceAll(/[\r\n]+/g, ' ')}`;
    this.#last.push(stamped);
    if (this.#last.length > linesHeld) this.#last.shift();
    process.stderr.write(`cairn: ${line}\n`);
    try {
      this.#append(stamped);
    } catch {
      // A full disk, say: it was told on standard error, and is among the last lines.
    }
  }

  #append(stamped: string): void {
    mkdirSync(path.dirname(this.path), { recursive: true });
    const bytes = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes > mostBytes) renameSync(this.path, `${this.path}.1`);
    appendFileSync(this.path, `${stamped}\n`, { mode: 0o600 });
  }
}
