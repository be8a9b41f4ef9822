/** What an archive is asked to do afterwards, and how it ends where a part of it went wrong: never as if all were well. */
import { existsSync, globSync, openSync, readSync, closeSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archiveParams } from '../../core/contract/methods.ts';
import { archiveAndAfter } from '../../core/jobs/archive/archive-and-after.ts';
import { FailedWith, type JobResult } from '../../core/jobs/job.ts';
import { Bench } from './context.ts';
import { Served } from '../service/served.ts';

/** Turns a byte in the middle of every pack, behind the back of whoever has the store open. */
function damagePacks(storePath: string): void {
  for (const pack of globSync(`${storePath}/packs/**/*.pack`)) {
    const file = openSync(pack, 'r+');
    const [byte, at] = [Buffer.alloc(1), Math.floor(statSync(pack).size / 2)];
    readSync(file, byte, 0, 1, at);
    writeSync(file, Buffer.from([byte[0]! ^ 0xff]), 0, 1, at);
    closeSync(file);
  }
}

describe('an archive that is verified afterwards', () => {
  let bench: Bench;
  beforeEach(() => void (bench = new Bench()));
  afterEach(() => bench.close());

  const run = (chain: string, onSealed: () => void): Promise<JobResult> =>
    bench.onStore('write', (_, context) =>
      archiveAndAfter(
        { ...context, catalogueSnapshot: () => Promise.resolve(onSealed()) },
        archiveParams.parse({ paths: [chain], verifyAfter: true, release: { keepNewest: 0 } }),
      ),
    );

  it('ends well where nothing is found, and only then originals go', async () => {
    const chain = bench.copyChain();
    expect(await run(chain, () => undefined)).toMatchObject({ findings: [], errors: [], released: { length: 4 } });
    expect(existsSync(path.join(chain, 'step-000400'))).toBe(false);
  });

  it('has failed where something is found: it says so, keeps its record, and no original goes', async () => {
    const chain = bench.copyChain();
    let sealed = 0;
    const failed = await run(chain, () => void ((sealed += 1) === 4 && damagePacks(bench.storePath))).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(FailedWith);
    expect(failed).toMatchObject({
      code: 'damaged',
      message: expect.stringMatching(/^verifying found: .*; no original was released$/) as string,
    });
    const { result } = failed as FailedWith;
    expect([(result['snapshots'] as []).length, (result['findings'] as []).length > 0, result['released']]).toEqual([4, true, undefined]);
    expect(existsSync(path.join(chain, 'step-000400'))).toBe(true);
    expect(bench.log.some((line) => line.startsWith('verifying found: '))).toBe(true);
  });
});

describe('in a service', () => {
  it('an archive of which a checkpoint failed has failed, with the record of the others', async () => {
    const served = await Served.open();
    const chain = await served.copyChain();
    writeFileSync(path.join(chain, 'step-002200', 'model.safetensors'), 'cut');
    const job = await served.ended(served.client.call('archive.start', { paths: [chain] }));
    expect(job).toMatchObject({
      state: 'failed',
      error: { code: 'bad_input' },
      result: { snapshots: { length: 3 }, errors: { length: 1 } },
    });
    expect(job.error!.message).toMatch(/\(3 sealed\)$/);
    await served.release();
  });
});
