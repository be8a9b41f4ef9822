/**
 * The real command line over a system that fails: at one call on the store (or on the target of a restore) a write, a sync, a
 * rename or a read goes wrong, or lies. It ends well or in one line, every sealed snapshot is whole, and the same command then ends
 * well. Linux only: the shim is loaded with LD_PRELOAD.
 *
 * Each run takes one call of every kind, others each day. All of them up to the end of each command:
 *   CAIRN_ALL_FAULTS=1 npx vitest run --config build/vitest.config.ts test/fault/system.spec.ts
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, type Ran } from '../cli/run-cli.ts';
import { ageLock } from '../crash/killing.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { randomSource } from '../native/contents.ts';
import { shimmed, systemFaults, type SystemFault } from './shim.ts';

const all = process.env['CAIRN_ALL_FAULTS'] === '1';
const random = randomSource(Math.floor(Date.now() / 86_400_000));
/** Calls let through before the fault: close together at first, then ever farther apart. */
const moments = [0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 150, 200];

const steps = [400, 2000, 2200, 2400];
let bench: Bench;
let chain: string;
let home: string;
let template: string;
beforeAll(() => {
  bench = new Bench();
  chain = bench.copyChain();
  home = bench.path('home');
  template = bench.path('template');
});
afterAll(() => bench.close());

const command = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  runCli([...args, '--store', bench.storePath], { home, env });
const packs = (): string[] =>
  readdirSync(path.join(bench.storePath, 'packs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack'));

async function expectRestored(which: number[]): Promise<void> {
  for (const step of which) {
    const to = bench.path('back');
    await bench.restore({ snapshot: `run@${step}`, to });
    expect(picture(to)).toEqual(picture(path.join(chain, `step-${String(step).padStart(6, '0')}`)));
    rmSync(to, { recursive: true });
  }
}

interface Scenario {
  args: string[];
  /** Below it calls fail. */
  root: string;
  /** Puts the store that the command begins with in its place. */
  prepare(): Promise<void>;
  /** Steps that are sealed before the command begins, and after it ended well. */
  before: number[];
  after: number[];
  check?(): void;
}

async function fromTemplate(make: () => Promise<void>): Promise<void> {
  if (!existsSync(template)) {
    rmSync(bench.storePath, { recursive: true, force: true });
    await make();
    cpSync(bench.storePath, template, { recursive: true });
  }
  rmSync(bench.storePath, { recursive: true, force: true });
  cpSync(template, bench.storePath, { recursive: true });
}

const archived = async (): Promise<void> => void (await bench.archive({ paths: [chain] }));

/** In each pack one byte of a blob is another. */
async function damagedWithParity(): Promise<void> {
  await archived();
  expect((await command(['repair', '--parity'])).exitCode).toBe(0);
  for (const name of packs()) {
    const file = path.join(bench.storePath, 'packs', name);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
  }
}

async function withoutEverySecond(): Promise<void> {
  await archived();
  expect((await command(['rm', 'run@400', 'run@2200'])).exitCode).toBe(0);
}

const scenarios: Record<string, () => Scenario> = {
  'an archive': () => ({
    args: ['archive', chain],
    root: bench.storePath,
    prepare: () => fromTemplate(async () => void (await bench.archive({ paths: [chain], steps: [400, 2000] }))),
    before: [400, 2000],
    after: steps,
  }),
  'a prune that codes deltas anew': () => ({
    args: ['prune', '--grace', '0'],
    root: bench.storePath,
    prepare: () => fromTemplate(withoutEverySecond),
    before: [2000, 2400],
    after: [2000, 2400],
  }),
  'a repair': () => ({
    args: ['repair'],
    root: bench.storePath,
    prepare: () => fromTemplate(damagedWithParity),
    before: [],
    after: steps,
  }),
  'a restore': () => ({
    args: ['restore', 'run@2400', '--to', bench.path('target'), '--force'],
    root: bench.path('target'),
    prepare: async () => {
      await fromTemplate(archived);
      rmSync(bench.path('target'), { recursive: true, force: true });
    },
    before: steps,
    after: steps,
    check: () => {
      for (const name of existsSync(bench.path('target')) ? readdirSync(bench.path('target')) : [])
        if (!name.startsWith('.cairn-restore-'))
          expect(readFileSync(path.join(bench.path('target'), name)).equals(readFileSync(path.join(chain, 'step-002400', name)))).toBe(
            true,
          );
    },
  }),
};

/** Calls that a command never makes. */
const without: Record<string, SystemFault[]> = {
  'an archive': ['truncate-enospc'],
  'a repair': ['truncate-enospc'],
  'a restore': ['unlink-eio'],
};

/** @returns false where the command ended without meeting the fault */
async function strike({ args, root, prepare, before, after, check }: Scenario, fault: SystemFault, at: number): Promise<boolean> {
  await prepare();
  const struck = bench.path('struck');
  rmSync(struck, { force: true });
  const failed = await command(args, shimmed({ root, fault, at, struck }));
  const met = existsSync(struck);
  const what = { fault, at, met, exitCode: failed.exitCode, stderr: failed.stderr };
  if (failed.exitCode !== 0) {
    expect(what).toMatchObject({ met: true, exitCode: 1 });
    // What a repair could not mend is its result, not an error.
    if (args[0] !== 'repair' || failed.stdout === '') expect(failed.stderr).toMatch(/^(cairn: [^\n]+\n)+$/);
  }
  expect(failed.stderr).not.toMatch(/\n {4}at |unexpected|please report/);
  check?.();
  await expectRestored(before.slice(-1));
  ageLock(bench.storePath);
  const again = await command(args);
  expect({ ...what, again: again.stderr, code: again.exitCode }).toMatchObject({ code: 0 });
  check?.();
  await expectRestored(after.slice(-2));
  if (before.length > 0) expect({ ...what, ...(await bench.verify()) }).toMatchObject({ findings: [] });
  return met;
}

describe.runIf(process.platform === 'linux').each(Object.keys(scenarios))('%s', (name) => {
  beforeAll(() => rmSync(template, { recursive: true, force: true }));

  it.each(systemFaults)('survives %s', { timeout: 900_000 }, async (fault) => {
    const scenario = scenarios[name]!();
    if (all) {
      for (const at of moments) if (!(await strike(scenario, fault, at))) break;
      return;
    }
    // Of a command with fewer calls the first is taken.
    const met = (await strike(scenario, fault, moments[random() % 8]!)) || (await strike(scenario, fault, 0));
    expect(met).toBe(!without[name]?.includes(fault));
  });
});

describe.runIf(process.platform === 'linux')('a clock that jumps', () => {
  it.each([400 * 86_400, -400 * 86_400])('by %i s during an archive harms nothing', async (clockSeconds) => {
    for (const at of [0, 300, 1500]) {
      rmSync(bench.storePath, { recursive: true, force: true });
      const { exitCode, stderr } = await command(['archive', chain], shimmed({ root: bench.storePath, at, clockSeconds }));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await expectRestored(steps);
      expect((await command(['prune'], shimmed({ root: bench.storePath, at, clockSeconds: -clockSeconds }))).exitCode).toBe(0);
      await expectRestored(steps.slice(-1));
      expect((await bench.verify()).findings).toEqual([]);
    }
  });
});
