import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { nameOfManifest } from '../../core/store/snapshots.ts';
import type { Store } from '../../core/store/store.ts';
import { findingKinds } from '../../core/verify/findings.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { addTensor, archive, contentOf, digestOf, manifestOf, newStore, openStore } from '../store/examples.ts';

const [a, b, c] = ['content a', 'content b', 'content c'].map(contentOf) as [Buffer, Buffer, Buffer];

/** Two snapshots: one of a, one of b and of c, which is a delta against a. */
async function twoSnapshots(): Promise<{ store: Store; first: string; second: string; packs: string[] }> {
  const store = await newStore();
  const first = await archive(store, [a]);
  const pack = await store.createPack();
  await addTensor(pack, b);
  await addTensor(pack, c, a);
  await pack.finish();
  const second = await store.commit(manifestOf([b, c], { step: 200, depth: 1 }));
  const packs = await Promise.all([a, b].map(async (content) => (await store.lookup(digestOf(content)))!.packId));
  return { store, first, second, packs };
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 4;
  await writeFile(path, bytes);
}

/** Codes and snapshots of what a fresh reader finds. */
async function found(store: Store, snapshots?: string[]): Promise<[string, string | undefined][]> {
  const reader = await openStore(store.backend.place, { mode: 'read' });
  const { findings } = await verifyStructure(reader, { snapshots });
  for (const { code, severity, message } of findings) {
    expect(severity).toBe(findingKinds[code as keyof typeof findingKinds].severity);
    expect(message).not.toContain('\n');
  }
  return findings.map(({ code, snapshot }) => [code, snapshot]);
}

describe('structure verification', () => {
  it('finds nothing in a whole store, and reads every stored byte', async () => {
    const { store } = await twoSnapshots();
    const seen: number[] = [];
    const result = await verifyStructure(store, { onProgress: ({ bytesDone, bytesTotal }) => seen.push(bytesDone / bytesTotal) });
    expect(result).toEqual({ snapshots: 2, bytesRead: 30, findings: [] });
    expect(seen.at(-1)).toBe(1);
  });

  it('finds a damaged block, and every snapshot it concerns, through bases too', async () => {
    const { store, first, second, packs } = await twoSnapshots();
    await flip(store.backend.localPath(nameOfPack(packs[0]!)), 17);
    const findings = await found(store);
    expect(findings).toHaveLength(3);
    expect(findings).toEqual(
      expect.arrayContaining([
        ['block-damaged', undefined],
        ['snapshot-affected', first],
        ['snapshot-affected', second],
      ]),
    );
  });

  it('finds a damaged table, and what is missing for it', async () => {
    const { store, second, packs } = await twoSnapshots();
    const path = store.backend.localPath(nameOfPack(packs[1]!));
    await flip(path, (await readFile(path)).length - 60);
    expect(await found(store)).toEqual([
      ['pack-unreadable', undefined],
      ['content-missing', second],
      ['content-missing', second],
      ['snapshot-affected', second],
    ]);
  });

  it('finds a missing pack', async () => {
    const { store, first, second, packs } = await twoSnapshots();
    await rm(store.backend.localPath(nameOfPack(packs[0]!)));
    const findings = await found(store);
    expect(
      findings
        .filter(([code]) => code === 'content-missing')
        .map(([, id]) => id)
        .sort(),
    ).toEqual([first, second].sort());
  });

  it('finds a damaged manifest, and verifies the others', async () => {
    const { store, first, second } = await twoSnapshots();
    await flip(store.backend.localPath(nameOfManifest(first)), 70);
    expect(await found(store)).toEqual([['manifest-unreadable', first]]);
    expect(await found(store, [second])).toEqual([]);
  });

  it('limits itself to the snapshots asked for and what they need', async () => {
    const { store, first, second, packs } = await twoSnapshots();
    await flip(store.backend.localPath(nameOfPack(packs[1]!)), 17);
    expect(await found(store, [first])).toEqual([]);
    expect(await found(store, [second])).toEqual([
      ['block-damaged', undefined],
      ['snapshot-affected', second],
    ]);
    expect(await found(store, ['0'.repeat(32)])).toEqual([['manifest-unreadable', '0'.repeat(32)]]);
  });

  it('finds a base that does not fit', async () => {
    const store = await newStore();
    const id = await archive(store, [a]);
    // As if the content had been stored again, against a base of another length, and the first pack lost.
    const packId = (await store.lookup(digestOf(a)))!.packId;
    const pack = await store.createPack();
    await addTensor(pack, contentOf('longer content'));
    await addTensor(pack, a, contentOf('longer content'));
    await pack.finish();
    await rm(store.backend.localPath(nameOfPack(packId)));
    expect(await found(store)).toEqual([
      ['base-unfit', id],
      ['snapshot-affected', id],
    ]);
  });

  it('can be cancelled', async () => {
    const { store } = await twoSnapshots();
    await expect(verifyStructure(store, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
