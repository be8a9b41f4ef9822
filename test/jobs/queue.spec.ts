/** Pausing, cancelling, moving and going on with jobs, by a real service over a real chain. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../core/contract/model.ts';
import { Gate } from '../../core/jobs/gate.ts';
import { turnsMsOf } from '../own-time.ts';
import { bytesOf, weights, writeStep } from './files.ts';
import { Served } from '../service/served.ts';

let served: Served;
let chain: string;

/** Steps large enough that a job of them can be caught at work. */
function writeChain(run: string, steps = 3, elements = 3_000_000): void {
  let before: Float32Array | undefined;
  for (let step = 1; step <= steps; step++) {
    before = weights(elements, step, before);
    writeStep(run, step * 100, [{ name: 'weight', dtype: 'F32', shape: [elements], bytes: bytesOf(before) }]);
  }
}

beforeEach(async () => {
  served = await Served.open(undefined, { stays: true });
  chain = path.join(served.folder, 'run');
  mkdirSync(chain);
});
afterEach(() => served.release());

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => expect.poll(holds, { interval: 3 }).toBe(true);
const jobOf = async (id: string): Promise<Job> => (await served.client.call('jobs.get', { id })).job;
const start = async (more: object = {}): Promise<string> =>
  (await served.client.call('archive.start', { paths: [chain], threads: 1, ...more })).job.id;
const inState = (id: string, state: Job['state']): Promise<void> => until(async () => (await jobOf(id)).state === state);

/** So that a phase lasts long enough to be met. */
async function setRate(bytesPerSecond?: number): Promise<void> {
  const { manners } = await served.client.call('manners.get', {});
  await served.client.call('manners.set', { manners: { ...manners, bytesPerSecond } });
}

/** The job once nothing moves in it any more: what was under way when it was paused ends in its own time. */
async function atStand(id: string): Promise<Job> {
  for (let before = await jobOf(id); ;) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    const now = await jobOf(id);
    if (now.progress.bytesDone === before.progress.bytesDone) return now;
    before = now;
  }
}
const atPhase = (id: string, phase: string): Promise<void> =>
  until(async () => {
    const { progress } = await jobOf(id);
    return progress.phase === phase && progress.bytesDone > 0;
  });

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
const packBytes = (): number => bytesIn(path.join(served.storePath, 'packs'));
const namesIn = (...parts: string[]): string[] => {
  try {
    return readdirSync(path.join(served.storePath, ...parts), { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
};

describe('a gate', () => {
  it('lets tasks pass in order, none while closed, and no more at once than its limit', async () => {
    const gate = new Gate();
    const passed: number[] = [];
    gate.close();
    for (const task of [1, 2, 3, 4]) void gate.enter().then(() => passed.push(task));
    await new Promise(setImmediate);
    expect(passed).toEqual([]);
    gate.limit(2);
    gate.open();
    await new Promise(setImmediate);
    expect([passed, gate.inside]).toEqual([[1, 2], 2]);
    gate.leave();
    await new Promise(setImmediate);
    expect(passed).toEqual([1, 2, 3]);
    gate.close();
    gate.abandon();
    await new Promise(setImmediate);
    expect([passed, gate.inside]).toEqual([[1, 2, 3, 4], 3]);
  });
});

describe('pausing', () => {
  it('stops a running job between tasks: nothing moves until it is resumed, then it ends as if nothing had been', async () => {
    writeChain(chain);
    const id = await start();
    await atPhase(id, 'archive');
    await served.client.call('jobs.pause', { id });
    expect(await jobOf(id)).toMatchObject({ state: 'paused', reason: 'paused by the user' });
    const later = await atStand(id);
    expect(later.progress.etaMs).toBeUndefined();
    expect(later.progress.bytesDone).toBeLessThan(later.progress.bytesTotal);
    await served.client.call('jobs.resume', { id });
    await inState(id, 'done');
    expect((await jobOf(id)).result).toMatchObject({ errors: [], snapshots: [{ step: 100 }, { step: 200 }, { step: 300 }] });
  });

  it('for a time ends by itself', async () => {
    writeChain(chain, 2);
    const id = await start();
    await atPhase(id, 'archive');
    const askedMs = Date.now();
    await served.client.call('jobs.pause', { id, forMinutes: 0.02 });
    const { until: end } = await jobOf(id);
    expect(Date.parse(end!)).toBeGreaterThanOrEqual(askedMs + 1200);
    await inState(id, 'done');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(end!));
  });

  it('keeps a queued job from beginning, and those behind a paused writer say what they wait for', async () => {
    writeChain(chain);
    const first = await start();
    const second = await start();
    await atPhase(first, 'archive');
    await served.client.call('jobs.pause', { id: first });
    await until(async () => (await jobOf(second)).state === 'waiting');
    expect((await jobOf(second)).reason).toContain('which is paused');
    await served.client.call('jobs.pause', { id: second });
    await served.client.call('jobs.resume', { id: first });
    await inState(first, 'done');
    expect((await jobOf(second)).state).toBe('paused');
    await served.client.call('jobs.resume', { id: second });
    await inState(second, 'done');
    expect((await jobOf(second)).result).toMatchObject({ snapshots: [] });
  });

  it('of everything holds new jobs too, in every process of the home, and outlives a restart', async () => {
    writeChain(chain, 1, 1000);
    await served.client.call('jobs.pause', {});
    const id = await start();
    await inState(id, 'paused');
    const other = await Served.open(served.folder);
    expect((await other.client.call('jobs.list', {})).pause).toEqual({});
    await other.client.call('jobs.resume', {});
    await other.service.close();
    await inState(id, 'done');
    expect((await served.client.call('jobs.list', {})).pause).toBeUndefined();
  });

  it('of a queued job outlives the service', async () => {
    writeChain(chain, 1, 1000);
    await served.client.call('jobs.pause', {});
    const id = await start();
    await served.client.call('jobs.pause', { id });
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    expect((await served.client.call('jobs.list', {})).pause).toEqual({});
    await inState(id, 'paused');
    await served.client.call('jobs.resume', { id });
    expect((await jobOf(id)).reason).toBe('everything is paused');
    await served.client.call('jobs.resume', {});
    await inState(id, 'done');
  });

  it('refuses what has ended or is not there', async () => {
    writeChain(chain, 1, 1000);
    const id = await start();
    await inState(id, 'done');
    await expect(served.client.call('jobs.pause', { id })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(served.client.call('jobs.resume', { id: 'none' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the turn of a waiting job', () => {
  it('can be changed, and is kept over a restart', async () => {
    writeChain(chain, 1, 1000);
    await served.client.call('jobs.pause', {});
    const ids = [await start(), await start(), await start(), await start()];
    const order = async (): Promise<string[]> =>
      (await served.client.call('jobs.list', {})).jobs.toSorted((a, b) => a.order! - b.order!).map((job) => job.id);
    const [a, b, c, d] = ids as [string, string, string, string];
    await served.client.call('jobs.move', { id: d, to: 'first' });
    await served.client.call('jobs.move', { id: a, to: 'last' });
    await served.client.call('jobs.move', { id: c, to: 'earlier' });
    const now = await order();
    expect(now).toEqual([d, c, b, a]);
    await served.client.call('jobs.move', { id: now[0]!, to: 'last' });
    const moved = await order();
    expect(moved).toEqual([...now.slice(1), now[0]]);
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    await served.client.call('jobs.resume', {});
    for (const id of moved) await inState(id, 'done');
    const begun = await Promise.all(moved.map(async (id) => (await jobOf(id)).started!));
    expect(begun.toSorted()).toEqual(begun);
  });
});

describe('cancelling', () => {
  it.each(['begin', 'archive', 'prove', 'paused', 'queued'] as const)(
    'in phase %s ends within a second and leaves nothing behind',
    async (phase) => {
      writeChain(chain);
      await setRate(2 ** 23);
      if (phase === 'queued') await served.client.call('jobs.pause', {});
      const id = await start();
      if (phase === 'archive' || phase === 'prove') await atPhase(id, phase);
      if (phase === 'paused') {
        await atPhase(id, 'archive');
        await served.client.call('jobs.pause', { id });
      }
      const tookMs = await turnsMsOf(async () => {
        await served.client.call('jobs.cancel', { id });
        await inState(id, 'cancelled');
      });
      expect(tookMs).toBeLessThan(1000);
      await setRate();
      expect(namesIn('temporary')).toEqual([]);
      expect(namesIn('locks')).toEqual([]);
      await served.client.call('jobs.resume', {});
      const again = await served.ended(served.client.call('archive.start', { paths: [chain] }));
      expect(again).toMatchObject({ state: 'done', result: { errors: [] } });
    },
  );
});

describe('an interrupted archive', () => {
  it('is gone on with by the next service, without storing anything twice', async () => {
    writeChain(chain);
    await served.ended(served.client.call('archive.start', { paths: [chain] }));
    const whole = packBytes();
    rmSync(served.storePath, { recursive: true });
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    const id = await start();
    await until(() => namesIn('snapshots').length > 0);
    await served.service.close();
    const sealedBefore = namesIn('snapshots');
    served = await Served.open(served.folder, { stays: true });
    await until(async () => (await served.client.call('jobs.list', {})).jobs.some((job) => job.resumes === id));
    const next = (await served.client.call('jobs.list', {})).jobs.find((job) => job.resumes === id)!;
    await inState(next.id, 'done');
    expect((await jobOf(id)).state).toBe('interrupted');
    expect(namesIn('snapshots')).toEqual(expect.arrayContaining(sealedBefore));
    expect((await jobOf(next.id)).result).toMatchObject({ errors: [], skipped: [], snapshots: { length: namesIn('snapshots').length } });
    expect(packBytes()).toBe(whole);
  });

  it('finds packs that were published before the commit, and writes none again', async () => {
    writeChain(chain, 1);
    await served.ended(served.client.call('archive.start', { paths: [chain] }));
    const [packs, bytes] = [namesIn('packs').sort(), packBytes()];
    rmSync(path.join(served.storePath, 'snapshots'), { recursive: true });
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    const again = await served.ended(served.client.call('archive.start', { paths: [chain] }));
    expect(again.result).toMatchObject({ snapshots: [{ step: 100, bytesStored: expect.any(Number) as number }] });
    expect(packBytes() - bytes).toBe(0);
    expect(namesIn('packs').sort()).toEqual(packs);
  });
});

describe('manners', () => {
  const niceOfThreads = (): number[] =>
    readdirSync('/proc/self/task').map((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });

  /** As util-linux tells it, of every thread of this process. */
  const diskClasses = (): string[] =>
    readdirSync('/proc/self/task').map((thread) => spawnSync('ionice', ['-p', thread], { encoding: 'utf8' }).stdout.trim());

  it.runIf(process.platform === 'linux')('workers of a job in the background stay behind, the thread that answers does not', async () => {
    writeChain(chain);
    const own = getPriority(process.pid);
    const id = await start({ background: true });
    await atPhase(id, 'archive');
    expect(Math.max(...niceOfThreads())).toBeGreaterThan(own);
    expect(getPriority(process.pid)).toBe(own);
    expect(diskClasses()).toContain('idle');
    expect(spawnSync('ionice', ['-p', String(process.pid)], { encoding: 'utf8' }).stdout.trim()).not.toBe('idle');
    await served.client.call('jobs.threads', { id, threads: 1 });
    await inState(id, 'done');
  });
});
