import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ScanResult } from '../../core/scan/found.ts';
import { Watch, type Clock, type WatchOptions } from '../../core/scan/watch.ts';
import { safetensors, temporaryTrees, under, writeTree } from './layouts/trees.ts';

const trees = temporaryTrees();
const model = { 'model.safetensors': safetensors() };

/** A clock that stands still until it is moved. */
class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; work: () => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { at: this.#now + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get nextInMs(): number {
    return Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
  }

  get pending(): number {
    return this.#timers.length;
  }

  advance(byMs: number): void {
    this.#now += byMs;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { work } of due) work();
  }
}

const start = 1_800_000_000_000;
const open: Watch[] = [];
afterEach(async () => {
  for (const watch of open.splice(0)) await watch.close();
});

/** Sets the times of a folder's files relative to the manual clock's start. */
async function written(folder: string, paths: string[], msAfterStart: number): Promise<void> {
  for (const path of paths) await utimes(join(folder, path), (start + msAfterStart) / 1000, (start + msAfterStart) / 1000);
}

function watching(paths: string[], options: Partial<WatchOptions> = {}) {
  const clock = new ManualClock(start);
  const results: ScanResult[] = [];
  const errors: unknown[] = [];
  let wake = (): void => undefined;
  const onScan = (result: ScanResult): void => void (results.push(result), wake());
  const onError = (error: unknown): void => void (errors.push(error), wake());
  const watch = new Watch(paths, { quietMs: 120_000, settleMs: 5000, pollMs: 60_000, onScan, onError, clock, ...options });
  open.push(watch);
  /** The states of the next scan to end; then waits until the watch has planned what follows. */
  const next = async (): Promise<string[]> => {
    const count = results.length + errors.length;
    if (clock.nextInMs <= 0) clock.advance(0);
    while (results.length + errors.length === count) await new Promise<void>((resolve) => (wake = resolve));
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    return (results.at(-1)?.runs ?? []).flatMap((run) => run.checkpoints.map(({ step, state }) => `${step} ${state}`));
  };
  return { watch, clock, results, errors, next };
}

describe('watch', () => {
  test('a save counts once it was quiet, and is looked at just then', async () => {
    const folder = await trees.fresh({ ...under('step-1', model), ...under('step-2', model) });
    await written(folder, ['step-1/model.safetensors'], -500_000);
    await written(folder, ['step-2/model.safetensors'], -90_000);
    const { clock, next } = watching([folder]);
    expect(await next()).toEqual(['1 complete', '2 being-written']);
    expect(clock.nextInMs).toBe(30_001);
    clock.advance(30_001);
    expect(await next()).toEqual(['1 complete', '2 complete']);
    expect(clock.nextInMs).toBe(60_000);
  });

  test('finds what appears by polling, and scans a path that is not there yet', async () => {
    const folder = await trees.fresh({});
    const later = join(folder, 'later');
    const { clock, next } = watching([later]);
    expect(await next()).toEqual([]);
    await writeTree(later, under('step-3', model));
    await written(folder, ['later/step-3/model.safetensors'], -1_000_000);
    clock.advance(60_000);
    expect(await next()).toEqual(['3 complete']);
    await rm(later, { recursive: true });
    clock.advance(60_000);
    expect(await next()).toEqual([]);
  });

  test('a change is looked at after a moment, however many follow', async () => {
    const folder = await trees.fresh(under('step-1', model));
    await written(folder, ['step-1/model.safetensors'], -1_000_000);
    const { clock, next } = watching([folder]);
    await next();
    expect(clock.nextInMs).toBe(60_000);
    for (let at = 0; at < 20; at += 1) await writeFile(join(folder, 'train.log'), `line ${at}`);
    await expect.poll(() => clock.nextInMs).toBe(5000);
    clock.advance(5000);
    expect(await next()).toEqual(['1 complete']);
  });

  test('what a listener throws is reported, and the watch goes on', async () => {
    const folder = await trees.fresh(under('step-1', model));
    let calls = 0;
    const seen: unknown[] = [];
    const onScan = (): void => {
      calls += 1;
      throw new Error(`call ${calls}`);
    };
    const { clock } = watching([folder], { onScan, onError: (error) => seen.push(error) });
    clock.advance(0);
    while (seen.length < 1 || clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(120_000);
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.map(String)).toEqual(['Error: call 1', 'Error: call 2']);
  });

  test('after closing nothing is scanned or planned', async () => {
    const folder = await trees.fresh(under('step-1', model));
    const { watch, clock, results } = watching([folder]);
    clock.advance(0);
    await watch.close();
    const count = results.length;
    await writeFile(join(folder, 'x'), '');
    clock.advance(1_000_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(results.length).toBe(count);
    expect(clock.pending).toBe(0);
  });
});
