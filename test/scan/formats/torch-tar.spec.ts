/** Tar archives of torch before 0.1.10, made here after `legacy_load` of torch/serialization.py, since no torch of today writes them. */
import { describe, expect, it } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { dictionaryOf, pickleOf, text, u32, u64, whole } from './containers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

const pickle = (...pieces: (string | number | Uint8Array)[]): Buffer => pickleOf(0x80, 2, ...pieces, '.');
/** LONG1, as Python 2 pickled keys. */
const long = (value: number): Buffer => pickleOf(0x8a, 4, u32(value));
const tuple = (...pieces: Uint8Array[]): Buffer => pickleOf('(', ...pieces, 't');
const global = (name: string): Buffer => pickleOf(`ctorch\n${name}\n`);
const reference = (key: number): Buffer => pickleOf(text(String(key)), 'Q');

interface TarMember {
  name: string;
  bytes: Uint8Array;
  claims?: string;
}

function tarOf(members: TarMember[]): Buffer {
  const blocks = members.flatMap(({ name, bytes, claims }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(claims ?? bytes.length.toString(8).padStart(11, '0'), 124);
    header.write('0', 156);
    header.write('ustar\x0000', 257, 'latin1');
    return [header, Buffer.from(bytes), Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const storage = (key: number, kind: string, count: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([pickle(tuple(long(key), text('cpu'), global(kind))), u64(count), bytes]);
const tensor = (key: number, of: number, shape: number[], strides: number[], offset: number, dimensions = shape.length): Buffer =>
  Buffer.concat([
    pickle(tuple(long(key), long(of), global('FloatTensor'))),
    u32(dimensions),
    u32(0),
    ...[...shape, ...strides, offset].map((number) => u64(number)),
  ]);

interface Draft {
  storages?: Buffer[];
  views?: Buffer[];
  tensors?: Buffer[];
  tree?: Buffer;
  drop?: string;
}

const floats = Buffer.from(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
const halves = Buffer.from([1, 2, 3, 4]);

function archive({ storages, views = [], tensors, tree, drop }: Draft = {}): Buffer {
  const kept = storages ?? [storage(10, 'FloatStorage', 6, floats), storage(11, 'HalfStorage', 2, halves)];
  const named = tensors ?? [tensor(20, 10, [2, 3], [3, 1], 0), tensor(21, 11, [2], [1], 0)];
  const members = [
    { name: 'sys_info', bytes: pickle(dictionaryOf({ protocol_version: whole(1000) })) },
    { name: 'pickle', bytes: pickle(tree ?? dictionaryOf({ weight: reference(20), half: reference(21) })) },
    { name: 'tensors', bytes: Buffer.concat([pickle(whole(named.length)), ...named]) },
    { name: 'storages', bytes: Buffer.concat([pickle(whole(kept.length)), ...kept, pickle('(', ...views, 'l')]) },
  ];
  return tarOf(members.filter(({ name }) => name !== drop));
}

const layoutOf = async (bytes: Uint8Array) => readLayout(await folder.put('old.pt', bytes));

describe('a tar archive of an old torch', () => {
  it('has its tensors found where their bytes lie', async () => {
    const bytes = archive();
    const { format, parts, tensors, note } = await layoutOf(bytes);
    expect([format, note]).toEqual(['torch-tar', undefined]);
    expect(parts).toEqual([
      { offset: bytes.indexOf(floats), length: 24, element: elements.float32 },
      { offset: bytes.indexOf(halves), length: 4, element: elements.float16 },
    ]);
    expect(tensors).toEqual([
      { name: 'weight', dtype: 'F32', shape: [2, 3], part: 0, offset: 0 },
      { name: 'half', dtype: 'F16', shape: [2], part: 1, offset: 0 },
    ]);
  });

  it('may name one tensor twice, look at storages through views, and have strides', async () => {
    const { parts, tensors } = await layoutOf(
      archive({
        views: [tuple(long(12), long(10), whole(2), whole(4))],
        tensors: [tensor(20, 10, [3, 2], [1, 3], 0), tensor(21, 12, [2], [1], 1)],
        tree: dictionaryOf({ turned: reference(20), tail: reference(21), again: reference(20) }),
      }),
    );
    expect(parts).toHaveLength(2);
    expect(tensors).toEqual([
      { name: 'turned', dtype: 'F32', shape: [3, 2], part: 0, offset: 0, strides: [1, 3] },
      { name: 'tail', dtype: 'F32', shape: [2], part: 0, offset: 12 },
      { name: 'again', dtype: 'F32', shape: [3, 2], part: 0, offset: 0, strides: [1, 3] },
    ]);
  });

  it('tells what loading it would run', async () => {
    const attack = pickleOf('cos\nsystem\n', '(', text('true'), 'tR');
    expect((await layoutOf(archive({ tree: dictionaryOf({ weight: reference(20), x: attack }) }))).note).toContain('os.system');
  });

  const lies: [string, () => Buffer, RegExp][] = [
    [
      'a storage longer than the file',
      () => archive({ storages: [storage(10, 'FloatStorage', 600, floats), storage(11, 'HalfStorage', 2, halves)] }),
      /cut short/,
    ],
    [
      'a storage of less than nothing',
      () => archive({ storages: [Buffer.concat([pickle(tuple(long(10), text('cpu'), global('FloatStorage'))), u64(2n ** 64n - 1n)])] }),
      /cut short/,
    ],
    [
      'a tensor beyond its storage',
      () => archive({ tensors: [tensor(20, 10, [7], [1], 0), tensor(21, 11, [2], [1], 0)] }),
      /reach beyond its storage/,
    ],
    ['a tensor without a storage', () => archive({ tensors: [tensor(20, 99, [1], [1], 0)] }), /without a storage/],
    ['a billion dimensions', () => archive({ tensors: [tensor(20, 10, [1], [1], 0, 1e9)] }), /dimensions/],
    ['a view beyond its storage', () => archive({ views: [tuple(long(12), long(10), whole(5), whole(4))] }), /view of a storage/],
    ['no member of tensors', () => archive({ drop: 'tensors' }), /without its member tensors/],
    ['a member longer than the file', () => tarOf([{ name: 'storages', bytes: floats, claims: '77777777777' }]), /cut short/],
    ['a header without a size', () => tarOf([{ name: 'storages', bytes: floats, claims: 'nonsense   ' }]), /without a size/],
  ];
  it.each(lies)('%s is damage', async (_, make, reason) => {
    const layout = await layoutOf(make());
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toMatch(reason);
  });

  it('cut anywhere misleads nobody', async () => {
    const bytes = archive();
    for (let length = 512; length < bytes.indexOf(halves); length += 97) {
      const layout = await layoutOf(bytes.subarray(0, length));
      expect(layout.format, String(length)).toBe('bytes');
    }
  });

  it('of a storage of unknown kind stays bytes, and says so', async () => {
    expect(await layoutOf(archive({ storages: [storage(10, 'StrangeStorage', 6, floats)] }))).toMatchObject({
      format: 'bytes',
      note: expect.stringContaining("doesn't know") as string,
    });
  });
});
