/** Cancelling in every kind of job that lasts: it ends within a second, leaves nothing behind, and the same job then ends well. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../core/contract/model.ts';
import { Served } from '../service/served.ts';
import { turnsMsOf } from '../own-time.ts';
import { bytesOf, weights, writeStep } from './files.ts';

let served: Served;
let chain: string;
const steps = [100, 200, 300];

beforeEach(async () => {
  served = await Served.open(undefined, { stays: true });
  chain = path.join(served.folder, 'run');
  mkdirSync(chain);
  let before: Float32Array | undefined;
  for (const step of steps) {
    before = weights(3_000_000, step, before);
    writeStep(chain, step, [{ name: 'weight', dtype: 'F32', shape: [before.length], bytes: bytesOf(before) }]);
  }
});
afterEach(() => served.release());

const call: Served['client']['call'] = (method, params) => served.client.call(method, params);
const jobOf = async (id: string): Promise<Job> => (await call('jobs.get', { id })).job;
const state = (id: string, wanted: Job['state']): Promise<void> =>
  expect.poll(async () => (await jobOf(id)).state, { interval: 3 }).toBe(wanted);
const back = (): string => path.join(served.folder, 'back');
const other = (): string => path.join(served.folder, 'other');

async function setRate(bytesPerSecond?: number): Promise<void> {
  const { manners } = await call('manners.get', {});
  await call('manners.set', { manners: { ...manners, bytesPerSecond } });
}

const packs = (): string[] =>
  readdirSync(path.join(served.storePath, 'packs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pack'))
    .map((name) => path.join(served.storePath, 'packs', name));

function damage(): void {
  for (const file of packs()) {
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
  }
}

/** Names below a folder; none where it isn't there. */
const below = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []);

interface Case {
  begin(): Promise<{ job: Job }>;
  phase: string;
  prepare?(): unknown;
  /** Which must be as it was before. */
  place?(): string;
}

const cases: Record<string, Case> = {
  verify: { phase: 'data', begin: () => call('verify.start', {}) },
  restore: { phase: 'decode', begin: () => call('restore.start', { snapshot: 'run@300', to: back() }), place: back },
  copy: { phase: 'copy', begin: () => call('copy.start', { all: true, to: other() }) },
  'prune, while it codes anew': {
    phase: 'rebase',
    prepare: async () => served.ended(call('remove.start', { snapshots: ['run@100'] })),
    begin: () => call('prune.start', { graceSeconds: 0 }),
  },
  'repair, of damage': { phase: 'repair', prepare: damage, begin: () => call('repair.start', {}) },
  'archive, releasing originals': {
    phase: 'release',
    begin: () => call('archive.start', { paths: [chain], release: { keepNewest: 0 } }),
    place: () => chain,
  },
};

describe('a job that is cancelled', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const { begin, prepare, place, phase } = cases[name]!;
    await served.ended(call('archive.start', { paths: [chain] }));
    await prepare?.();
    const before = place && below(place());
    await setRate(2 ** 20);
    const { job } = await begin();
    await state(job.id, 'running');
    await expect.poll(async () => (await jobOf(job.id)).progress.phase, { interval: 3 }).toBe(phase);
    // What comes next would now have to wait for minutes.
    await setRate(2 ** 16);
    const tookMs = await turnsMsOf(async () => {
      await call('jobs.cancel', { id: job.id });
      await state(job.id, 'cancelled');
    });
    expect(tookMs).toBeLessThan(1000);
    for (const store of [served.storePath, other()]) {
      for (const folder of ['temporary', 'locks']) expect(below(path.join(store, folder))).toEqual([]);
      expect(existsSync(path.join(store, 'lock'))).toBe(false);
    }
    if (place) expect(below(place())).toEqual(before);
    await setRate();
    expect(await served.ended(begin())).toMatchObject({ state: 'done' });
    const { result } = await served.ended(call('verify.start', {}));
    expect(result).toMatchObject({ findings: [] });
  });
});
