import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { nameOfManifest } from '../../core/store/snapshots.ts';
import type { Store } from '../../core/store/store.ts';
import { examine } from '../../core/verify/doctor.ts';
import { archive, contentOf, newStore, openStore } from '../store/examples.ts';

/** What a reader finds after the writer has gone, by code and the end of the path. */
async function foundBy(store: Store): Promise<string[]> {
  const reader = await openStore(store.backend.place, { mode: 'read' });
  return (await examine(reader)).map(({ code, path }) => `${code} ${path!.slice(store.backend.place.length + 1)}`);
}

describe('doctor', () => {
  it('finds nothing in a store at rest, nor in one being written to', async () => {
    const store = await newStore();
    await archive(store, [contentOf('a')]);
    await store.createPack();
    expect(await examine(store)).toEqual([]);
    expect(await foundBy(store)).toEqual([]);
    const other = await newStore();
    await archive(other, [contentOf('a')]);
    await other.close();
    expect(await foundBy(other)).toEqual([]);
  });

  it('finds temporary files that a writer left', async () => {
    const store = await newStore();
    await store.createPack();
    await store.close();
    expect(await foundBy(store)).toEqual([expect.stringMatching(/^temporary-left temporary\//)]);
  });

  it('finds a stale lock', async () => {
    const store = await newStore();
    await store.close();
    const lock = { host: 'elsewhere', pid: 1, started: '2020-01-01T00:00:00Z', token: 'x', heartbeat: '2020-01-01T00:00:00Z' };
    await writeFile(join(store.backend.place, 'lock'), JSON.stringify(lock));
    expect(await foundBy(store)).toEqual(['lock-stale lock']);
  });

  it('finds packs that nothing needs', async () => {
    const store = await newStore();
    const id = await archive(store, [contentOf('a')]);
    await archive(store, [contentOf('b')], { step: 200 });
    await store.remove(id);
    expect((await examine(store)).map(({ code }) => code)).toEqual(['pack-orphaned']);
    await store.close();
    expect(await foundBy(store)).toEqual([expect.stringMatching(/^pack-orphaned packs\//)]);
  });

  it('finds foreign files and pins of nothing', async () => {
    const store = await newStore();
    const id = await archive(store, [contentOf('a')]);
    await store.pin(id, true);
    await writeFile(join(store.backend.place, 'snapshots', '.DS_Store'), '');
    await writeFile(join(store.backend.place, 'pins', 'notes.txt'), '');
    await writeFile(join(store.backend.place, 'packs', 'model.safetensors'), '');
    expect((await foundBy(store)).sort()).toEqual([
      'file-foreign packs/model.safetensors',
      'file-foreign pins/notes.txt',
      'file-foreign snapshots/.DS_Store',
    ]);
    await rm(new LocalBackend(store.backend.place).localPath(nameOfManifest(id)));
    expect(await foundBy(store)).toContain(`pin-orphaned pins/${id}`);
  });
});
