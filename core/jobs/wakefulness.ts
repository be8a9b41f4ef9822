/**
 * Keeps the machine from falling asleep where no desktop shell does: a program of the system's own holds its lock while it runs. It is
 * tied to this process, so that one that is killed leaves no lock behind. Where there is no such program the machine may fall asleep,
 * which harms nothing that is archived: it only makes the work wait for the morning.
 */
import { spawn, type ChildProcess } from 'node:child_process';

type Command = readonly [program: string, ...args: string[]];

/** Commits follow one another: between two of them the lock is not worth giving back. */
const lingerMs = 1000;
/** Where it could not be had it is not asked for again at every commit. */
const refusedMs = 10 * 60_000;

const inhibit = (mode: 'block' | 'delay'): Command => [
  'systemd-inhibit',
  '--what=sleep',
  '--who=Cairn',
  '--why=A checkpoint is being committed or released',
  `--mode=${mode}`,
  'cat', // ends with the pipe that is its standard input, and so with this process
];

/** By platform, the best first. Of a user who may not forbid sleep logind still takes a delay, of a few seconds. */
function commandsOf(platform: NodeJS.Platform): Command[] {
  if (platform === 'linux') return [inhibit('block'), inhibit('delay')];
  return platform === 'darwin' ? [['/usr/bin/caffeinate', '-i', '-w', String(process.pid)]] : [];
}

export class Wakefulness {
  readonly #commands: Command[];
  /** The first of the commands that may work here. */
  #which = 0;
  #child: ChildProcess | undefined;
  #ending: NodeJS.Timeout | undefined;
  #wanted = false;
  #refusedUntilMs = -Infinity;

  constructor(platform = process.platform) {
    this.#commands = commandsOf(platform);
  }

  keep(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#ending);
    if (wanted) this.#hold();
    else this.#ending = setTimeout(() => this.#letGo(), lingerMs).unref();
  }

  close(): void {
    this.#wanted = false;
    clearTimeout(this.#ending);
    this.#letGo();
  }

  #hold(): void {
    const command = this.#commands[this.#which];
    if (this.#child || !command || performance.now() < this.#refusedUntilMs) return;
    const child = this.#start(command);
    if (!child) return this.#next();
    this.#child = child;
    child.unref();
    child.stdin?.on('error', () => undefined); // it has ended
    child.once('error', () => this.#refused(child));
    child.once('exit', () => this.#refused(child));
  }

  /** In a group of its own: Ctrl+C is for this process, which ends the other when it is done. @returns undefined where none can be started */
  #start([program, ...args]: Command): ChildProcess | undefined {
    try {
      return spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    } catch {
      return undefined; // some failures are thrown, most are told by an event
    }
  }

  /** It ended by itself: not there, or not allowed. */
  #refused(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#next();
  }

  #next(): void {
    this.#which = (this.#which + 1) % this.#commands.length;
    if (this.#which === 0) this.#refusedUntilMs = performance.now() + refusedMs;
    if (this.#wanted) this.#hold();
  }

  #letGo(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.stdin?.end();
    child?.kill();
  }
}
