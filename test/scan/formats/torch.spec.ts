import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { isContiguous } from '../../../core/scan/formats/dtypes.ts';
import { contiguousBytes, sha256 } from './contiguous-bytes.ts';
import { dictionaryOf, pickleOf, storageOf, tensorOf, text, torchArchive, u64, whole, zipOf } from './containers.ts';
import { temporaryFolder } from './temporary.ts';

interface Expected {
  name: string;
  dtype: string;
  shape: number[];
  stride: number[] | null;
  sha256: string | null;
}

const fixtures = fileURLToPath(new URL('../../fixtures/formats/', import.meta.url));
const digests = JSON.parse(await readFile(`${fixtures}torch-digests.json`, 'utf8')) as Record<string, Expected[]>;
const folder = temporaryFolder();

const torchNames: Record<string, string> = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
  C64: 'complex64',
  C128: 'complex128',
};

/** Tensors that a sparse or quantised one is made of; torch lists only the whole. */
const pieces = /\.(scales|zero_points|indices|values|crow_indices|col_indices)$/;

describe('torch files that torch itself wrote', () => {
  test.each(Object.entries(digests))('%s has the tensors and bytes that torch read', async (name, expected) => {
    const layout = await readLayout(fixtures + name);
    const bytes = await readFile(fixtures + name);
    expect(layout.note).toBeUndefined();
    const found = layout.tensors.filter((tensor) => !pieces.test(tensor.name));
    expect(found.map((tensor) => tensor.name)).toEqual(expected.map((tensor) => tensor.name));
    for (const [index, wanted] of expected.entries()) {
      const tensor = found[index]!;
      expect({ dtype: torchNames[tensor.dtype] ?? tensor.dtype, shape: tensor.shape }, tensor.name).toEqual({
        dtype: wanted.dtype,
        shape: wanted.shape,
      });
      if (wanted.sha256 === null) expect(tensor.part, tensor.name).toBe(-1);
      else expect(sha256(contiguousBytes(bytes, layout, tensor)), tensor.name).toBe(wanted.sha256);
      if (wanted.stride && tensor.part !== -1)
        expect(tensor.strides, tensor.name).toEqual(isContiguous(wanted.shape, wanted.stride) ? undefined : wanted.stride);
    }
  });

  test('tied tensors and views share one part', async () => {
    const layout = await readLayout(`${fixtures}legacy-nonzip-tied-views.pt`);
    const parts = new Map(layout.tensors.map((tensor) => [tensor.name, tensor.part]));
    expect(layout.format).toBe('torch-legacy');
    expect(parts.get('lm_head.weight')).toBe(parts.get('transformer.wte.weight'));
    expect(layout.parts).toHaveLength(2);
  });

  test('quantised tensors come with their scales', async () => {
    const { tensors } = await readLayout(`${fixtures}zip-quantized.pt`);
    expect(tensors.filter((tensor) => pieces.test(tensor.name)).map(({ name, dtype }) => [name, dtype])).toEqual([
      ['per_channel_qint8.scales', 'F64'],
      ['per_channel_qint8.zero_points', 'I64'],
    ]);
  });

  test('a file without tensors is understood all the same', async () => {
    expect(await readLayout(`${fixtures}gradscaler.pt`)).toMatchObject({ format: 'torch-zip', parts: [], tensors: [] });
  });
});

const float = (elementCount: number) => Buffer.alloc(elementCount * 4, 1);
const vector = tensorOf({ elements: 6, shape: [6], strides: [1] });

async function layoutOf(bytes: Uint8Array, name = 'model.pt') {
  return readLayout(await folder.put(name, bytes));
}

describe('torch archives', () => {
  test('names follow keys and positions, and a module hides its own', async () => {
    const module = pickleOf(
      'cmine\nNet\n)',
      0x81,
      dictionaryOf({ _parameters: dictionaryOf({ w: vector }), _modules: dictionaryOf({ sub: vector }), plain: vector }),
      'b',
    );
    const body = pickleOf(
      '}(',
      text('net'),
      module,
      whole(7),
      pickleOf('(', vector, vector, 'l'),
      pickleOf('(', text('a'), whole(1), 't'),
      vector,
      'u',
    );
    const layout = await layoutOf(torchArchive(body, { 0: float(6) }));
    expect(layout.tensors.map((tensor) => tensor.name)).toEqual(['net.w', 'net.sub', 'net.plain', '7.0', '7.1', "('a', 1)"]);
    expect(layout.parts).toHaveLength(1);
  });

  test('a later value of a key replaces an earlier one', async () => {
    const body = pickleOf('}(', text('w'), tensorOf({ elements: 6, shape: [2], strides: [1] }), text('w'), vector, 'u');
    const layout = await layoutOf(torchArchive(body, { 0: float(6) }));
    expect(layout.tensors).toMatchObject([{ name: 'w', shape: [6] }]);
  });

  test('an untyped storage takes the dtype of its tensor', async () => {
    const arguments3 = pickleOf(
      storageOf('UntypedStorage', '0', 8),
      whole(0),
      '(',
      whole(4),
      't(',
      whole(1),
      't',
      0x89,
      'ccollections\nOrderedDict\n)Rctorch\nbfloat16\n',
    );
    const layout = await layoutOf(torchArchive(pickleOf('ctorch._utils\n_rebuild_tensor_v3\n(', arguments3, 'tR'), { 0: Buffer.alloc(8) }));
    expect(layout).toMatchObject({
      parts: [{ length: 8, element: elements.bfloat16 }],
      tensors: [{ name: '', dtype: 'BF16', shape: [4], part: 0 }],
    });
  });

  test('a parameter subclass is the tensor it is rebuilt from', async () => {
    const inner = pickleOf('(', storageOf('FloatStorage', '0', 6), whole(0), '(', whole(6), 't(', whole(1), 't', 0x89, 'Nt');
    const body = pickleOf('ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\ncmine\nMyTensor\n', inner, '}tR');
    expect(await layoutOf(torchArchive(dictionaryOf({ w: body }), { 0: float(6) }))).toMatchObject({ tensors: [{ name: 'w', part: 0 }] });
  });

  test('a tensor on the meta device has no bytes', async () => {
    const body = pickleOf('ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat16\n(', whole(3), 't(', whole(1), 't', 0x89, 'tR');
    expect(await layoutOf(torchArchive(body))).toMatchObject({ parts: [], tensors: [{ dtype: 'F16', shape: [3], part: -1 }] });
  });

  test('big-endian storages are plain bytes and say so', async () => {
    const layout = await layoutOf(torchArchive(vector, { 0: float(6) }, [{ name: 'archive/byteorder', bytes: Buffer.from('big') }]));
    expect(layout).toMatchObject({ parts: [{ element: elements.bytes8 }], tensors: [{ dtype: '>F32' }] });
  });

  test('constants of TorchScript have their own storages', async () => {
    const constants = {
      name: 'archive/constants.pkl',
      bytes: pickleOf(0x80, 2, '(', tensorOf({ elements: 2, shape: [2], strides: [1] }), 't.'),
    };
    const layout = await layoutOf(
      torchArchive(dictionaryOf({ w: vector }), { 0: float(6) }, [constants, { name: 'archive/constants/0', bytes: float(2) }]),
    );
    expect(layout.tensors).toMatchObject([
      { name: 'w', shape: [6], part: 0 },
      { name: 'constants.0', shape: [2], part: 1 },
    ]);
  });

  test('torch.package keeps storages apart from pickles', async () => {
    const pickle = (body: Uint8Array) => pickleOf(0x80, 2, body, '.');
    const bytes = zipOf([
      { name: 'pack/.data/0.storage', bytes: float(6) },
      { name: 'pack/models/net.pkl', bytes: pickle(dictionaryOf({ w: vector })) },
    ]);
    expect(await layoutOf(bytes)).toMatchObject({ format: 'torch-zip', tensors: [{ name: 'models.net.w', part: 0 }] });
  });

  test('deflated storages stay bytes, with a note', async () => {
    const bytes = zipOf([
      { name: 'a/data.pkl', bytes: pickleOf(0x80, 2, vector, '.') },
      { name: 'a/data/0', bytes: float(6), deflated: true },
    ]);
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'torch-zip', parts: [], tensors: [{ part: -1, offset: 0 }] });
    expect(layout.note).toContain('compressed');
  });

  test('a deflated pickle is inflated', async () => {
    const bytes = zipOf([
      { name: 'a/data.pkl', bytes: pickleOf(0x80, 2, vector, '.'), deflated: true },
      { name: 'a/data/0', bytes: float(6) },
    ]);
    expect(await layoutOf(bytes)).toMatchObject({ parts: [{ length: 24 }], tensors: [{ part: 0 }] });
  });

  test('a zip archive of something else is plain bytes, not damaged', async () => {
    const layout = await layoutOf(zipOf([{ name: 'letter.txt', bytes: Buffer.from('hello') }]));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('without a torch pickle') as string });
    expect(layout.damaged).toBeUndefined();
  });

  const lies: [string, Buffer, string][] = [
    ['a storage shorter than the pickle says', torchArchive(vector, { 0: float(5) }), '20 of the 24 bytes'],
    [
      'a view that leaves its storage',
      torchArchive(tensorOf({ elements: 6, offset: 1, shape: [6], strides: [1] }), { 0: float(6) }),
      'beyond its storage',
    ],
    [
      'strides that leave the storage',
      torchArchive(tensorOf({ elements: 6, shape: [2, 3], strides: [4, 1] }), { 0: float(6) }),
      'beyond its storage',
    ],
    ['strides of another rank', torchArchive(tensorOf({ elements: 6, shape: [6], strides: [1, 1] }), { 0: float(6) }), 'no proper shape'],
    ['a negative size', torchArchive(tensorOf({ elements: 6, shape: [-6], strides: [1] }), { 0: float(6) }), 'no proper shape'],
    [
      'a negative stride',
      torchArchive(tensorOf({ elements: 6, offset: 5, shape: [6], strides: [-1] }), { 0: float(6) }),
      'no proper shape',
    ],
    [
      'sizes that overflow',
      torchArchive(tensorOf({ elements: 6, shape: [2 ** 31 - 1, 2 ** 31 - 1], strides: [0, 0] }), { 0: float(6) }),
      'no proper shape',
    ],
  ];
  test.each(lies)('%s is damage', async (_, bytes, reason) => {
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toContain(reason);
  });

  test('a cut archive is damage', async () => {
    const bytes = torchArchive(vector, { 0: float(6) });
    for (const length of [30, bytes.length >> 1, bytes.length - 1]) {
      const layout = await layoutOf(bytes.subarray(0, length));
      expect(layout, String(length)).toMatchObject({ format: 'bytes', damaged: true });
    }
  });
});

interface LegacyDraft {
  magic?: bigint;
  version?: number;
  littleEndian?: boolean;
  body: Uint8Array;
  /** Key, elements that the file counts, bytes. */
  storages?: [string, bigint, Uint8Array][];
}

function legacyOf({ magic = 0x1950a86a20f9469cfc6cn, version = 1001, littleEndian = true, body, storages = [] }: LegacyDraft): Buffer {
  const number = Buffer.from(Array.from({ length: 10 }, (_, index) => Number((magic >> BigInt(8 * index)) & 0xffn)));
  const pickle = (...pieces: (string | number | Uint8Array)[]) => pickleOf(0x80, 2, ...pieces, '.');
  return Buffer.concat([
    pickle(0x8a, 10, number),
    pickle(whole(version)),
    pickle(dictionaryOf({ little_endian: pickleOf(littleEndian ? 0x88 : 0x89) })),
    pickle(body),
    pickle('(', ...storages.map(([key]) => text(key)), 'l'),
    ...storages.flatMap(([, count, bytes]) => [u64(count), bytes]),
  ]);
}

describe('legacy torch files', () => {
  const [body, storages] = [dictionaryOf({ w: vector }), [['0', 6n, float(6)]] as [string, bigint, Uint8Array][]];

  test('are five pickles and the storages behind them', async () => {
    const bytes = legacyOf({ body, storages });
    expect(await layoutOf(bytes)).toMatchObject({
      format: 'torch-legacy',
      parts: [{ offset: bytes.length - 24, length: 24 }],
      tensors: [{ name: 'w', part: 0 }],
    });
  });

  test('a storage may be a piece of another', async () => {
    const id = pickleOf(
      '(',
      text('storage'),
      'ctorch\nFloatStorage\n',
      text('0'),
      text('cpu'),
      whole(6),
      '(',
      text('7'),
      whole(4),
      whole(2),
      'ttQ',
    );
    const view = pickleOf('ctorch._utils\n_rebuild_tensor\n(', id, whole(1), '(', whole(1), 't(', whole(1), 'ttR');
    const layout = await layoutOf(legacyOf({ body: dictionaryOf({ w: vector, v: view }), storages }));
    expect(layout.tensors).toMatchObject([
      { name: 'w', offset: 0 },
      { name: 'v', part: 0, offset: 20, shape: [1] },
    ]);
  });

  test('pickles longer than the first look are read in a second', async () => {
    const padding = text('x'.repeat(900_000));
    const layout = await layoutOf(legacyOf({ body: dictionaryOf({ a: padding, b: padding, w: vector }), storages }));
    expect(layout).toMatchObject({ format: 'torch-legacy', parts: [{ length: 24 }] });
  });

  test('what loading one would call is named', async () => {
    const attack = pickleOf('cos\nsystem\n(', text('ls'), 'tR');
    expect((await layoutOf(legacyOf({ body: dictionaryOf({ w: vector, x: attack }), storages }))).note).toContain('os.system');
  });

  const lies: [string, LegacyDraft, string][] = [
    ['a storage twice', { body, storages: [...storages, ...storages] }, 'twice'],
    ['a storage that is not listed', { body, storages: [] }, 'does not list'],
    ['another count of elements', { body, storages: [['0', 7n, float(7)]] }, '7 elements'],
    ['a negative count', { body, storages: [['0', -1n & 0xffffffffffffffffn, float(6)]] }, '-1 elements'],
    ['a storage that is cut', { body, storages: [['0', 6n, float(5)]] }, 'cut short'],
    ['no list of storages', { body: pickleOf(body, '.', 0x80, 2, 'N') }, 'no list'],
  ];
  test.each(lies)('%s is damage', async (_, draft, reason) => {
    expect(await layoutOf(legacyOf(draft))).toMatchObject({
      format: 'bytes',
      parts: [],
      damaged: true,
      note: expect.stringContaining(reason) as string,
    });
  });

  test.each([
    ['another version', { body, storages, version: 7 }, '1001'],
    ['a big-endian machine', { body, storages, littleEndian: false }, 'big-endian'],
    ['a storage of no kind that is known', { body, storages: [['other', 6n, float(6)], ...storages] }, 'kind'],
  ] as [string, LegacyDraft, string][])('%s is left alone', async (_, draft, reason) => {
    const layout = await layoutOf(legacyOf(draft));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining(reason) as string });
    expect(layout.damaged).toBeUndefined();
  });

  test('a cut one is damage', async () => {
    const bytes = await readFile(`${fixtures}legacy-nonzip-dtypes.pt`);
    for (const length of [20, 1000, bytes.length - 1]) {
      expect(await layoutOf(bytes.subarray(0, length)), String(length)).toMatchObject({ format: 'bytes', damaged: true });
    }
  });

  test('a count of elements that lies is damage', async () => {
    const bytes = Buffer.from(await readFile(`${fixtures}legacy-nonzip-dtypes.pt`));
    const { parts } = await readLayout(`${fixtures}legacy-nonzip-dtypes.pt`);
    bytes.writeBigInt64LE(2n ** 60n, parts[0]!.offset - 8);
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'bytes', damaged: true });
    expect(layout.note).toContain('1152921504606846976 elements');
  });
});
