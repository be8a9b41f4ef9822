/**
 * The power goes out, the scheduler kills: SIGKILL at moments spread over the whole of an archive, a restore, a removal and a
 * prune, from a seed. Whatever the moment, the store opens and verifies, the next run completes, and everything comes back equal.
 *
 * A longer campaign, with other moments:
 *   CAIRN_KILLS=520 CAIRN_KILL_SEED=7 npx vitest run --config build/vitest.config.ts test/crash test/fault/processes.spec.ts
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune } from '../../core/jobs/prune.ts';
import { examine } from '../../core/verify/doctor.ts';
import { runCli } from '../cli/run-cli.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { isLocked, killed, measured, momentsOver, namesBelow, type Killable } from './killing.ts';

/** Of an archive. Restore, rm and prune are killed a fifth as often each, and in test/fault/processes prune and repair a sixth: 200 in all. */
const kills = Number(process.env['CAIRN_KILLS'] ?? 104);
const seed = Number(process.env['CAIRN_KILL_SEED'] ?? 20_261_121);
const timeLimitMs = 120_000 + kills * 20_000;
const fewer = Math.ceil(kills / 5);

let bench: Bench;
let chain: string;
beforeEach(() => {
  bench = new Bench();
  chain = bench.copyChain();
});
afterEach(() => bench.close());

const steps = (): string[] => readdirSync(chain).sort();
const temporaryIn = (store: string): string[] => namesBelow(path.join(store, 'temporary'));

/** Nothing is wrong but what a crash may leave: the next writer's garbage. */
async function expectSound(): Promise<void> {
  const { findings } = await bench.verify();
  expect(findings.filter(({ code }) => !['temporary-left', 'lock-stale', 'pack-orphaned'].includes(code))).toEqual([]);
}

/** Each of these steps comes back from the store, equal to its original. */
async function expectRestored(which: string[]): Promise<void> {
  for (const step of which) {
    const to = bench.path('restored', step);
    await bench.restore({ snapshot: `run@${Number(step.slice('step-'.length))}`, to });
    expect(picture(to)).toEqual(picture(path.join(chain, step)));
  }
  rmSync(bench.path('restored'), { recursive: true });
}

/** The same command ends well, with a word about the lock that it found at most. */
async function expectDone({ args, home }: Killable): Promise<void> {
  const { exitCode, stderr } = await runCli(args, { home });
  expect(stderr).toMatch(/^(cairn: the lock of process \d+ on .* was replaced: process \d+ is gone\n)?$/);
  expect(exitCode).toBe(0);
}

describe('an archive that is killed', () => {
  it(
    `at ${kills} moments leaves a store that verifies, and the next run completes it`,
    async () => {
      const archiving: Killable = {
        args: ['archive', chain, '--store', bench.storePath, '--threads', '4'],
        home: bench.path('home'),
        begun: () => isLocked(bench.storePath),
      };
      const clean = (): void => [bench.storePath, bench.path('home')].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
      // The shorter of two, because a busy machine would put moments behind the end.
      const { workMs: first, exitCode } = await measured(archiving);
      expect(exitCode).toBe(0);
      clean();
      const workMs = Math.min(first, (await measured(archiving)).workMs);
      let [stopped, committed] = [0, 0];
      for (const [round, moment] of momentsOver(workMs, kills, seed).entries()) {
        clean();
        if (await killed(archiving, moment)) stopped++;
        const sealed = namesBelow(path.join(bench.storePath, 'snapshots')).length;
        if (existsSync(path.join(bench.storePath, 'cairn.json'))) await expectSound();
        // Now and then the same command goes on in the same home, where the killed job is still written down as running.
        if (round % 10 === 0) await expectDone(archiving);
        const again = await bench.archive({ paths: [chain], threads: 4 });
        expect(again.errors).toEqual([]);
        expect(again.snapshots.length).toBe(round % 10 === 0 ? 0 : steps().length - sealed);
        expect(temporaryIn(bench.storePath)).toEqual([]);
        expect(isLocked(bench.storePath)).toBe(false);
        if (sealed > 0 && sealed < steps().length) committed++;
        // The last step needs all others, which the next verification decodes as well.
        await expectRestored(round % 10 === 5 ? steps() : steps().slice(-1));
        if (round % 10 !== 5) continue;
        // What the kill left besides is gone with the next prune: nothing leaks.
        await bench.onStore('write', (store) => prune(store, { graceMs: 0 }));
        expect((await bench.verify()).findings).toEqual([]);
        expect(await bench.onStore('read', examine)).toEqual([]);
        await expectRestored(steps().slice(-1));
      }
      // Else the moments were not where the work is.
      expect(stopped).toBeGreaterThan(kills / 5);
      expect(committed).toBeGreaterThan(0);
      expect((await bench.verify()).findings.filter(({ code }) => code !== 'pack-orphaned')).toEqual([]);
    },
    timeLimitMs,
  );
});

describe('a restore that is killed', () => {
  it(
    'leaves no half file under its name, and the next one gives everything',
    async () => {
      await bench.archive({ paths: [chain] });
      const to = bench.path('back');
      const restoring: Killable = {
        args: ['restore', 'run@2400', '--to', to, '--store', bench.storePath, '--force'],
        home: bench.path('home'),
        begun: () => existsSync(to),
      };
      const original = path.join(chain, 'step-002400');
      const { workMs, exitCode } = await measured(restoring);
      expect(exitCode).toBe(0);
      let stopped = 0;
      for (const moment of momentsOver(workMs, fewer, seed + 1)) {
        rmSync(to, { recursive: true, force: true });
        if (await killed(restoring, moment)) stopped++;
        for (const name of namesBelow(to).filter((found) => !found.startsWith('.cairn-restore-')))
          expect(readFileSync(path.join(to, name)).equals(readFileSync(path.join(original, name)))).toBe(true);
        await bench.restore({ snapshot: 'run@2400', to, force: true });
        for (const name of namesBelow(original)) {
          expect(readFileSync(path.join(to, name)).equals(readFileSync(path.join(original, name)))).toBe(true);
          expect(statSync(path.join(to, name), { bigint: true }).mtimeNs).toBe(
            statSync(path.join(original, name), { bigint: true }).mtimeNs,
          );
        }
      }
      expect(stopped).toBeGreaterThan(0);
      await expectSound();
    },
    timeLimitMs,
  );
});

describe('a removal and a prune that are killed', () => {
  /** A store of all steps whose packs are mostly garbage once the first ones are gone, kept aside. */
  async function prepared(remove: string[]): Promise<string> {
    await bench.archive({ paths: [chain] });
    const template = bench.path('template');
    if (remove.length > 0)
      expect((await runCli(['rm', ...remove, '--store', bench.storePath], { home: bench.path('home') })).exitCode).toBe(0);
    cpSync(bench.storePath, template, { recursive: true });
    return template;
  }

  async function everyRound(killable: Killable, template: string, check: (round: number) => Promise<void>): Promise<void> {
    const { workMs, exitCode } = await measured(killable);
    expect(exitCode).toBe(0);
    for (const [round, moment] of momentsOver(workMs, fewer, seed + 2).entries()) {
      rmSync(bench.storePath, { recursive: true });
      cpSync(template, bench.storePath, { recursive: true });
      await killed(killable, moment);
      await expectSound();
      await check(round);
    }
  }

  const restored = async (step: number): Promise<void> => {
    const to = bench.path('back');
    await bench.restore({ snapshot: `run@${step}`, to });
    expect(picture(to)).toEqual(picture(path.join(chain, `step-${String(step).padStart(6, '0')}`)));
    rmSync(to, { recursive: true });
  };
  const killableOf = (args: string[]): Killable => ({
    args: [...args, '--store', bench.storePath],
    home: bench.path('home'),
    begun: () => isLocked(bench.storePath),
  });

  it(
    'rm leaves a snapshot whole or gone, and the others as they were',
    async () => {
      const template = await prepared([]);
      await everyRound(killableOf(['rm', 'run@400', 'run@2200']), template, async () => {
        await restored(2000);
        await restored(2400);
        const left = namesBelow(path.join(bench.storePath, 'snapshots')).length;
        expect(left).toBeGreaterThanOrEqual(2);
        expect(left).toBeLessThanOrEqual(4);
      });
    },
    timeLimitMs,
  );

  it(
    'prune never takes what a snapshot needs, and the next prune ends what it began',
    async () => {
      const template = await prepared(['run@2200', 'run@2400']);
      const pruning = killableOf(['prune']);
      await everyRound(pruning, template, async (round) => {
        await restored(400);
        await restored(2000);
        if (round % 5 > 0) return;
        await expectDone(pruning);
        expect((await bench.verify()).findings).toEqual([]);
        expect(temporaryIn(bench.storePath)).toEqual([]);
        await restored(2000);
      });
    },
    timeLimitMs,
  );
});
