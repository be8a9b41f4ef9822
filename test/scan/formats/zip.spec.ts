import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { cpuMsOf } from '../../own-time.ts';
import { pickleOf, tensorOf, zipOf, type MemberDraft, type ZipDraft } from './containers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();
const pickle = { name: 'a/data.pkl', bytes: pickleOf(0x80, 2, tensorOf({ elements: 6, shape: [6], strides: [1] }), '.') };
const storage = { name: 'a/data/0', bytes: Buffer.alloc(24, 5) };

async function layoutOf(bytes: Uint8Array) {
  return readLayout(await folder.put('model.pt', bytes));
}

describe('zip archives', () => {
  test.each([
    ['small', {}],
    ['ZIP64', { wide: true }],
  ] as [string, ZipDraft][])('%s ones are read', async (_, draft) => {
    expect(await layoutOf(zipOf([pickle, storage], draft))).toMatchObject({ format: 'torch-zip', parts: [{ length: 24 }] });
  });

  test('a comment at the end is passed', async () => {
    const bytes = zipOf([pickle, storage]);
    bytes.writeUInt16LE(5, bytes.length - 2);
    expect(await layoutOf(Buffer.concat([bytes, Buffer.from('hello')]))).toMatchObject({ format: 'torch-zip' });
  });

  const lies: [string, MemberDraft[], ZipDraft, string][] = [
    ['a directory of more entries than there are', [pickle, storage], { count: 3 }, 'claims 3 zip members'],
    ['a directory of 2^40 entries', [pickle, storage], { count: 2 ** 40, wide: true }, 'points to byte'],
    ['a directory of fewer entries', [pickle, storage], { count: 1 }, 'more entries'],
    ['a directory beyond the end', [pickle], { directoryOffset: 2 ** 31 }, 'runs into its end record'],
    ['a directory at 2^50', [pickle], { directoryOffset: 2 ** 50, wide: true }, 'points to byte'],
    ['a directory longer than the file', [pickle], { directoryLength: 2 ** 31 }, 'runs into its end record'],
    ['members that overlap', [pickle, { ...storage, claims: { headerOffset: 10 } }], {}, 'overlap'],
    ['two members in one place', [pickle, { ...storage, claims: { headerOffset: 0 } }], {}, 'overlap'],
    [
      'a member as long as the file',
      [pickle, { ...storage, claims: { length: 10_000, storedLength: 10_000 } }],
      {},
      'runs into the directory',
    ],
    ['a stored member of two lengths', [pickle, { ...storage, claims: { length: 48 } }], {}, 'two lengths'],
    ['a member of another name', [pickle, { ...storage, name: 'a/data/1', claims: { name: 'a/data/0' } }], {}, 'both'],
    ['a pickle that inflates to more', [{ ...pickle, deflated: true, claims: { length: 20 } }, storage], {}, 'does not inflate'],
    ['a pickle that inflates to less', [{ ...pickle, deflated: true, claims: { length: 20_000 } }, storage], {}, 'does not inflate'],
    ['a pickle that is no deflate stream', [{ ...pickle, claims: { method: 8 } }, storage], {}, 'does not inflate'],
  ];
  test.each(lies)('%s is damage', async (_, members, draft, reason) => {
    const layout = await layoutOf(zipOf(members, draft));
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toContain(reason);
  });

  test('local headers that disagree with the directory are damage', async () => {
    const lie = (change: (bytes: Buffer) => void) => {
      const bytes = zipOf([pickle, storage]);
      change(bytes);
      return layoutOf(bytes);
    };
    const reasons = [
      [await lie((bytes) => bytes.writeUInt16LE(8, 8)), 'no header'],
      [await lie((bytes) => bytes.writeUInt32LE(0x04034b51, 30 + pickle.name.length + pickle.bytes.length)), 'no header'],
      [await lie((bytes) => bytes.writeUInt16LE(0xffff, 28)), 'run into what follows'],
    ] as const;
    for (const [layout, reason] of reasons)
      expect(layout).toMatchObject({ format: 'bytes', damaged: true, note: expect.stringContaining(reason) as string });
  });

  test('a member twice is left alone: nobody says which counts', async () => {
    const layout = await layoutOf(zipOf([pickle, storage, storage]));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('twice') as string });
    expect(layout.damaged).toBeUndefined();
  });

  test('zip archives of other programs are not looked into', async () => {
    const bytes = zipOf([{ name: 'word/document.xml', bytes: Buffer.from('hello') }], { count: 7 });
    expect(await readLayout(await folder.put('letter.docx', bytes))).toEqual({ format: 'bytes', parts: [], tensors: [] });
    expect(await readLayout(await folder.put('archive', zipOf([pickle, storage])))).toMatchObject({ format: 'torch-zip' });
  });

  test('an encrypted archive is left alone', async () => {
    const layout = await layoutOf(zipOf([{ ...pickle, claims: { flags: 1 } }, storage]));
    expect(layout.note).toContain('encrypted');
    expect(layout.damaged).toBeUndefined();
  });

  test('a pickle that would inflate to gigabytes is not inflated', async () => {
    const bomb = { name: 'a/data.pkl', bytes: Buffer.alloc(64 * 1024 * 1024 + 1), deflated: true };
    const zip = zipOf([bomb]);
    let layout!: Awaited<ReturnType<typeof layoutOf>>;
    const cpuMs = await cpuMsOf(async () => (layout = await layoutOf(zip)));
    expect(layout.note).toContain('more than');
    expect(layout.damaged).toBeUndefined();
    expect(cpuMs).toBeLessThan(15_000);
  });

  test('many small pickles that together would inflate to gigabytes are not inflated', async () => {
    const bombs = Array.from({ length: 5 }, (_, index) => ({
      name: `p/m${index}.pkl`,
      bytes: Buffer.alloc(16 * 1024 * 1024),
      deflated: true,
    }));
    const layout = await layoutOf(zipOf([{ name: 'p/.data/0.storage', bytes: Buffer.alloc(4) }, ...bombs]));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('bytes of pickles') as string });
  });

  test('a bomb that says it is small is stopped at its word', async () => {
    const bytes = zipOf([{ name: 'a/data.pkl', bytes: Buffer.alloc(32 * 1024 * 1024), deflated: true, claims: { length: 1000 } }]);
    expect(bytes.length).toBeLessThan(100_000);
    const before = process.memoryUsage().rss;
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'bytes', damaged: true });
    expect(process.memoryUsage().rss - before).toBeLessThan(30 * 1024 * 1024);
  });

  test('deflate that goes on after the end of its member is not believed', async () => {
    const stream = deflateRawSync(pickle.bytes);
    const bytes = zipOf([
      { name: 'a/data.pkl', bytes: Buffer.concat([stream, stream]), claims: { method: 8, length: pickle.bytes.length } },
    ]);
    const layout = await layoutOf(bytes);
    expect(layout.damaged === true || layout.format === 'torch-zip').toBe(true);
    expect(layout.parts).toEqual([]);
  });
});
