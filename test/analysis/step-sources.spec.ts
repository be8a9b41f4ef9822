/** Where the bytes of a step come from when its originals are no longer what was archived: the store has them. */
import { truncateSync } from 'node:fs';
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FoundCheckpoints } from '../../core/analysis/found-checkpoints.ts';
import { readableSteps, Study } from '../../core/analysis/study.ts';
import { CodecPool } from '../../core/codec/pool.ts';

import { hashing } from '../../core/codec/hashing.ts';
import type { Step, StepMeasures } from '../../core/contract/model.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Store } from '../../core/store/store.ts';
import { toCairnError } from '../../core/contract/errors.ts';
import { Served } from '../service/served.ts';

let served: Served;
let run: string;
let id: string;
beforeEach(async () => {
  served = await Served.open();
  run = await served.copyChain();
  id = (await served.client.call('sources.scan', { paths: [run] })).runs[0]!.id;
});
afterEach(() => served.release());

const weights = (step: number): string => path.join(run, `step-00${step}`, 'model.safetensors');
const measuresOf = async (step: number): Promise<StepMeasures> =>
  (await served.client.call('analyse.step', { run: id, step, full: true })).measures;

async function archive(): Promise<void> {
  await served.ended(served.client.call('archive.start', { paths: [run] }));
  await expect.poll(async () => (await served.client.call('runs.list', {})).runs[0]?.archived).toBe(4);
}

describe('a step of which there is a snapshot', () => {
  it('is read from the store once its originals are gone, although nobody scanned again', async () => {
    const before = await measuresOf(2400);
    await archive();
    await rm(path.dirname(weights(2400)), { recursive: true });
    expect(await measuresOf(2400)).toEqual({ ...before, from: 'store' });
  });

  it('is what was archived, not what its files have become', async () => {
    const before = await measuresOf(2400);
    await archive();
    const bytes = await readFile(weights(2400));
    await writeFile(weights(2400), bytes.fill(0, bytes.length - 1000));
    expect(await measuresOf(2400)).toEqual({ ...before, from: 'store' });
    // Of the next step it is the one before: compared with the same bytes as ever.
    expect(await served.client.call('analyse.engines', { run: id })).toMatchObject({ comparison: { step: 2400, against: 2200 } });
  });

  it('goes on in the store where its files are cut short while they are read', async () => {
    const before = await measuresOf(2400);
    await archive();
    const pool = new CodecPool(1);
    const readStore = () => Store.open({ backend: new LocalBackend(served.storePath), hashing, mode: 'read' });
    const cutting = {
      pool: () => {
        truncateSync(weights(2400), 5000);
        return pool;
      },
      readStore,
      checkpoints: new FoundCheckpoints(),
    };
    const { run: known } = await served.client.call('runs.get', { id });
    try {
      expect(await new Study(cutting).step(known, 2400, true)).toEqual({ ...before, from: 'store' });
    } finally {
      await pool.close();
    }
  });
});

describe('a step that is in no store', () => {
  it('is refused once it is gone', async () => {
    await rename(path.dirname(weights(2400)), path.join(served.folder, 'elsewhere'));
    await expect(measuresOf(2400).catch((thrown: unknown) => Promise.reject(toCairnError(thrown)))).rejects.toMatchObject({ code: 'not_found' }); // prettier-ignore
    await cp(path.join(served.folder, 'elsewhere'), path.dirname(weights(2400)), { recursive: true });
    expect(await measuresOf(2400)).toMatchObject({ from: 'originals' });
  });
});

describe('steps that can be read', () => {
  const step = (number: number, more: Partial<Step> = {}): Step => ({ step: number, ...more });
  const complete = { checkpoint: { state: 'complete' } } as Partial<Step>;
  const half = { checkpoint: { state: 'incomplete' } } as Partial<Step>;
  const stored = { snapshot: { id: 'x' } } as Partial<Step>;

  it('are one a number, the first that is whole or stored', () => {
    const chain = [step(1, half), step(1, stored), step(1, complete), step(2, half), step(3, complete)];
    expect(readableSteps({ chain })).toEqual([chain[1], chain[4]]);
  });

  it('are found among a hundred thousand', () => {
    const chain = Array.from({ length: 200_000 }, (_, index) => step(index >> 1, complete));
    expect(readableSteps({ chain })).toHaveLength(100_000);
  });
});
