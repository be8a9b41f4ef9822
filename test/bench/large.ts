/**
 * A checkpoint of many gigabytes, from files to files: archiving a keyframe and a delta, proof included, and restoring them,
 * against `cp -r` and `sync` of the same folders on the same disk, in turn. Says how much memory the process held at most.
 *
 *   node test/bench/large.ts SAVE NEXT_SAVE [--gib 6] [--folder DIR] [--rounds 1] [--threads N]
 *
 * SAVE and NEXT_SAVE are safetensors files of one run. DIR needs room for about six times the size. Where the system lets it
 * (Linux, as root), the page cache is dropped before every step, so that all of them read from the disk.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeLargeCheckpoint } from './large-checkpoint.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const gibibyte = 1024 ** 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gib: { type: 'string', default: '6' },
    folder: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const [save, nextSave] = positionals;
if (save === undefined || nextSave === undefined) throw new Error('two safetensors files of one run are needed');

interface Run {
  seconds: number;
  userSeconds: number;
  systemSeconds: number;
  /** The most that was resident, from the kernel's own mark. */
  peakMiB: number;
}

/** The process' own account while it runs: the last one seen counts. */
function accountOf(pid: number): Omit<Run, 'seconds'> | undefined {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number);
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? undefined : { userSeconds: user! / 100, systemSeconds: system! / 100, peakMiB: Number(peak) / 1024 };
  } catch {
    return undefined; // it has ended
  }
}

async function run(command: string, args: string[], environment: Record<string, string> = {}): Promise<Run> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment } });
  let account: Omit<Run, 'seconds'> = { userSeconds: 0, systemSeconds: 0, peakMiB: 0 };
  const watch = setInterval(() => (account = accountOf(child.pid!) ?? account), 20);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ended with ${String(code)}`);
  return { seconds: (performance.now() - started) / 1000, ...account };
}

/** Everything written is on the disk, and nothing is in memory that would spare reading it. */
function settle(): boolean {
  spawnSync('sync');
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

async function copy(from: string, to: string): Promise<number> {
  settle();
  const started = performance.now();
  await run('cp', ['-r', from, to]);
  await run('sync', []);
  const seconds = (performance.now() - started) / 1000;
  rmSync(to, { recursive: true });
  return seconds;
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(path.join(folder, name)))
    .reduce((sum, status) => sum + (status.isFile() ? status.size : 0), 0);

const report = (record: Record<string, unknown>): boolean => process.stdout.write(`${JSON.stringify(record)}\n`);

const threads = ['--threads', values.threads];
const work = mkdtempSync(path.join(values.folder ?? tmpdir(), 'cairn-large-'));
try {
  const source = path.join(work, 'run');
  const steps = [save, nextSave].map((file, index) => {
    const folder = path.join(source, `step-${String(index + 1).padStart(6, '0')}`);
    return { folder, step: index + 1, bytes: writeLargeCheckpoint(file, folder, Number(values.gib) * gibibyte) };
  });
  for (let round = 0; round < Number(values.rounds); round++) {
    const store = path.join(work, `store-${round}`);
    const environment = { CAIRN_HOME: path.join(work, `home-${round}`), CAIRN_STORE: store };
    for (const { folder, step, bytes } of steps) {
      const copySeconds = await copy(folder, path.join(work, 'copy'));
      const before = round === 0 && step === 1 ? 0 : sizeOf(store);
      const isCold = settle();
      const archived = await run(process.execPath, [cli, 'archive', source, '--step', String(step), '--json', ...threads], environment);
      const mode = step === 1 ? 'keyframe' : 'delta';
      const stored = sizeOf(store) - before;
      report({
        operation: 'archive',
        mode,
        threads: Number(values.threads),
        bytes,
        stored,
        isCold,
        ...archived,
        copySeconds,
        againstCopy: archived.seconds / copySeconds,
      });
      settle();
      const target = path.join(work, 'restored');
      const restored = await run(process.execPath, [cli, 'restore', `run@${step}`, '--to', target, '--json', ...threads], environment);
      if (spawnSync('diff', ['-r', folder, target], { stdio: 'inherit' }).status !== 0)
        throw new Error(`${target}: is not what was archived`);
      rmSync(target, { recursive: true });
      report({
        operation: 'restore',
        mode,
        threads: Number(values.threads),
        bytes,
        isCold,
        ...restored,
        copySeconds,
        againstCopy: restored.seconds / copySeconds,
      });
    }
    rmSync(store, { recursive: true });
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
