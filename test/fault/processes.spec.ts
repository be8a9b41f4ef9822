/** Processes of the real command line that are killed while they prune and repair, and two that archive into one store at once. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli, startCli } from '../cli/run-cli.ts';
import { isLocked, killed, measured, momentsOver, type Killable } from '../crash/killing.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';

const kills = Math.ceil(Number(process.env['CAIRN_KILLS'] ?? 104) / 6);
const seed = Number(process.env['CAIRN_KILL_SEED'] ?? 20_261_121);
const timeLimitMs = 120_000 + kills * 30_000;

let bench: Bench;
let chain: string;
beforeEach(() => {
  bench = new Bench();
  chain = bench.copyChain();
});
afterEach(() => bench.close());

const killableOf = (args: string[]): Killable => ({
  args: [...args, '--store', bench.storePath],
  home: bench.path('home'),
  begun: () => isLocked(bench.storePath),
});

async function expectRestored(...steps: number[]): Promise<void> {
  for (const step of steps) {
    await bench.restore({ snapshot: `run@${step}`, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(path.join(chain, `step-${String(step).padStart(6, '0')}`)));
    rmSync(bench.path('back'), { recursive: true });
  }
}

/** Kills the command at moments over all of its work, each time from the same store. */
async function everyKill(killable: Killable, check: () => Promise<void>): Promise<void> {
  const template = bench.path('template');
  cpSync(bench.storePath, template, { recursive: true });
  const { workMs, exitCode } = await measured(killable);
  expect(exitCode).toBe(0);
  for (const moment of momentsOver(workMs, kills, seed)) {
    rmSync(bench.storePath, { recursive: true });
    cpSync(template, bench.storePath, { recursive: true });
    await killed(killable, moment);
    await check();
    expect((await runCli(killable.args, { home: killable.home })).exitCode).toBe(0);
    await check();
    expect((await bench.verify()).findings).toEqual([]);
    expect(readdirSync(path.join(bench.storePath, 'temporary'))).toEqual([]);
  }
}

describe('killed', () => {
  it(
    'while it codes deltas anew, prune leaves every snapshot, and the next one ends it',
    async () => {
      await bench.archive({ paths: [chain] });
      await bench.onStore('write', async (store) => {
        for (const name of ['run@400', 'run@2200']) await store.remove(await store.resolve(name));
      });
      await everyKill(killableOf(['prune', '--grace', '0.1']), () => expectRestored(2000, 2400));
    },
    timeLimitMs,
  );

  it(
    'while it repairs, repair leaves the damage or the whole pack',
    async () => {
      await bench.archive({ paths: [chain] });
      const repairing = killableOf(['repair', '--parity']);
      expect((await runCli(repairing.args, { home: repairing.home })).exitCode).toBe(0);
      const packs = readdirSync(path.join(bench.storePath, 'packs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.pack'),
      );
      for (const name of packs) {
        const file = path.join(bench.storePath, 'packs', name);
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(file, bytes);
      }
      let rounds = 0;
      await everyKill(repairing, async () => {
        // Every second look is after the repair was done again.
        if (rounds++ % 2 === 1) await expectRestored(400, 2400);
      });
      expect(rounds).toBe(kills * 2);
    },
    timeLimitMs,
  );
});

describe('two processes that archive into one store at once', () => {
  it('are told plainly or take their turns, and both end sealed', async () => {
    const other = bench.copyChain('other');
    const archived = (folder: string, home: string): ReturnType<typeof runCli> =>
      runCli(['archive', folder, '--store', bench.storePath], { home: bench.path(home) });
    const both = await Promise.all([archived(chain, 'home-1'), archived(other, 'home-2')]);
    for (const { exitCode, stderr } of both)
      if (exitCode !== 0) {
        expect(exitCode).toBe(1);
        expect(stderr.trim().split('\n').length).toBe(1);
        expect(stderr).toContain('writes to this store');
      }
    expect(both.some(({ exitCode }) => exitCode === 0)).toBe(true);
    for (const [index, { exitCode }] of both.entries())
      if (exitCode !== 0) expect((await archived(index === 0 ? chain : other, `home-${index + 1}`)).exitCode).toBe(0);
    const sealed = await bench.onStore('read', (store) => store.snapshots());
    expect(sealed.map(({ run }) => run).sort()).toEqual([...Array<string>(4).fill('other'), ...Array<string>(4).fill('run')]);
    expect(existsSync(path.join(bench.storePath, 'lock'))).toBe(false);
    expect((await bench.verify()).findings).toEqual([]);
    await expectRestored(2400);
  });
});

describe('a store that is copied while it is written', () => {
  it('opens, and each of its snapshots comes back or is named by verify', async () => {
    const running = startCli(['archive', chain, '--store', bench.storePath, '--threads', '1'], { home: bench.path('home') });
    const copies: string[] = [];
    let open = true;
    void running.ended.then(() => (open = false));
    for (let tried = 0; open; tried++) {
      const copy = bench.path(`copy-${tried}`);
      // Files come and go under it: cp says so and copies the rest.
      await new Promise((resolve) => spawn('cp', ['-r', bench.storePath, copy], { stdio: 'ignore' }).on('close', resolve));
      if (existsSync(path.join(copy, 'cairn.json'))) copies.push(copy);
    }
    expect((await running.ended).exitCode).toBe(0);
    let [whole, named] = [0, 0];
    for (const copy of copies) {
      rmSync(bench.storePath, { recursive: true });
      cpSync(copy, bench.storePath, { recursive: true });
      const findings = (await bench.verify()).findings as { snapshot?: string; code: string }[];
      for (const { id, step } of await bench.onStore('read', (store) => store.snapshots())) {
        if (findings.some(({ snapshot }) => snapshot === id)) named++;
        else {
          await expectRestored(step);
          whole++;
        }
      }
    }
    expect(copies.length).toBeGreaterThan(1);
    expect(whole + named).toBeGreaterThan(0);
  });
});
