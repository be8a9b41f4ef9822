import { cp, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { encodeManifest } from '../../core/store/manifest.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { PackWriter } from '../../core/store/pack-writer.ts';
import { nameOfManifest } from '../../core/store/snapshots.ts';
import { Store } from '../../core/store/store.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { archive, contentOf, digestOf, openStore, temporaryFolder } from './examples.ts';
import { fileBytes, goldenContents, goldenEntries, goldenManifest } from './golden-store.ts';
import { hashing } from './hashing.ts';

const folder = fileURLToPath(new URL('../fixtures/golden-v1', import.meta.url));
const snapshotId = '6778c65d25946887c8f380d59b098c0c';
const packId = '62423f5c54ba5b6f41f9caf13d3514d6b77ca9f20503e9e784a00d111413d949';

function openGolden(): Promise<Store> {
  return Store.open({ backend: new LocalBackend(folder), hashing, mode: 'read' });
}

/** The pack's bytes, and the zstd frame in it. */
async function goldenPack() {
  const bytes = await readFile(`${folder}/${nameOfPack(packId)}`);
  const { entry } = (await (await openGolden()).lookup(digestOf(goldenContents.text)))!;
  return { bytes, zstdFrame: bytes.subarray(entry.offset + 1, entry.offset + entry.storedLength) };
}

describe('the golden store of format 1', () => {
  it('opens, verifies, and holds what it held when it was written', async () => {
    const store = await openGolden();
    expect([store.id, store.created]).toEqual(['ef97bc362190f0e3981c22e606815f61', '2026-11-21T02:10:19.403Z']);
    expect(await store.snapshotIds()).toEqual([snapshotId]);
    expect(await store.resolve('günther@100')).toBe(snapshotId);
    expect(await store.manifest(snapshotId)).toEqual(goldenManifest);
    expect((await verifyStructure(store)).findings).toEqual([]);
    expect(await store.depthOf(digestOf(goldenContents.moved))).toBe(1);
    expect(digestOf(fileBytes())).toBe(goldenManifest.files[0]!.digest);
  });

  it('has the blobs that FORMAT.md describes', async () => {
    const store = await openGolden();
    const { zstdFrame } = await goldenPack();
    expect([...(await store.packTable(packId)).entries()]).toEqual(goldenEntries(zstdFrame).map(({ entry }) => entry));
    expect(zstdDecompressSync(zstdFrame).equals(goldenContents.text)).toBe(true);
  });

  it('is written the same today: same blobs, same pack; same record, same snapshot', async () => {
    const { bytes, zstdFrame } = await goldenPack();
    const backend = new LocalBackend(await temporaryFolder());
    const pack = await PackWriter.create(backend, hashing);
    for (const { block, entry } of goldenEntries(zstdFrame)) {
      const offset = pack.reserve(block.length);
      await pack.write(offset, block);
      pack.add({ ...entry, offset });
    }
    expect((await pack.finish()).id).toBe(packId);
    expect((await readFile(backend.localPath(nameOfPack(packId)))).equals(bytes)).toBe(true);
    const written = await encodeManifest(goldenManifest, hashing);
    expect(written.id).toBe(snapshotId);
    // The payload may differ with another zstd; everything before it may not, but for its length.
    const golden = await readFile(`${folder}/${nameOfManifest(snapshotId)}`);
    expect(Buffer.from(written.bytes).subarray(24, 64).equals(golden.subarray(24, 64))).toBe(true);
  });

  it('takes new snapshots, as a copy', async () => {
    const copy = await temporaryFolder();
    await cp(folder, copy, { recursive: true });
    const store = await openStore(copy, { create: false });
    await archive(store, [contentOf('new')]);
    expect((await verifyStructure(store)).findings).toEqual([]);
    expect(await store.snapshotIds()).toHaveLength(2);
    await store.close();
  });
});
