/**
 * What archiving in the background costs a trainer on the same machine: a load that saves checkpoints into a watched folder. Cairn runs as
 * people run it, `cairn serve` with a schedule that watches, at its default budget. The load's speed is told second by second, and seconds
 * in which a job ran are compared with the others of the same run: machines become slower and faster by themselves within minutes, so a
 * run without Cairn at another time says little. Afterwards every checkpoint is restored and compared with what the load saved: none may
 * be torn, and none may be missing.
 *
 *   node test/bench/background.ts [--saves 10] [--every 60] [--mib 256] [--folder DIR]
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
    folder: { type: 'string', default: tmpdir() },
  },
});

interface Loaded {
  seconds: [endedMs: number, steps: number][];
  savingSeconds: number;
  digests: Record<string, string>;
}

interface Background {
  /** Processor time of the service. */
  cpuSeconds: number;
  sealed: number;
  damaged: number;
  /** From when to when each job ran, by the clock of the world. */
  jobs: { fromMs: number; toMs: number }[];
}

async function runLoad(run: string): Promise<Loaded> {
  const child = spawn(process.execPath, [load, run, values.saves, values.every, values.mib], { stdio: ['ignore', 'pipe', 'inherit'] });
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
    return { cpuSeconds, sealed: this.#snapshots().length, damaged, jobs: this.#jobs() };
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

  #jobs(): Background['jobs'] {
    const last = this.#cairn('jobs', '--json').trim().split('\n').at(-1)!;
    const { jobs } = JSON.parse(last) as { jobs: { kind: string; started?: string; ended?: string }[] };
    const archives = jobs.filter(({ kind, started, ended }) => kind === 'archive' && started !== undefined && ended !== undefined);
    return archives.map(({ started, ended }) => ({ fromMs: Date.parse(started!), toMs: Date.parse(ended!) }));
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

const mean = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const rates = (seconds: Loaded['seconds']): number[] => seconds.map(([, steps]) => steps);

const folder = mkdtempSync(path.join(values.folder, 'cairn-background-'));
try {
  const run = path.join(folder, 'watched', 'run');
  mkdirSync(run, { recursive: true });
  const cairn = new Beside(folder);
  await cairn.begin(run);
  const { seconds, savingSeconds, digests } = await runLoad(run);
  const { jobs, ...background } = await cairn.end(digests);
  const isBusy = ([endedMs]: Loaded['seconds'][number]): boolean =>
    jobs.some(({ fromMs, toMs }) => endedMs > fromMs && endedMs - 1000 < toMs);
  const [busy, idle] = [seconds.filter(isBusy), seconds.filter((second) => !isBusy(second))];
  const slower = (of: Loaded['seconds']): number => 100 * (1 - mean(rates(of)) / mean(rates(idle)));
  process.stdout.write(
    `${JSON.stringify({ ...background, jobs: jobs.length, seconds: seconds.length, busySeconds: busy.length, savingSeconds, stepsIdle: mean(rates(idle)), stepsBusy: mean(rates(busy)) })}\n` +
      `${availableParallelism()} cores; while Cairn archives the load is ${slower(busy).toFixed(1)} % slower, over all its time ${slower(seconds).toFixed(1)} %\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
