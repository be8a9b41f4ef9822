import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CodecPool } from '../../core/codec/pool.ts';
import { prune } from '../../core/jobs/prune.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { nameOfManifest } from '../../core/store/snapshots.ts';
import type { Store } from '../../core/store/store.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { addTensor, archive, contentOf, digestOf, manifestOf, newStore, openStore, storePack } from '../store/examples.ts';

const [a, b, c, d] = ['content a', 'content b', 'content c', 'content d'].map(contentOf) as [Buffer, Buffer, Buffer, Buffer];

/** Closes and opens again, so that what was written counts as left by an earlier writer. */
async function reopened(store: Store): Promise<Store> {
  await store.close();
  const again = await openStore(store.backend.place);
  onTestFinished(() => again.close());
  return again;
}

/** What a blob of one block without needs takes in a pack's table. */
const tableEntryBytes = 56 + 8;

async function packCount(store: Store): Promise<number> {
  return (await store.backend.list('packs')).length;
}

describe('prune', () => {
  it('removes packs that no snapshot needs, and keeps every snapshot whole', async () => {
    const store = await newStore();
    const gone = await archive(store, [a]);
    const kept = await archive(store, [b], { step: 200 });
    await store.remove(gone);
    const dry = await prune(store, { dryRun: true });
    expect(dry).toMatchObject({ packsRemoved: 1, packsRepacked: 0 });
    expect(dry.bytesFreed).toBeGreaterThan(100);
    expect(await packCount(store)).toBe(2);
    expect(await prune(store)).toEqual(dry);
    expect(await packCount(store)).toBe(1);
    expect(await store.lookup(digestOf(a))).toBeUndefined();
    expect((await verifyStructure(store)).findings).toEqual([]);
    expect(await store.snapshotIds()).toEqual([kept]);
    expect(await prune(store)).toMatchObject({ packsRemoved: 0, bytesFreed: 0 });
  });

  it('keeps bases, and bases of bases, of what is needed', async () => {
    const store = await newStore();
    const first = await archive(store, [a]);
    const middle = await store.createPack();
    await addTensor(middle, b, a);
    await middle.finish();
    const second = await store.commit(manifestOf([b], { step: 200 }));
    const last = await store.createPack();
    await addTensor(last, c, b);
    await last.finish();
    await store.commit(manifestOf([c], { step: 300 }));
    await store.remove(first);
    await store.remove(second);
    expect(await prune(store)).toMatchObject({
      ...{ packsRemoved: 0, contentsRebased: 0, contentsHeld: 2, bytesHeld: 20, heldFor: ['ft-07@300'] },
    });
    expect(await store.depthOf(digestOf(c))).toBe(2);
    expect((await verifyStructure(store)).findings).toEqual([]);
  });

  it('repacks a pack that is mostly garbage', async () => {
    const store = await newStore();
    await storePack(store, [a, b, c]);
    const gone = await store.commit(manifestOf([a, b, c]));
    await store.commit(manifestOf([b], { step: 200 }));
    await store.remove(gone);
    const before = await store.lookup(digestOf(b));
    expect(await prune(store)).toMatchObject({ packsRemoved: 0, packsRepacked: 1, bytesFreed: 20 + 2 * tableEntryBytes });
    const after = await store.lookup(digestOf(b));
    expect(after!.packId).not.toBe(before!.packId);
    expect(await packCount(store)).toBe(1);
    const { path, offset } = await store.storedBlocks(digestOf(b));
    expect((await readFile(path)).subarray(offset + 1, offset + 1 + b.length)).toEqual(b);
    expect((await verifyStructure(await reopened(store))).findings).toEqual([]);
  });

  it('reads what it repacks, and reads back, through the gate of its pool', async () => {
    const store = await newStore();
    await storePack(store, [a, b, c]);
    const gone = await store.commit(manifestOf([a, b, c]));
    await store.commit(manifestOf([b], { step: 200 }));
    await store.remove(gone);
    const passed: number[] = [];
    const pool = new CodecPool(1);
    onTestFinished(() => pool.close());
    const gate = { enter: (bytes: number) => Promise.resolve(void passed.push(bytes)), leave: () => undefined };
    expect(await prune(store, { pool: pool.behind(gate), graceMs: 0 })).toMatchObject({ packsRepacked: 1 });
    expect(passed).toEqual([b.length + 1, b.length + 1]);
  });

  it('leaves a pack alone that is mostly needed', async () => {
    const store = await newStore();
    const most = ['e', 'f', 'g', 'h', 'i'].map((letter) => contentOf(`content ${letter}`));
    await storePack(store, [a, ...most]);
    const gone = await store.commit(manifestOf([a, ...most]));
    await store.commit(manifestOf(most, { step: 200 }));
    await store.remove(gone);
    expect(await prune(store)).toMatchObject({ packsRemoved: 0, packsRepacked: 0, bytesFreed: 0, bytesLeft: 10, contentsHeld: 0 });
  });

  it('leaves one copy of a content that lies in two packs', async () => {
    const store = await newStore();
    await storePack(store, [a]);
    await storePack(store, [a, b]);
    await store.commit(manifestOf([a, b]));
    await store.backend.list('packs');
    const again = await reopened(store);
    await prune(again);
    expect((await verifyStructure(again)).findings).toEqual([]);
    expect((await verifyStructure(await reopened(again))).findings).toEqual([]);
  });

  it('leaves packs of an archive under way, and removes them once it is known to be over', async () => {
    const store = await newStore();
    await storePack(store, [a]);
    const open = await store.createPack();
    await expect(prune(store)).rejects.toMatchObject({ code: 'locked' });
    await open.abandon();
    expect(await prune(store)).toMatchObject({ packsRemoved: 0 });
    await store.commit(manifestOf([a]));
    await storePack(store, [d]);
    const again = await reopened(store);
    expect(await prune(again)).toMatchObject({ packsRemoved: 1 });
    expect((await verifyStructure(again)).findings).toEqual([]);
  });

  it('removes nothing where it can not know what is needed', async () => {
    const store = await newStore();
    const gone = await archive(store, [a]);
    const kept = await archive(store, [b], { step: 200 });
    await store.remove(gone);
    const manifestPath = store.backend.localPath(nameOfManifest(kept));
    const manifest = await readFile(manifestPath);
    await writeFile(manifestPath, manifest.subarray(0, 70));
    await expect(prune(store)).rejects.toMatchObject({ code: 'damaged' });
    await writeFile(manifestPath, manifest);
    const packPath = store.backend.localPath(nameOfPack((await store.lookup(digestOf(b)))!.packId));
    await writeFile(packPath, 'damaged');
    await expect(prune(await reopened(store))).rejects.toMatchObject({ code: 'damaged' });
    expect(await packCount(store)).toBe(2);
  });

  it('copies no damage', async () => {
    const store = await newStore();
    await storePack(store, [a, b, c]);
    const gone = await store.commit(manifestOf([a, b, c]));
    await store.commit(manifestOf([b], { step: 200 }));
    await store.remove(gone);
    const { path, offset } = await store.storedBlocks(digestOf(b));
    const pack = await readFile(path);
    pack[offset + 2]! ^= 1;
    await writeFile(path, pack);
    await expect(prune(store)).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining('checksum') });
    expect(await packCount(store)).toBe(1);
    expect(await store.backend.list('temporary')).toEqual([]);
  });

  it('needs a writer, and stops when cancelled', async () => {
    const store = await newStore();
    await store.remove(await archive(store, [a]));
    await expect(prune(await openStore(store.backend.place, { mode: 'read' }))).rejects.toMatchObject({ code: 'internal' });
    await expect(prune(store, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    expect(await packCount(store)).toBe(1);
  });
});
