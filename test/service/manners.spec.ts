/** Manners over the contract: kept, told, and holding for jobs that run already. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manners as mannersSchema, type Job } from '../../core/contract/model.ts';
import { Surroundings } from '../../core/service/surroundings.ts';
import { Served, writeRun } from './served.ts';

let served: Served;
beforeEach(async () => void (served = await Served.open(undefined, { stays: true })));
afterEach(() => served.release());

const jobOf = async (id: string): Promise<Job> => (await served.client.call('jobs.get', { id })).job;
const inState = (id: string, state: Job['state']): Promise<void> =>
  expect.poll(async () => (await jobOf(id)).state, { interval: 10 }).toBe(state);

describe('manners', () => {
  it('have defaults, are kept in the settings, and every client hears of a change', async () => {
    const { manners, cores } = await served.client.call('manners.get', {});
    expect([manners, cores > 0]).toEqual([{ lowBattery: 20, metered: 'wait' }, true]);
    const heard = served.collect('manners.changed');
    const changed = mannersSchema.parse({ threads: 1, bytesPerSecond: 10 ** 9, quiet: { from: '08:00', to: '18:00' } });
    await served.client.call('manners.set', { manners: changed });
    await expect.poll(() => heard).toEqual([{ manners: changed }]);
    expect(JSON.parse(await readFile(path.join(served.folder, 'home', 'settings.json'), 'utf8'))).toMatchObject({ manners: changed });
    await served.service.close();
    served = await Served.open(served.folder, { stays: true });
    expect((await served.client.call('manners.get', {})).manners).toEqual(changed);
  });

  it('bring a job that runs to a stand, and let it go on, within its next tasks', async () => {
    const run = path.join(served.folder, 'run');
    await writeRun(run, 'weight', 24 * 1024 * 1024);
    // At the first rate what is left takes seconds, so that the job is still at work when the second comes; at that, minutes.
    await served.client.call('manners.set', { manners: mannersSchema.parse({ bytesPerSecond: 16 * 1024 * 1024 }) });
    const { job } = await served.client.call('archive.start', { paths: [run] });
    await expect.poll(async () => (await jobOf(job.id)).progress.bytesDone, { interval: 5 }).toBeGreaterThan(0);
    await served.client.call('manners.set', { manners: mannersSchema.parse({ bytesPerSecond: 65_536 }) });
    for (let bytesBefore = -1; ;) {
      const { state, progress } = await jobOf(job.id);
      expect(state).toBe('running');
      if (progress.bytesDone === bytesBefore) break;
      bytesBefore = progress.bytesDone;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    await served.client.call('manners.set', { manners: mannersSchema.parse({}) });
    await inState(job.id, 'done');
  });

  it('of power: a schedule’s job waits on battery, with the reason, and goes on when the plug is in', async () => {
    const run = await served.copyChain();
    const draft = { name: 'nightly', paths: [run], trigger: { kind: 'interval' as const, minutes: 600 } };
    await served.client.call('schedules.save', { draft });
    served.service.tellPower({ onBattery: true });
    const { id } = served.service.queue.enqueue(
      'archive',
      { paths: [run], method: 'cairn' },
      { title: 't', command: 'c', schedule: 'nightly' },
    );
    await inState(id, 'waiting');
    expect((await jobOf(id)).reason).toBe('the machine runs on battery');
    const byHand = await served.client.call('archive.start', { paths: [run] });
    await inState(byHand.job.id, 'done');
    served.service.tellPower({ onBattery: false });
    await inState(id, 'done');
  });
});

it('a store over a metered network is known as such once both have answered', async () => {
  let nowMs = 0;
  const machine = { power: () => ({ onBattery: false }), isMetered: () => true, idleSinceMs: () => undefined, tellPower: () => undefined };
  const state = async (isRemote: boolean): Promise<boolean> => {
    const surroundings = new Surroundings({ isRemote: () => Promise.resolve(isRemote) }, machine, () => nowMs);
    surroundings.state();
    await Promise.resolve();
    nowMs += 10_000;
    return surroundings.state().isStoreMetered;
  };
  expect([await state(true), await state(false)]).toEqual([true, false]);
  expect(await served.service.store.backend.isRemote()).toBe(false);
});
