import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import type { CairnError } from '../../core/contract/errors.ts';
import type { IndexCache } from '../../core/store/blob-index.ts';
import { statusOfStore } from '../../core/store/status.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { addTensor, archive, contentOf, digestOf, manifestOf, newStore, openStore, storePack, temporaryFolder } from './examples.ts';

const [a, b, c] = [contentOf('first content'), contentOf('other content'), contentOf('third content')];

describe('a store', () => {
  it('gives back what was committed, to the writer and to readers', async () => {
    const store = await newStore();
    const id = await archive(store, [a, b]);
    const reader = await openStore(store.backend.place, { mode: 'read' });
    for (const side of [store, reader]) {
      expect(await side.manifest(id)).toEqual(manifestOf([a, b]));
      expect(await side.snapshotIds()).toEqual([id]);
      const blocks = await side.storedBlocks(digestOf(b));
      const bytes = await readFile(blocks.path);
      expect(bytes.subarray(blocks.offset + 1, blocks.offset + blocks.lengths[0]!)).toEqual(Buffer.from(b));
    }
  });

  it('summarises snapshots as the contract has them', async () => {
    const store = await newStore();
    const id = await archive(store, [a], { depth: 0, bytesStored: 14 });
    await store.pin(id, true);
    expect(await store.snapshots()).toMatchObject([
      {
        id,
        run: 'ft-07',
        runPath: '/runs/ft-07',
        step: 100,
        kind: 'keyframe',
        files: 1,
        bytesOriginal: 13,
        bytesStored: 14,
        sealed: true,
        pinned: true,
      },
    ]);
    expect(await statusOfStore(store)).toMatchObject({
      snapshots: 1,
      packs: 1,
      bytesOriginal: 13,
      byRun: [{ run: 'ft-07', bytesStored: 14 }],
    });
  });

  it('refuses to commit what is not stored', async () => {
    const store = await newStore();
    await expect(store.commit(manifestOf([a]))).rejects.toMatchObject({ code: 'not_found' });
    expect(await store.snapshotIds()).toEqual([]);
  });

  it('refuses to commit a delta whose base is not stored', async () => {
    const store = await newStore();
    const pack = await store.createPack();
    await addTensor(pack, b, a);
    await pack.finish();
    await expect(store.commit(manifestOf([b]))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('refuses to commit files that are longer than their contents', async () => {
    const store = await newStore();
    await storePack(store, [a]);
    const manifest = manifestOf([a]);
    manifest.files[0]!.size += 1;
    manifest.bytesOriginal += 1;
    await expect(store.commit(manifest)).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('remainder') });
  });

  it('finds a snapshot by prefix and by run and step, and says so where several match', async () => {
    const store = await newStore();
    const first = await archive(store, [a]);
    const second = await archive(store, [b], { step: 200 });
    const third = await archive(store, [c], { step: 200, created: '2026-02-02T03:04:05.678Z' });
    expect(await store.resolve(first.slice(0, 8))).toBe(first);
    expect(await store.resolve('ft-07@100')).toBe(first);
    expect(await store.resolve('/runs/ft-07@100')).toBe(first);
    await expect(store.resolve(first.slice(0, 3))).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.resolve('ft-07@300')).rejects.toMatchObject({ code: 'not_found' });
    const error = (await store.resolve('ft-07@200').catch((thrown: unknown) => thrown)) as CairnError;
    expect(error.code).toBe('ambiguous');
    expect(error.message).toContain(second);
    expect(error.message).toContain(third);
  });

  it('describes a delta with the same blocks of its bases', async () => {
    const store = await newStore();
    await storePack(store, [a]);
    const pack = await store.createPack();
    await addTensor(pack, b, a);
    await addTensor(pack, c, b);
    await pack.finish();
    const blocks = await store.storedBlocks(digestOf(c));
    expect(await store.depthOf(digestOf(c))).toBe(2);
    expect(blocks.rawLength).toBe(13);
    expect(blocks.needs).toMatchObject([
      { role: 1, source: { stored: { rawLength: 13, needs: [{ role: 1, source: { stored: { needs: [] } } }] } } },
    ]);
    await expect(store.storedBlocks(digestOf(c), 0, 2)).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('describes a blob of a pack that is not published yet, with bases that are', async () => {
    const store = await newStore();
    await storePack(store, [a]);
    const pack = await store.createPack();
    const entry = await addTensor(pack, b, a);
    const blocks = await store.storedBlocksAt(pack.path, entry);
    expect(blocks).toMatchObject({ path: pack.path, offset: entry.offset, rawLength: b.length });
    expect(blocks.needs).toEqual([{ role: 1, source: { stored: await store.storedBlocks(digestOf(a)) } }]);
    await pack.abandon();
  });

  it('describes the same blocks of blob and base where there are several', async () => {
    const store = await newStore();
    const block = 2 ** 19 * 4;
    const shape = { rawLength: 2 * block + 4, element: elements.float32, blockLog2: 19, coding: 'tensor' as const };
    const pack = await store.createPack();
    const checksums = Uint32Array.of(1, 2, 3);
    const [base, delta] = ['ba'.repeat(32), 'de'.repeat(32)];
    pack.add({
      ...shape,
      digest: base,
      offset: pack.reserve(35),
      storedLength: 35,
      needs: [],
      lengths: Uint32Array.of(10, 20, 5),
      checksums,
    });
    const offset = pack.reserve(6);
    pack.add({
      ...shape,
      digest: delta,
      offset,
      storedLength: 6,
      needs: [{ role: 1, digest: base }],
      lengths: Uint32Array.of(1, 2, 3),
      checksums,
    });
    await pack.write(16, new Uint8Array(41));
    await pack.finish();
    const middle = { rawLength: block, lengths: Uint32Array.of(2), checksums: Uint32Array.of(2), offset: offset + 1 };
    const ofBase = { ...middle, lengths: Uint32Array.of(20), offset: 16 + 10 };
    expect(await store.storedBlocks(delta, 1, 1)).toMatchObject({ ...middle, needs: [{ source: { stored: ofBase } }] });
    const last = { rawLength: 4, lengths: Uint32Array.of(3), offset: offset + 3 };
    expect(await store.storedBlocks(delta, 2)).toMatchObject({
      ...last,
      needs: [{ source: { stored: { rawLength: 4, offset: 16 + 30 } } }],
    });
    expect(await store.storedBlocks(delta, 3)).toMatchObject({ rawLength: 0, lengths: new Uint32Array() });
    await expect(store.storedBlocks(delta, 4)).rejects.toMatchObject({ code: 'bad_request' });
    await expect(store.storedBlocks(delta, -1)).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('refuses bases in a circle', async () => {
    const store = await newStore();
    const pack = await store.createPack();
    await addTensor(pack, a, b);
    await addTensor(pack, b, a);
    await pack.finish();
    await expect(store.depthOf(digestOf(a))).rejects.toMatchObject({ code: 'damaged' });
    await expect(store.storedBlocks(digestOf(a))).rejects.toMatchObject({ code: 'damaged' });
    await expect(store.commit(manifestOf([a]))).rejects.toMatchObject({ code: 'damaged' });
  });

  it('refuses a base of another length', async () => {
    const store = await newStore();
    const pack = await store.createPack();
    await addTensor(pack, contentOf('short'));
    await addTensor(pack, a, contentOf('short'));
    await pack.finish();
    await expect(store.storedBlocks(digestOf(a))).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('another length'),
    });
    await expect(store.commit(manifestOf([a]))).rejects.toMatchObject({ code: 'damaged' });
  });

  it('removes a snapshot, but a pinned one only by force', async () => {
    const store = await newStore();
    const id = await archive(store, [a]);
    await store.pin(id, true);
    await store.pin(id, true);
    await expect(store.remove(id)).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining('pinned') });
    await store.remove(id, { force: true });
    expect(await store.snapshotIds()).toEqual([]);
    expect(await store.pins()).toEqual(new Set());
    await expect(store.remove(id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.pin(id, true)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is not written to through a reader', async () => {
    const store = await newStore();
    const id = await archive(store, [a]);
    const reader = await openStore(store.backend.place, { mode: 'read' });
    await expect(reader.createPack()).rejects.toMatchObject({ code: 'internal' });
    await expect(reader.commit(manifestOf([a]))).rejects.toMatchObject({ code: 'internal' });
    await expect(reader.remove(id)).rejects.toMatchObject({ code: 'internal' });
  });

  it('lets readers see packs and snapshots appear and vanish', async () => {
    const store = await newStore();
    const first = await archive(store, [a]);
    const reader = await openStore(store.backend.place, { mode: 'read' });
    expect(await reader.lookup(digestOf(b))).toBeUndefined();
    const second = await archive(store, [b], { step: 200 });
    expect((await reader.lookup(digestOf(b)))?.entry.rawLength).toBe(b.length);
    await store.remove(first);
    expect((await reader.snapshots()).map(({ id }) => id)).toEqual([second]);
    const packId = (await reader.lookup(digestOf(a)))!.packId;
    await store.backend.remove(nameOfPack(packId));
    await reader.index.refresh();
    expect(await reader.lookup(digestOf(a))).toBeUndefined();
    expect(await reader.lookup(digestOf(b))).toBeDefined();
  });

  it('lists the other snapshots where one manifest is damaged', async () => {
    const store = await newStore();
    const id = await archive(store, [a]);
    const other = 'f'.repeat(32);
    await writeFile(join(store.backend.place, 'snapshots', `${other}.manifest`), 'no manifest');
    const unreadable: [string, string][] = [];
    expect((await store.snapshots((name, error) => unreadable.push([name, error.code]))).map((found) => found.id)).toEqual([id]);
    expect(unreadable).toEqual([[other, 'damaged']]);
  });

  it('asks the index cache instead of reading tables again', async () => {
    const store = await newStore();
    await archive(store, [a, b]);
    const kept = new Map<string, Uint8Array>();
    const cache: IndexCache = {
      load: (id) => kept.get(id),
      save: (id, digests) => void kept.set(id, digests),
      forget: (id) => void kept.delete(id),
    };
    const first = await openStore(store.backend.place, { mode: 'read', indexCache: cache });
    await first.lookup(digestOf(a));
    expect([...kept.values()].map((digests) => digests.length)).toEqual([64]);
    const [packId] = [...kept.keys()];
    // A table that can't be read shows that it was not read.
    await writeFile(store.backend.localPath(nameOfPack(packId!)), 'gone');
    const second = await openStore(store.backend.place, { mode: 'read', indexCache: cache });
    await second.index.load();
    expect(second.index.places(digestOf(b))).toEqual([{ packId, index: 1 }]);
  });
});

describe('opening a store', () => {
  it('makes one where it may, and keeps its id', async () => {
    const folder = await temporaryFolder();
    await expect(openStore(folder, { create: false })).rejects.toMatchObject({ code: 'not_found' });
    await expect(openStore(folder, { mode: 'read' })).rejects.toMatchObject({ code: 'not_found' });
    const store = await openStore(join(folder, 'below', 'it'));
    await store.close();
    expect(store.id).toMatch(/^[0-9a-f]{32}$/);
    const again = await openStore(join(folder, 'below', 'it'), { create: false });
    await again.close();
    expect(again.id).toBe(store.id);
  });

  it('refuses another format in one clear line', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'cairn.json'), '{"format":2,"what":"a newer store"}');
    for (const mode of ['read', 'write'] as const) {
      await expect(openStore(folder, { mode })).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('format 2'),
      });
    }
  });

  it.each(['', '{}', '[]', 'nonsense', '{"format":1}', '{"format":1,"id":"x","created":"2026-01-01T00:00:00Z"}'])(
    'refuses the mark %j',
    async (text) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'cairn.json'), text);
      await expect(openStore(folder)).rejects.toMatchObject({ code: 'damaged' });
      await expect(openStore(folder, { mode: 'read' })).rejects.toMatchObject({ code: 'damaged' });
    },
  );

  it('removes what an earlier writer left under temporary/', async () => {
    const folder = await temporaryFolder();
    const store = await openStore(folder);
    await store.createPack();
    expect(await store.backend.list('temporary')).toHaveLength(1);
    await store.close();
    const next = await openStore(folder);
    expect(await next.backend.list('temporary')).toEqual([]);
    await next.close();
  });
});
