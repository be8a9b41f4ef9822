import { describe, expect, it } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import { prune } from '../../core/jobs/prune.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { digestOf, manifestOf, newStore, openStore } from './examples.ts';
import { crc32c } from './hashing.ts';

const packs = 20;
const blobsPerPack = 500;

/** A content of four bytes that no other number has. */
function numbered(number: number): Uint8Array {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setUint32(0, number);
  return content;
}

describe('a store of 10,000 blobs', () => {
  it('is written, found again by a reader, verified and pruned', async () => {
    const store = await newStore();
    const contents = Array.from({ length: packs * blobsPerPack }, (_, number) => numbered(number));
    for (let first = 0; first < contents.length; first += blobsPerPack) {
      const pack = await store.createPack();
      const blocks = contents.slice(first, first + blobsPerPack).map((content) => Buffer.concat([Uint8Array.of(0), content]));
      const start = pack.reserve(blocks.length * 5);
      await pack.write(start, Buffer.concat(blocks));
      for (const [index, block] of blocks.entries()) {
        pack.add({
          ...{
            digest: digestOf(contents[first + index]!),
            rawLength: 4,
            offset: start + index * 5,
            storedLength: 5,
            element: elements.float32,
          },
          ...{ blockLog2: 19, coding: 'tensor', needs: [], lengths: Uint32Array.of(5), checksums: Uint32Array.of(crc32c(block)) },
        });
      }
      await pack.finish();
    }
    const id = await store.commit(manifestOf(contents));
    const reader = await openStore(store.backend.place, { mode: 'read' });
    expect((await reader.manifest(id)).blobs).toHaveLength(contents.length);
    for (const number of [0, 4711, contents.length - 1]) {
      expect((await reader.lookup(digestOf(contents[number]!)))?.entry).toMatchObject({
        rawLength: 4,
        offset: 16 + (number % blobsPerPack) * 5,
      });
    }
    expect(reader.index.blobCount).toBe(contents.length);
    expect(await verifyStructure(reader)).toEqual({ snapshots: 1, bytesRead: contents.length * 5, findings: [] });
    await store.remove(id);
    expect(await prune(store)).toMatchObject({ packsRemoved: packs, bytesLeft: 0 });
  });
});
