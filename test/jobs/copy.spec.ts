/** Copying between stores: what arrives is whole by itself, under the same ids, and was proved there. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyParams, repairParams, verifyParams } from '../../core/contract/methods.ts';
import { copyJob, copySnapshots, type CopyResult } from '../../core/jobs/copy.ts';
import type { JobContext } from '../../core/jobs/job.ts';
import { repairJob } from '../../core/jobs/repair.ts';
import { verifyJob } from '../../core/jobs/verify.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import type { Store } from '../../core/store/store.ts';
import { Bench, type Archived } from './context.ts';
import { picture } from './files.ts';

let [here, there]: Bench[] = [];
let snapshots: Archived['snapshots'];
beforeEach(async () => {
  [here, there] = [new Bench(), new Bench()];
  snapshots = (await here.archive({ paths: [here.copyChain()] })).snapshots;
});
afterEach(async () => {
  await here!.close();
  await there!.close();
});

const copied = (ids: string[], signal?: AbortSignal): Promise<CopyResult> =>
  here!.onStore('read', (from, context) =>
    there!.onStore('write', (to) => copySnapshots(from, to, ids, { pool: context.pool(), ...(signal ? { signal } : {}) })),
  );

describe('copy', () => {
  it('brings a delta with all its bases, and it comes back equal from the other store alone', async () => {
    const last = snapshots.at(-1)!;
    const result = await copied([last.id]);
    expect(result.snapshots).toEqual([{ id: last.id, run: 'run', step: 2400 }]);
    const before = picture(last.path);
    rmSync(here!.storePath, { recursive: true });
    rmSync(here!.path('run'), { recursive: true });
    expect((await there!.verify()).findings).toEqual([]);
    await there!.restore({ snapshot: last.id, to: there!.path('back') });
    expect(picture(there!.path('back'))).toEqual(before);
  });

  it('copies nothing twice', async () => {
    const [first, ...others] = snapshots.map(({ id }) => id);
    await copied([first!]);
    const rest = await copied([first!, ...others]);
    expect(rest.skipped.map(({ id }) => id)).toEqual([first]);
    expect(rest.snapshots.map(({ id }) => id)).toEqual(others);
    expect(await copied([first!, ...others])).toMatchObject({ snapshots: [], contents: 0, bytesCopied: 0 });
    const ids = await there!.onStore('read', (store) => store.snapshotIds());
    expect(ids).toEqual(snapshots.map(({ id }) => id).sort());
    const listed = (bench: Bench): Promise<number> =>
      bench.onStore('read', async (store) => (await store.index.load(), store.index.blobCount));
    expect(await listed(there!)).toBe(await listed(here!));
  });

  it('moves a whole store, pins too', async () => {
    await here!.onStore('write', (store) => store.pin(snapshots[1]!.id, true));
    const to = there!.storePath;
    const result = await here!.onStore('read', (_, context) => copyJob(context, copyParams.parse({ all: true, to })));
    expect(result).toMatchObject({ skipped: [], snapshots: { length: 4 } });
    const [before, after] = await Promise.all([here!, there!].map((bench) => bench.onStore('read', (store) => store.snapshots())));
    expect(after).toEqual(before);
    expect((await there!.verify()).findings).toEqual([]);
    expect(() => copyParams.parse({ to })).toThrow('either some snapshots or all');
  });

  it('goes through the gate with every byte, as do repairing and verifying of structure', async () => {
    const passed = { bytes: 0, inside: 0 };
    const gate = {
      enter: (bytes: number) => Promise.resolve(void ((passed.bytes += bytes), (passed.inside += 1))),
      leave: () => void (passed.inside -= 1),
    };
    const through = async (mode: 'read' | 'write', work: (store: Store, context: JobContext) => Promise<unknown>): Promise<number> => {
      passed.bytes = 0;
      await here!.onStore(mode, (store, context) => work(store, { ...context, pool: () => context.pool().behind(gate) }));
      expect(passed.inside).toBe(0);
      return passed.bytes;
    };
    let stored = 0;
    let raw = 0;
    await here!.onStore('read', async (store) => {
      await store.index.load();
      for (const packId of store.index.packIds())
        for (const { storedLength, rawLength } of (await store.packTable(packId)).entries())
          [stored, raw] = [stored + storedLength, raw + rawLength];
    });
    expect(stored).toBeGreaterThan(0);
    expect(await through('read', (_, context) => copyJob(context, copyParams.parse({ all: true, to: there!.storePath })))).toBe(
      stored + raw,
    );
    expect(await through('read', (_, context) => verifyJob(context, verifyParams.parse({ mode: 'structure' })))).toBe(stored);
    expect(await through('write', (_, context) => repairJob(context, repairParams.parse({})))).toBe(stored);
  });

  it('refuses damaged bytes, the same store, and goes on after it was cancelled', async () => {
    const ids = snapshots.map(({ id }) => id);
    await expect(copied(ids, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    await expect(
      here!.onStore('write', (store, context) => copySnapshots(store, store, ids, { pool: context.pool() })),
    ).rejects.toMatchObject({ code: 'bad_request' });
    const file = await here!.onStore('read', async (store) => {
      const { packId } = (await store.lookup((await store.manifest(ids[0]!)).blobs[0]!))!;
      return store.backend.localPath(nameOfPack(packId));
    });
    const bytes = readFileSync(file);
    const damaged = Buffer.from(bytes);
    damaged[100]! ^= 1;
    writeFileSync(file, damaged);
    await expect(copied(ids)).rejects.toMatchObject({ code: 'damaged' });
    expect(await there!.onStore('read', (store) => store.snapshotIds())).toEqual([]);
    writeFileSync(file, bytes);
    expect((await copied(ids)).snapshots.length).toBe(4);
    expect((await there!.verify()).findings).toEqual([]);
  });
});
