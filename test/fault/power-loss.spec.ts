/**
 * The power goes out at any moment of an archive, a prune, a repair or a restore, and of what was not synced any part is lost, in
 * any order. Whatever was sealed before comes back equal, what is there is whole, and the same command then ends well. Linux
 * only: the changes are written down by the shim of LD_PRELOAD.
 *
 * Each run takes some moments, others each day; a longer campaign:
 *   CAIRN_POWER_LOSSES=500 npx vitest run --config build/vitest.config.ts test/fault/power-loss.spec.ts
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli, type Ran } from '../cli/run-cli.ts';
import { ageLock } from '../crash/killing.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { randomSource } from '../native/contents.ts';
import { Disk, readTrace, type Change } from './power-loss.ts';
import { shimmed } from './shim.ts';

const losses = Number(process.env['CAIRN_POWER_LOSSES'] ?? 12);
const random = randomSource(Math.floor(Date.now() / 86_400_000));
const timeLimitMs = 120_000 + losses * 20_000;
const steps = [400, 2000, 2200, 2400];

let bench: Bench;
let chain: string;
beforeEach(() => {
  bench = new Bench();
  chain = bench.copyChain();
});
afterEach(() => bench.close());

const command = (args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  runCli([...args, '--store', bench.storePath], { home: bench.path('home'), env });
const original = (step: number): string => path.join(chain, `step-${String(step).padStart(6, '0')}`);
const manifests = (): string[] => readdirSync(path.join(bench.storePath, 'snapshots')).sort();

async function expectRestored(which: readonly number[]): Promise<void> {
  for (const step of which) {
    await bench.restore({ snapshot: `run@${step}`, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(original(step)));
    rmSync(bench.path('back'), { recursive: true });
  }
}

/** Runs a command and says what it changed below `root`, as it was before. */
async function changesOf(args: string[], root: string, before: string): Promise<Change[]> {
  if (existsSync(root)) cpSync(root, before, { recursive: true });
  const trace = bench.path('trace');
  expect(await command(args, shimmed({ root, trace }))).toMatchObject({ exitCode: 0 });
  return readTrace(trace);
}

/** Puts what is left of `root` in its place, at moments over all of its changes. */
async function everyLoss(root: string, before: string, changes: Change[], check: (done: Change[]) => Promise<void>): Promise<void> {
  expect(changes.length).toBeGreaterThan(5);
  for (let round = 0; round < losses; round++) {
    rmSync(root, { recursive: true, force: true });
    if (existsSync(before)) cpSync(before, root, { recursive: true });
    const disk = new Disk(root);
    const moment = round === losses - 1 ? changes.length : Math.floor(((round + random() / 2 ** 32) * changes.length) / losses);
    const done = changes.slice(0, moment);
    for (const change of done) disk.apply(change);
    // Sometimes nearly all came to the disk, sometimes hardly anything.
    const share = (random() % 5) / 4;
    disk.lose(() => random() / 2 ** 32 < share);
    await check(done);
  }
}

/** Manifests whose name was durable. */
function sealed(done: Change[]): string[] {
  const folder = path.join(bench.storePath, 'snapshots');
  const synced = done.findLastIndex((change) => change.kind === 'sync' && change.path === folder);
  return done
    .slice(0, Math.max(0, synced))
    .flatMap((change) => (change.kind === 'rename' && path.dirname(change.to) === folder ? [path.basename(change.to)] : []));
}

async function expectSound(): Promise<void> {
  const { findings } = await bench.verify();
  expect(findings.filter(({ code }) => code !== 'pack-orphaned')).toEqual([]);
}

describe.runIf(process.platform === 'linux')('a loss of power', () => {
  it('during an archive loses nothing that was sealed', { timeout: timeLimitMs }, async () => {
    const archiving = ['archive', chain];
    const changes = await changesOf(archiving, bench.storePath, bench.path('before'));
    let [some, all] = [0, 0];
    await everyLoss(bench.storePath, bench.path('before'), changes, async (done) => {
      ageLock(bench.storePath);
      const durable = sealed(done);
      if (durable.length > 0) expect(manifests()).toEqual(expect.arrayContaining(durable));
      if (durable.length > 0 && durable.length < steps.length) some++;
      if (durable.length === steps.length) all++;
      if (existsSync(path.join(bench.storePath, 'cairn.json'))) await expectSound();
      expect(await command(archiving)).toMatchObject({ exitCode: 0 });
      await expectRestored(steps.slice(-1));
      expect((await command(['prune', '--grace', '0'])).exitCode).toBe(0);
      expect((await bench.verify()).findings).toEqual([]);
    });
    // Else the moments were not where the work is.
    expect(some).toBeGreaterThan(0);
    expect(all).toBeGreaterThan(0);
  });

  it('during a prune loses nothing that a snapshot needs', { timeout: timeLimitMs }, async () => {
    await bench.archive({ paths: [chain] });
    expect((await command(['rm', 'run@400', 'run@2200'])).exitCode).toBe(0);
    const pruning = ['prune', '--grace', '0'];
    const changes = await changesOf(pruning, bench.storePath, bench.path('before'));
    await everyLoss(bench.storePath, bench.path('before'), changes, async () => {
      ageLock(bench.storePath);
      await expectSound();
      await expectRestored([2000, 2400]);
      expect(await command(pruning)).toMatchObject({ exitCode: 0 });
      expect((await bench.verify()).findings).toEqual([]);
      await expectRestored([2400]);
    });
  });

  it('during a repair leaves the damage or the whole pack', { timeout: timeLimitMs }, async () => {
    await bench.archive({ paths: [chain] });
    expect((await command(['repair', '--parity'])).exitCode).toBe(0);
    for (const name of readdirSync(path.join(bench.storePath, 'packs'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.pack')) continue;
      const file = path.join(bench.storePath, 'packs', name);
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(file, bytes);
    }
    const changes = await changesOf(['repair'], bench.storePath, bench.path('before'));
    await everyLoss(bench.storePath, bench.path('before'), changes, async () => {
      ageLock(bench.storePath);
      expect(await command(['repair'])).toMatchObject({ exitCode: 0 });
      expect((await bench.verify()).findings).toEqual([]);
      await expectRestored([2400]);
    });
  });

  it('during a restore leaves no file that is not whole under its name', { timeout: timeLimitMs }, async () => {
    await bench.archive({ paths: [chain] });
    const to = bench.path('target');
    const restoring = ['restore', 'run@2400', '--to', to, '--force'];
    const changes = await changesOf(restoring, to, bench.path('before'));
    await everyLoss(to, bench.path('before'), changes, async (done) => {
      const whole = (name: string): boolean => readFileSync(path.join(to, name)).equals(readFileSync(path.join(original(2400), name)));
      const names = readdirSync(to).filter((name) => !name.startsWith('.cairn-restore-'));
      for (const name of names) expect(whole(name)).toBe(true);
      if (done.length === changes.length) expect(names.sort()).toEqual(readdirSync(original(2400)).sort());
      expect((await command(restoring)).exitCode).toBe(0);
      for (const name of readdirSync(original(2400))) expect(whole(name)).toBe(true);
    });
  });
});
