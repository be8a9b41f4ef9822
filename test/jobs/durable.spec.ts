/** An archive that was cut off between two packs of one checkpoint: the next attempt reads and codes only what is not published. */
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { CodecPool } from '../../core/codec/pool.ts';
import { hashing } from '../../core/codec/hashing.ts';
import { archiveCheckpoint, type ArchivedCheckpoint } from '../../core/jobs/archive/archive-checkpoint.ts';
import { Durable } from '../../core/jobs/archive/durable.ts';
import { scan } from '../../core/scan/scanner.ts';
import type { Manifest } from '../../core/store/manifest.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Store } from '../../core/store/store.ts';
import { Bench } from './context.ts';
import { bytesOf, picture, weights, writeStep } from './files.ts';

const tensorBytes = 4_000_000;
const tensorCount = 8;
let bench: Bench;
let run: string;
let checkpoint: string;
let catalogue: Catalogue;
let pool: CodecPool;
beforeEach(() => {
  bench = new Bench();
  run = bench.path('run');
  catalogue = Catalogue.open(bench.path('durable.sqlite'));
  pool = new CodecPool(1);
  const tensors = Array.from({ length: tensorCount }, (_, index) => {
    const values = weights(tensorBytes / 4, index + 1);
    return { name: `layer.${index}`, dtype: 'F32', shape: [values.length], bytes: bytesOf(values) };
  });
  checkpoint = writeStep(run, 100, tensors);
});
afterEach(async () => {
  await pool.close();
  catalogue.close();
  await bench.close();
});

/** Bytes that went through tasks of the pool: coded, hashed and decoded. */
let worked: number;
const counting = {
  enter: (bytes: number): Promise<void> => {
    worked += bytes;
    return Promise.resolve();
  },
  leave: (): void => undefined,
};

/** One attempt as a process of its own makes it, as far as the store and the catalogue can tell. @param cutAt original bytes proved */
async function attempt(cutAt = Infinity): Promise<ArchivedCheckpoint | undefined> {
  const store = await Store.open({ backend: new LocalBackend(bench.storePath), hashing, mode: 'write', create: true });
  const cancel = new Int32Array(new SharedArrayBuffer(4));
  const [found] = (await scan([run])).runs;
  let proved = 0;
  worked = 0;
  try {
    return await archiveCheckpoint(store, found!, found!.checkpoints[0]!, undefined, {
      ...{ method: 'cairn', maxDepth: 8, pool: pool.behind(counting), cancel, proved: new Set(), now: () => new Date() },
      onBytes: (_phase, bytes) => {
        proved += bytes;
        if (proved >= cutAt) Atomics.store(cancel, 0, 1);
      },
      onCommit: () => undefined,
      durable: new Durable(catalogue, store, checkpoint),
      packRawBytes: tensorBytes,
    });
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'cancelled' });
    return undefined;
  } finally {
    await store.close();
  }
}

async function storeId(): Promise<string> {
  const store = await Store.open({ backend: new LocalBackend(bench.storePath), hashing, mode: 'read' });
  await store.close();
  return store.id;
}

const packs = (): string[] =>
  readdirSync(path.join(bench.storePath, 'packs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack'));

/** What a whole archive does, in a store of its own. */
async function workOfWhole(): Promise<{ worked: number; manifest: Manifest }> {
  const archived = await attempt();
  rmSync(bench.storePath, { recursive: true });
  return { worked, manifest: archived!.manifest };
}

async function expectRestored(id: string): Promise<void> {
  const to = bench.path('back');
  await bench.restore({ snapshot: id, to });
  expect(picture(to)).toEqual(picture(checkpoint));
  expect((await bench.verify()).findings).toEqual([]);
}

describe('an archive cut off between packs', () => {
  it('is gone on with at the last pack that was published', async () => {
    const whole = await workOfWhole();
    expect(await attempt(tensorCount * tensorBytes)).toBeUndefined();
    const published = packs().length;
    expect(published).toBeGreaterThan(1);
    const resumed = await attempt();
    // Each of them holds a tensor, which would be coded and proved.
    expect(whole.worked - worked).toBeGreaterThanOrEqual(2 * published * tensorBytes);
    const { created: _, ...manifest } = whole.manifest;
    expect(resumed!.manifest).toMatchObject(manifest);
    expect(catalogue.durableContents(await storeId(), checkpoint)).toEqual([]);
    await expectRestored(resumed!.id);
  });

  it('reads everything of a file that changed, though size and time are as before', async () => {
    const file = path.join(checkpoint, 'model.safetensors');
    utimesSync(file, 1e9, 1e9);
    await attempt(tensorCount * tensorBytes);
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 7 * tensorBytes) ^ 1, bytes.length - 7 * tensorBytes);
    writeFileSync(file, bytes);
    utimesSync(file, 1e9, 1e9);
    const resumed = await attempt();
    expect(worked).toBeGreaterThan(3 * tensorCount * tensorBytes);
    await expectRestored(resumed!.id);
  });

  it('codes anew what a prune took away meanwhile', async () => {
    await attempt(tensorCount * tensorBytes);
    for (const name of packs()) rmSync(path.join(bench.storePath, 'packs', name));
    const resumed = await attempt();
    await expectRestored(resumed!.id);
  });
});
