import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import type { CairnError } from '../../core/contract/errors.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import type { BlobEntry } from '../../core/store/blob-source.ts';
import { encodeFooter, encodeTable, footerBytes, headerBytes, PackTable, parseFooter } from '../../core/store/pack-format.ts';
import { nameOfPack, PackReader, packIdOf, readPackTable } from '../../core/store/pack-reader.ts';
import { PackWriter } from '../../core/store/pack-writer.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { addBlob, addTensor, contentOf, manifestOf, newStore, temporaryFolder } from './examples.ts';
import { crc32c, hashing } from './hashing.ts';

const hex = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
const u32 = fc.integer({ min: 0, max: 0xffffffff });

/** A blob as a table may have it, at offset 0; its bytes are nobody's concern here. */
const blob: fc.Arbitrary<BlobEntry> = fc
  .record({
    digest: hex(32),
    base: fc.option(hex(32)),
    bytesCoding: fc.boolean(),
    element: fc.constantFrom(...Object.values(elements)),
    blocks: fc.integer({ min: 0, max: 5 }),
    last: fc.integer({ min: 1, max: 2 ** 19 }),
  })
  .filter(({ digest, base }) => digest !== base)
  .chain(({ digest, base, bytesCoding, element: anyElement, blocks, last }) => {
    const element: ElementId = bytesCoding ? elements.bytes8 : anyElement;
    const [blockLog2, width] = [bytesCoding ? 22 : 19, elementWidths[element]];
    const rawLength = blocks === 0 ? 0 : ((blocks - 1) * 2 ** blockLog2 + last) * width;
    const raw = (index: number) => Math.min(2 ** blockLog2 * width, rawLength - index * 2 ** blockLog2 * width);
    return fc
      .tuple(...Array.from({ length: blocks }, (_, index) => fc.tuple(fc.integer({ min: 1, max: raw(index) + 1 }), u32)))
      .map((pairs) => ({
        ...{ digest, rawLength, offset: 0, element, blockLog2, coding: bytesCoding ? ('bytes' as const) : ('tensor' as const) },
        needs: base && !bytesCoding ? [{ role: 1, digest: base }] : [],
        storedLength: pairs.reduce((sum, [length]) => sum + length, 0),
        lengths: Uint32Array.from(pairs, ([length]) => length),
        checksums: Uint32Array.from(pairs, ([, checksum]) => checksum),
      }));
  });

/** Lays blobs out back to back, as a writer does. */
function laidOut(blobs: BlobEntry[]): BlobEntry[] {
  let offset = headerBytes;
  return blobs.map((entry) => {
    const placed = { ...entry, offset };
    offset += entry.storedLength;
    return placed;
  });
}

function footerOf(blobs: BlobEntry[], table: Uint8Array) {
  const tableOffset = headerBytes + blobs.reduce((sum, { storedLength }) => sum + storedLength, 0);
  return { tableOffset, tableLength: table.length, blobCount: blobs.length, tableChecksum: crc32c(table) };
}

/** A pack of a delta, its base, an empty content and bytes, in a folder of its own. */
async function smallPack() {
  const backend = new LocalBackend(await temporaryFolder());
  const pack = await PackWriter.create(backend, hashing);
  await addTensor(pack, contentOf('a base'));
  await addTensor(pack, contentOf('delta!'), contentOf('a base'));
  await addBlob(pack, contentOf(''));
  await addBlob(pack, contentOf('only bytes'));
  const { id, entries, sizeBytes } = await pack.finish();
  return { backend, id, entries, sizeBytes, path: backend.localPath(nameOfPack(id)) };
}

describe('a pack table', () => {
  it('gives back the blobs that were put in', () => {
    fc.assert(
      fc.property(fc.array(blob, { maxLength: 20 }).map(laidOut), (blobs) => {
        const table = encodeTable(blobs);
        const footer = footerOf(blobs, table);
        const fileBytes = footer.tableOffset + table.length + footerBytes;
        expect(parseFooter(encodeFooter(footer), fileBytes, 'p')).toEqual(footer);
        const parsed = new PackTable(table, footer, hashing, 'p');
        expect([...parsed.entries()]).toEqual(blobs);
        expect(Buffer.from(parsed.digests()).toString('hex')).toBe(blobs.map(({ digest }) => digest).join(''));
      }),
      { numRuns: 60 },
    );
  });

  /** The table of one blob with some bytes changed, its checksum made to fit: a lie, not an accident. */
  function lie(at: number, bytes: number[], entry: Partial<BlobEntry> = {}): () => PackTable {
    const one: BlobEntry = {
      ...{ digest: 'ab'.repeat(32), rawLength: 8, offset: 16, storedLength: 9, element: elements.float32, blockLog2: 19, coding: 'tensor' },
      ...{ needs: [{ role: 1, digest: 'cd'.repeat(32) }], lengths: Uint32Array.of(9), checksums: Uint32Array.of(1), ...entry },
    };
    const table = Buffer.from(encodeTable([one]));
    const footer = footerOf([one], table);
    table.set(bytes, at);
    return () => new PackTable(table, { ...footer, tableChecksum: crc32c(table) }, hashing, 'p');
  }

  it.each([
    ['a length that is no number of elements', 32, [7], 'damaged'],
    ['a length with other than one block', 32, [0, 0, 0, 1], 'damaged'],
    ['a length larger than any file', 32, [255, 255, 255, 255, 255, 255, 255, 255], 'damaged'],
    ['an offset that is not the end of the blob before', 40, [17], 'damaged'],
    ['an unknown element', 48, [11], 'unsupported'],
    ['element 0', 48, [0], 'unsupported'],
    ['another block size', 49, [20], 'damaged'],
    ['an unknown coding', 50, [3], 'unsupported'],
    ['the bytes coding with a need', 48, [1, 22, 2], 'damaged'],
    ['more needs than there are', 51, [200], 'damaged'],
    ['fewer needs than there are', 51, [0], 'damaged'],
    ['more blocks than there are', 52, [255, 255, 255, 255], 'damaged'],
    ['an unknown role', 56, [9], 'unsupported'],
    ['a base that is the blob itself', 57, [...Buffer.alloc(32, 0xab)], 'damaged'],
    ['a block longer than its original and one', 89, [10], 'damaged'],
    ['an empty block', 89, [0], 'damaged'],
  ] as const)('is refused for %s', (_, at, bytes, code) => {
    expect(lie(at, [])().blobCount).toBe(1);
    let error: unknown;
    try {
      lie(at, [...bytes])();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    expect((error as CairnError).message).not.toContain('\n');
  });

  it('is never written with blobs that contradict the format', () => {
    const entry = laidOut([{ ...fc.sample(blob, 1)[0]!, offset: 16 }])[0]!;
    expect(() => encodeTable([{ ...entry, offset: 17 }])).toThrow('starts at 17');
    expect(() => encodeTable([{ ...entry, storedLength: entry.storedLength + 1 }])).toThrow('together');
    expect(() => encodeTable([{ ...entry, checksums: new Uint32Array(entry.lengths.length + 1) }])).toThrow('checksum');
  });
});

describe('a pack', () => {
  it('is published under the digest of its table and read back', async () => {
    const { backend, id, entries, sizeBytes, path } = await smallPack();
    expect(packIdOf(nameOfPack(id))).toBe(id);
    expect(await backend.list('')).toEqual([nameOfPack(id)]);
    expect((await readFile(path)).length).toBe(sizeBytes);
    expect([...(await readPackTable(backend, hashing, id)).entries()]).toEqual(entries);
  });

  it('is the same bytes for the same blobs in the same order', async () => {
    const [first, second] = [await smallPack(), await smallPack()];
    expect(second.id).toBe(first.id);
    expect(await readFile(second.path)).toEqual(await readFile(first.path));
  });

  it('notices a flip in every byte of its header, table and footer', async () => {
    const { backend, id, entries, path } = await smallPack();
    const whole = await readFile(path);
    const tableAt = entries.at(-1)!.offset + entries.at(-1)!.storedLength;
    for (let at = 0; at < whole.length; at++) {
      if (at >= headerBytes && at < tableAt) continue;
      const bit = at % 8;
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << bit;
      await writeFile(path, changed);
      expect(await codeOf(backend, id), `bit ${bit} of byte ${at}`).toMatch(/^(damaged|unsupported)$/);
    }
  });

  it('notices every truncation and every byte too many', async () => {
    const { backend, id, path, sizeBytes } = await smallPack();
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(1)]));
    expect(await codeOf(backend, id)).toBe('damaged');
    for (let length = sizeBytes - 1; length >= 0; length--) {
      await truncate(path, length);
      expect(await codeOf(backend, id), `cut to ${length} bytes`).toBe('damaged');
    }
  });

  it('is not taken for another', async () => {
    const { backend, path } = await smallPack();
    const other = 'ab'.repeat(32);
    const temporary = await backend.createTemporary();
    await backend.writeAt(temporary, 0, await readFile(path));
    await backend.publish(temporary, nameOfPack(other));
    expect(await codeOf(backend, other)).toBe('damaged');
  });

  it('refuses a newer version in one line', async () => {
    const { backend, id, path } = await smallPack();
    const file = await open(path, 'r+');
    await file.write(Uint8Array.of(2), 0, 1, 8);
    await file.close();
    await expect(readPackTable(backend, hashing, id)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('version 2'),
    });
  });

  it('shows every flip of header, table and footer in structure verification', async () => {
    const store = await newStore();
    const content = contentOf('x');
    const pack = await store.createPack();
    await addTensor(pack, content);
    const { id, sizeBytes } = await pack.finish();
    await store.commit(manifestOf([content]));
    const path = store.backend.localPath(nameOfPack(id));
    const whole = await readFile(path);
    expect((await verifyStructure(store)).findings).toEqual([]);
    for (let at = 0; at < sizeBytes; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 0x10;
      await writeFile(path, changed);
      const { findings } = await verifyStructure(store);
      expect(
        findings.map(({ code }) => code),
        `byte ${at}`,
      ).toContain(at === 16 || at === 17 ? 'block-damaged' : 'pack-unreadable');
    }
  });
});

describe('a pack writer', () => {
  it('takes entries in any order and a blob in pieces', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const pack = await PackWriter.create(backend, hashing);
    const [one, two] = [pack.reserve(3), pack.reserve(4)];
    const rest = pack.reserve(5);
    await pack.write(rest, new Uint8Array(5));
    const entry = { element: elements.bytes8, blockLog2: 19, coding: 'tensor' as const, needs: [], checksums: Uint32Array.of(0) };
    pack.add({ ...entry, digest: 'bb'.repeat(32), rawLength: 8, offset: two, storedLength: 9, lengths: Uint32Array.of(9) });
    pack.add({ ...entry, digest: 'aa'.repeat(32), rawLength: 3, offset: one, storedLength: 3, lengths: Uint32Array.of(3) });
    expect((await pack.finish()).entries.map(({ offset }) => offset)).toEqual([16, 19]);
  });

  it('leaves no trace of what was given back', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const [rewound, plain] = [await PackWriter.create(backend, hashing), await PackWriter.create(backend, hashing)];
    for (const pack of [rewound, plain]) await addTensor(pack, contentOf('kept'));
    const offset = rewound.reserve(5000);
    await rewound.write(offset, new Uint8Array(5000).fill(1));
    rewound.rewind(offset);
    expect(() => rewound.rewind(offset + 1)).toThrow('rewound');
    expect(() => rewound.rewind(0)).toThrow('rewound');
    expect((await rewound.finish()).id).toBe((await plain.finish()).id);
  });

  it('publishes nothing that was not proved', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const pack = await PackWriter.create(backend, hashing);
    const entry = await addTensor(pack, contentOf('to be proved'));
    const proving = pack.finish(async (path, entries) => {
      expect(entries).toEqual([entry]);
      expect((await readFile(path)).subarray(entry.offset + 1, entry.offset + entry.storedLength).toString()).toBe('to be proved');
      expect(await backend.list('packs')).toEqual([]);
      throw new Error('it decodes to something else');
    });
    await expect(proving).rejects.toThrow('something else');
    expect(await backend.list('')).toEqual([]);
  });

  it('refuses to finish where reserved bytes belong to no blob, and leaves nothing', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const pack = await PackWriter.create(backend, hashing);
    await addTensor(pack, contentOf('x'));
    pack.reserve(1);
    await expect(pack.finish()).rejects.toMatchObject({ code: 'internal' });
    expect(await backend.list('')).toEqual([]);
  });

  it('refuses to finish empty, twice, or after it was abandoned', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const empty = await PackWriter.create(backend, hashing);
    await expect(empty.finish()).rejects.toMatchObject({ code: 'internal' });
    await expect(empty.finish()).rejects.toMatchObject({ code: 'internal' });
    const abandoned = await PackWriter.create(backend, hashing);
    await abandoned.abandon();
    await abandoned.abandon();
    expect(() => abandoned.reserve(1)).toThrow('after its end');
    expect(await backend.list('')).toEqual([]);
  });

  it('writes nothing outside what was reserved', async () => {
    const pack = await PackWriter.create(new LocalBackend(await temporaryFolder()), hashing);
    const offset = pack.reserve(4);
    await expect(pack.write(offset, new Uint8Array(5))).rejects.toMatchObject({ code: 'internal' });
    await expect(pack.write(0, new Uint8Array(4))).rejects.toMatchObject({ code: 'internal' });
    expect(() => pack.reserve(-1)).toThrow('reserved');
    await pack.abandon();
  });
});

describe('a pack reader', () => {
  it('keeps tables up to its bound and reads the others again', async () => {
    const backend = new LocalBackend(await temporaryFolder());
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three']) {
      const pack = await PackWriter.create(backend, hashing);
      await addTensor(pack, contentOf(text));
      ids.push((await pack.finish()).id);
    }
    const [first, second, third] = ids as [string, string, string];
    const reader = new PackReader(backend, hashing, 2 * (await readPackTable(backend, hashing, first)).sizeBytes);
    const held = await reader.table(first);
    await reader.table(second);
    expect(await reader.table(first)).toBe(held);
    await reader.table(third);
    expect(await reader.table(first)).toBe(held);
    await backend.remove(nameOfPack(second));
    await expect(reader.table(second)).rejects.toMatchObject({ code: 'not_found' });
    reader.forget(first);
    expect(await reader.table(first)).not.toBe(held);
  });
});

async function codeOf(backend: LocalBackend, id: string): Promise<string | undefined> {
  return readPackTable(backend, hashing, id).then(
    () => undefined,
    (thrown: CairnError) => thrown.code,
  );
}
