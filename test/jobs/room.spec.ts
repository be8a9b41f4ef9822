/** Room on the disk: what can't fit isn't begun and says how much is missing; a service that stays waits for it, or for another writer, and goes on by itself. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { archiveParams } from '../../core/contract/methods.ts';
import type { Job } from '../../core/contract/model.ts';
import { archiveJob } from '../../core/jobs/archive/archive.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Lock } from '../../core/store/lock.ts';
import { LacksRoom, mostStored } from '../../core/store/room.ts';
import { Bench } from './context.ts';
import { bytesOf, weights, writeStep } from './files.ts';
import { Served } from '../service/served.ts';

const steps = [100, 200, 300];
function writeChain(folder: string): string {
  for (const step of steps) {
    const values = weights(200_000, step);
    writeStep(folder, step, [{ name: 'weight', dtype: 'F32', shape: [values.length], bytes: bytesOf(values) }]);
  }
  return folder;
}

describe('the most that may be stored', () => {
  it('is more than the original, and more again with parity', () => {
    expect(mostStored(0, false)).toBeGreaterThan(0);
    for (const bytes of [1, 1e6, 1e11]) {
      expect(mostStored(bytes, false)).toBeGreaterThan(bytes);
      expect(mostStored(bytes, true)).toBeGreaterThan(mostStored(bytes, false) + bytes / 1000);
      expect(mostStored(bytes, true)).toBeLessThan(1.2 * bytes + 1e7);
    }
  });
});

describe('an archive', () => {
  it('that lacks room by itself is refused, says how much is missing, and has written nothing', async () => {
    const bench = new Bench();
    const chain = writeChain(bench.path('run'));
    const refused = await bench
      .onStore('write', (store, context) => {
        store.backend.freeBytes = () => Promise.resolve(2 ** 20);
        return archiveJob(context, archiveParams.parse({ paths: [chain] }));
      })
      .catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(LacksRoom);
    expect((refused as LacksRoom).message).toMatch(
      /784\.4 KiB are missing on this disk; run@100 needs up to 1\.8 MiB, and 1\.0 MiB are free/,
    );
    expect(existsSync(path.join(bench.storePath, 'packs')) && readdirSync(path.join(bench.storePath, 'packs'))).toBeFalsy();
    await bench.close();
  });
});

describe('a copy, and parity that is written later', () => {
  it.each([
    ['copying', (served: Served) => served.client.call('copy.start', { all: true, to: path.join(served.folder, 'other') })],
    ['parity', (served: Served) => served.client.call('repair.start', { parity: true })],
  ] as const)('%s is refused before anything is written, where it does not fit', async (what, start) => {
    const served = await Served.open();
    await served.ended(served.client.call('archive.start', { paths: [writeChain(path.join(served.folder, 'run'))] }));
    const free = vi.spyOn(LocalBackend.prototype, 'freeBytes').mockResolvedValue(1000);
    onTestFinished(() => free.mockRestore());
    const { state, error } = await served.ended(start(served));
    expect([state, error!.code, error!.message]).toEqual([
      'failed',
      'no_space',
      expect.stringMatching(new RegExp(`are missing on this disk; ${what} needs up to .*, and 1000 B are free; free some space`)),
    ]);
    const written = readdirSync(served.folder, { recursive: true, encoding: 'utf8' });
    expect(written.filter((name) => name.endsWith('.parity') || /^other.*pack/.test(name))).toEqual([]);
    await served.release();
  });
});

describe('a service that stays', () => {
  let served: Served;
  let bytesFree: number;
  beforeEach(async () => {
    served = await Served.open(undefined, { stays: true });
    served.service.store.backend.freeBytes = () => Promise.resolve(bytesFree);
  });
  afterEach(() => served.release());

  const jobOf = async (id: string): Promise<Job> => (await served.client.call('jobs.get', { id })).job;
  const until = async (id: string, state: Job['state']): Promise<Job> => {
    await expect.poll(async () => (await jobOf(id)).state, { interval: 10 }).toBe(state);
    return jobOf(id);
  };

  it('keeps the job waiting with the reason, lets others write meanwhile, and goes on when there is room', async () => {
    bytesFree = 10_000;
    const { job } = await served.client.call('archive.start', { paths: [writeChain(path.join(served.folder, 'run'))] });
    const waiting = await until(job.id, 'waiting');
    expect(waiting.reason).toMatch(/are missing on this disk; run@\d00 needs up to 1\.8 MiB, and 9\.8 KiB are free$/);
    expect(waiting.started).toBeUndefined();
    const prune = await served.ended(served.client.call('prune.start', { graceSeconds: 0 }));
    expect(prune.state).toBe('done');
    bytesFree = 20_000;
    await expect.poll(async () => (await jobOf(job.id)).reason).toMatch(/19\.5 KiB are free$/);
    bytesFree = 1e12;
    expect((await until(job.id, 'done')).result).toMatchObject({ snapshots: { length: 3 }, skipped: [], errors: [] });
    expect((await until(job.id, 'done')).reason).toBeUndefined();
  });

  it('waits in the midst of an archive too, seals nothing twice, and the record tells of all of it', async () => {
    bytesFree = 1e12;
    const chain = writeChain(path.join(served.folder, 'run'));
    served.client.subscribe('job.log', ({ line }) => {
      if (line.message.includes('sealed as')) bytesFree = 0;
    });
    const { job } = await served.client.call('archive.start', { paths: [chain], verifyAfter: true });
    expect((await until(job.id, 'waiting')).reason).toMatch(/run@[23]00 needs/);
    const sealed = (): string[] => readdirSync(path.join(served.storePath, 'snapshots'));
    const before = sealed();
    expect(before.length).toBeGreaterThanOrEqual(1);
    served.service.store.backend.freeBytes = () => Promise.resolve(1e12);
    const done = await until(job.id, 'done');
    expect(done.result).toMatchObject({ snapshots: { length: 3 }, skipped: [], findings: [] });
    expect((done.result!['snapshots'] as { step: number }[]).map(({ step }) => step)).toEqual(steps);
    expect([sealed().length, before.every((id) => sealed().includes(id))]).toEqual([3, true]);
  });

  it('can cancel a job that waits for room, at once', async () => {
    bytesFree = 0;
    const { job } = await served.client.call('archive.start', { paths: [writeChain(path.join(served.folder, 'run'))] });
    await until(job.id, 'waiting');
    await served.client.call('jobs.cancel', { id: job.id });
    expect((await jobOf(job.id)).state).toBe('cancelled');
  });

  it('waits while another process writes to the store, with the reason, and goes on when that is done', async () => {
    bytesFree = 1e12;
    const lock = await Lock.take(new LocalBackend(served.storePath));
    const { job } = await served.client.call('archive.start', { paths: [writeChain(path.join(served.folder, 'run'))] });
    expect((await until(job.id, 'waiting')).reason).toMatch(/process \d+ on .* writes to this store since \d{4}-\S+$/);
    await lock.release();
    expect((await until(job.id, 'done')).result).toMatchObject({ snapshots: { length: 3 }, errors: [] });
  });

  it('asks again after a restart', async () => {
    bytesFree = 0;
    const { job } = await served.client.call('archive.start', { paths: [writeChain(path.join(served.folder, 'run'))] });
    await until(job.id, 'waiting');
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    expect((await until(job.id, 'done')).result).toMatchObject({ snapshots: { length: 3 } });
  });
});
