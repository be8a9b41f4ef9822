/**
 * What archiving in the background costs a trainer on the same machine: a load that saves checkpoints into a watched folder, alone and
 * with Cairn beside it, in turn. Cairn runs as people run it, `cairn serve` with a schedule that watches, at its default budget.
 * Afterwards every checkpoint is restored and compared with what the load saved: none may be torn, and none may be missing.
 *
 *   node test/bench/background.ts [--saves 10] [--every 60] [--mib 256] [--rounds 2] [--alone SAVES] [--folder DIR]
 *
 * --alone: how many saves the load makes alone, where fewer will do to know its speed.
 *
 * The build must be up to date (`npm run build`). Nothing else should run meanwhile.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const load = path.resolve(import.meta.dirname, 'background-load.ts');
const { values } = parseArgs({
  options: {
    saves: { type: 'string', default: '10' },
    every: { type: 'string', default: '60' },
    mib: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '2' },
    alone: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
  },
});

interface Loaded {
  steps: number;
  /** Within steps, without saving. */
  stepSeconds: number;
  seconds: number;
  digests: Record<string, string>;
}

interface Background {
  /** Processor time of the service. */
  cpuSeconds: number;
  sealed: number;
  damaged: number;
}

async function runLoad(run: string, saves = values.saves): Promise<Loaded> {
  const child = spawn(process.execPath, [load, run, saves, values.every, values.mib], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  await once(child, 'exit');
  return JSON.parse(line) as Loaded;
}

class Beside {
  readonly #places: string[];
  readonly #folder: string;
  #service: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#places = ['--home', path.join(folder, 'home'), '--store', path.join(folder, 'store')];
  }

  async begin(run: string): Promise<void> {
    this.#cairn('schedule', 'add', 'watch', run, '--on-battery');
    this.#service = spawn(process.execPath, [cli, 'serve', '--port', '0', ...this.#places], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#service.stdout!, 'data');
  }

  /** Waits until every checkpoint is sealed, ends the service, and compares everything with what was saved. */
  async end(digests: Record<string, string>): Promise<Background> {
    const wanted = Number(values.saves);
    const giveUpMs = performance.now() + 300_000;
    while (this.#snapshots().length < wanted && performance.now() < giveUpMs) await sleep(2000);
    const cpuSeconds = cpuOf(this.#service!.pid!);
    this.#service!.kill('SIGTERM');
    await once(this.#service!, 'exit');
    const names = [...new Set(Object.keys(digests).map((file) => path.dirname(file)))];
    const damaged = names.filter((name) => !this.#isWhole(name, digests)).length;
    return { cpuSeconds, sealed: this.#snapshots().length, damaged };
  }

  #isWhole(name: string, digests: Record<string, string>): boolean {
    const to = path.join(this.#folder, 'back', name);
    this.#cairn('restore', `run@${Number(name.slice('step-'.length))}`, '--to', to);
    const files = Object.entries(digests).filter(([file]) => path.dirname(file) === name);
    return files.every(
      ([file, digest]) =>
        createHash('sha256')
          .update(readFileSync(path.join(to, path.basename(file))))
          .digest('hex') === digest,
    );
  }

  #snapshots(): unknown[] {
    const last = this.#cairn('ls', '--json').trim().split('\n').at(-1)!;
    return (JSON.parse(last) as { snapshots?: unknown[] }).snapshots ?? [];
  }

  #cairn(...args: string[]): string {
    return spawnSync(process.execPath, [cli, ...args, ...this.#places], { encoding: 'utf8' }).stdout;
  }
}

/** User and system time of a process and its threads, from Linux. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const perSecond = ({ steps, seconds }: Loaded): number => steps / seconds;
const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)]!;

const alone: number[] = [];
const beside: number[] = [];
for (let round = 1; round <= Number(values.rounds); round++) {
  const folder = mkdtempSync(path.join(values.folder, 'cairn-background-'));
  try {
    const first = await runLoad(path.join(folder, 'alone', 'run'), values.alone);
    alone.push(perSecond(first));
    const run = path.join(folder, 'watched', 'run');
    mkdirSync(run, { recursive: true });
    const cairn = new Beside(folder);
    await cairn.begin(run);
    const second = await runLoad(run);
    beside.push(perSecond(second));
    const { cpuSeconds, sealed, damaged } = await cairn.end(second.digests);
    const figures = { round, stepsAlone: perSecond(first), stepsBeside: perSecond(second), cpuSeconds, sealed, damaged };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const slower = 100 * (1 - median(beside) / median(alone));
process.stdout.write(`${availableParallelism()} cores; the load is ${slower.toFixed(1)} % slower beside Cairn (medians)\n`);
