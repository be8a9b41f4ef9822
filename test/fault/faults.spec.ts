/** Disks that fail under prune, repair and copy: whatever fails, every snapshot is whole, and the same work done again succeeds. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { CodecPool } from '../../core/codec/pool.ts';
import { copySnapshots } from '../../core/jobs/copy.ts';
import { prune } from '../../core/jobs/prune.ts';
import { repair } from '../../core/jobs/repair.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import type { Store } from '../../core/store/store.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { archive, contentOf, digestOf, manifestOf, openStore, storePack, temporaryFolder } from '../store/examples.ts';
import { FaultyBackend, faults } from '../store/faulty-backend.ts';

const pool = new CodecPool(1);
afterAll(() => pool.close());

const contents = ['a', 'b', 'c', 'd'].map((letter) => contentOf(`content ${letter}`));

async function faultyStore(): Promise<{ store: Store; backend: FaultyBackend }> {
  const backend = new FaultyBackend(new LocalBackend(await temporaryFolder()));
  const store = await openStore(backend.place, { backend });
  onTestFinished(() => store.close());
  return { store, backend };
}

/** Lets ever more calls pass before the fault, until the work ends without meeting it. @returns how often it struck */
async function strike(attempt: (calls: number) => Promise<{ backend: FaultyBackend }>): Promise<number> {
  for (let calls = 0; ; calls++) {
    const { backend } = await attempt(calls);
    if (backend.armed) return calls;
  }
}

async function expectWhole(store: Store, snapshots: string[]): Promise<void> {
  expect(await store.snapshotIds()).toEqual([...snapshots].sort());
  expect((await verifyStructure(store)).findings).toEqual([]);
}

/** What the fault may look like to the caller: an error of these, or none where the disk lied and it made no difference. */
async function outcome(work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error !== undefined) expect(error).toMatchObject({ code: expect.stringMatching(/^(io|no_space|damaged|not_found|unsupported)$/) });
}

describe.each(faults)('with the fault %s', (fault) => {
  it('prune leaves every snapshot whole, at whichever call', async () => {
    const struck = await strike(async (calls) => {
      const { store, backend } = await faultyStore();
      await storePack(store, contents);
      const gone = await store.commit(manifestOf(contents));
      const kept = await store.commit(manifestOf(contents.slice(0, 2), { step: 200 }));
      await store.remove(gone);
      backend.arm(fault, calls);
      await outcome(prune(store, { graceMs: 0 }));
      const met = backend.armed;
      backend.disarm();
      await expectWhole(store, [kept]);
      await prune(store, { graceMs: 0 });
      await expectWhole(store, [kept]);
      expect((await backend.list('packs')).length).toBe(1);
      if (met) backend.arm(fault, 0);
      return { backend };
    });
    expect(struck).toBeGreaterThan(0);
  });

  it('copy commits nothing that is not whole, at whichever call', async () => {
    const source = await openStore(await temporaryFolder());
    onTestFinished(() => source.close());
    const id = await archive(source, contents);
    const struck = await strike(async (calls) => {
      const { store, backend } = await faultyStore();
      backend.arm(fault, calls);
      await outcome(copySnapshots(source, store, [id], { pool }));
      const met = backend.armed;
      backend.disarm();
      if ((await store.snapshotIds()).length > 0) await expectWhole(store, [id]);
      await copySnapshots(source, store, [id], { pool });
      await expectWhole(store, [id]);
      if (met) backend.arm(fault, 0);
      return { backend };
    });
    expect(struck).toBeGreaterThan(0);
  });

  it('repair harms nothing, and repairs when it is done again', async () => {
    const struck = await strike(async (calls) => {
      const { store, backend } = await faultyStore();
      const id = await archive(store, contents);
      await repair(store, { pool, parity: true });
      const file = backend.localPath(nameOfPack((await store.lookup(digestOf(contents[1]!)))!.packId));
      const before = readFileSync(file);
      const damaged = Buffer.from(before);
      damaged[28]! ^= 1;
      writeFileSync(file, damaged);
      backend.arm(fault, calls);
      await outcome(repair(store, { pool }));
      const met = backend.armed;
      backend.disarm();
      await repair(store, { pool });
      expect(readFileSync(file).equals(before)).toBe(true);
      await expectWhole(store, [id]);
      if (met) backend.arm(fault, 0);
      return { backend };
    });
    expect(struck).toBeGreaterThan(0);
  });
});
