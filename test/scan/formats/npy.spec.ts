import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { zipOf } from './containers.ts';
import { contiguousBytes } from './contiguous-bytes.ts';
import { temporaryFolder } from './temporary.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/formats/', import.meta.url));
const folder = temporaryFolder();

function npyOf(header: string, body: Uint8Array, version = 1): Buffer {
  const prefix = Buffer.alloc(version === 1 ? 10 : 12);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(header.length, 8);
  else prefix.writeUInt32LE(header.length, 8);
  return Buffer.concat([prefix, Buffer.from(header), body]);
}

const header = (descr: string, fortran: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }      \n`;

async function layoutOf(bytes: Uint8Array, name = 'array.npy') {
  return readLayout(await folder.put(name, bytes));
}

describe('npy', () => {
  test('files that NumPy wrote', async () => {
    expect(await readLayout(`${fixtures}scalar.npy`)).toMatchObject({
      format: 'npy',
      parts: [{ offset: 128, length: 4 }],
      tensors: [{ dtype: 'F32', shape: [] }],
    });
    const structured = await readLayout(`${fixtures}structured.npy`);
    expect(structured).toMatchObject({
      parts: [{ length: 32 * (4 + 16 + 5), element: elements.bytes8 }],
      tensors: [{ dtype: 'structured', shape: [32] }],
    });
    expect(structured.note).toContain('fields');
  });

  const kinds: [string, string, number, number][] = [
    ['<f2', 'F16', 2, elements.float16],
    ['<f4', 'F32', 4, elements.float32],
    ['<f8', 'F64', 8, elements.float64],
    ['|b1', 'BOOL', 1, elements.bytes8],
    ['|i1', 'I8', 1, elements.bytes8],
    ['<u2', 'U16', 2, elements.int16],
    ['<i4', 'I32', 4, elements.int32],
    ['<i8', 'I64', 8, elements.int64],
    ['<c8', 'C64', 8, elements.float32],
    ['<c16', 'C128', 16, elements.float64],
    ['|V2', '|V2', 2, elements.bfloat16],
    ['>f4', '>f4', 4, elements.bytes8],
    ['<U3', '<U3', 12, elements.bytes8],
    ['|S5', '|S5', 5, elements.bytes8],
    ['<M8[ns]', '<M8[ns]', 8, elements.bytes8],
  ];
  test.each(kinds)('descr %s is %s', async (descr, dtype, width, element) => {
    for (const version of [1, 2, 3]) {
      const layout = await layoutOf(npyOf(header(`'${descr}'`, 'False', '(2, 3)'), Buffer.alloc(6 * width), version));
      expect(layout).toMatchObject({
        format: 'npy',
        parts: [{ length: 6 * width, element }],
        tensors: [{ name: '', dtype, shape: [2, 3], part: 0 }],
      });
    }
  });

  test('Fortran order has strides', async () => {
    const bytes = npyOf(header("'|u1'", 'True', '(2, 3)'), Buffer.from([1, 2, 3, 4, 5, 6]));
    const layout = await layoutOf(bytes);
    expect(layout.tensors[0]?.strides).toEqual([1, 2]);
    expect([...contiguousBytes(bytes, layout, layout.tensors[0]!)]).toEqual([1, 3, 5, 2, 4, 6]);
  });

  test('what follows the array stays in the remainder', async () => {
    expect(await layoutOf(npyOf(header("'<f4'", 'False', '(2,)'), Buffer.alloc(20)))).toMatchObject({ parts: [{ length: 8 }] });
  });

  const lies: [string, Buffer, string][] = [
    ['an array longer than the file', npyOf(header("'<f4'", 'False', '(3,)'), Buffer.alloc(8)), 'cut short'],
    ['a shape of 2^60', npyOf(header("'<f4'", 'False', '(1152921504606846976,)'), Buffer.alloc(8)), 'no proper shape'],
    ['sizes that overflow', npyOf(header("'<f4'", 'False', '(4294967296, 4294967296)'), Buffer.alloc(8)), 'no proper shape'],
    ['a length that overflows', npyOf(header("'<f8'", 'False', '(9007199254740991,)'), Buffer.alloc(8)), 'cut short'],
    ['a shape that is code', npyOf(header("'<f4'", 'False', '(__import__("os"),)'), Buffer.alloc(8)), 'no proper shape'],
    ['a header longer than the file', npyOf(' '.repeat(100), Buffer.alloc(0)).subarray(0, 50), 'claims a NumPy header'],
    [
      'a header of 2^32-1 bytes',
      Buffer.concat([npyOf('', Buffer.alloc(0), 2).subarray(0, 8), Buffer.alloc(4, 255)]),
      'claims a NumPy header',
    ],
    ['no dictionary', npyOf('hello\n', Buffer.alloc(8)), 'no dictionary'],
    ['nothing after the magic', npyOf('', Buffer.alloc(0)).subarray(0, 7), 'cut short'],
  ];
  test.each(lies)('%s is damage', async (_, bytes, reason) => {
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], damaged: true, note: expect.stringContaining(reason) as string });
  });

  test('Python objects are never looked into', async () => {
    const layout = await layoutOf(npyOf(header("'|O'", 'False', '(2,)'), Buffer.from('cos\nsystem\n(tR.')));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('Python objects') as string });
    expect(layout.damaged).toBeUndefined();
  });
});

describe('npz', () => {
  const array = npyOf(header("'<f4'", 'False', '(2,)'), Buffer.alloc(8, 1));

  test('stored members are parts, deflated ones only listed', async () => {
    const bytes = zipOf([
      { name: 'a.npy', bytes: array },
      { name: 'b.npy', bytes: array, deflated: true },
      { name: 'c.npy', bytes: npyOf(header("'|O'", 'False', '(2,)'), Buffer.alloc(8)) },
    ]);
    const layout = await layoutOf(bytes, 'arrays.npz');
    expect(layout).toMatchObject({
      format: 'npz',
      parts: [{ length: 8 }],
      tensors: [
        { name: 'a', part: 0 },
        { name: 'b', part: -1, shape: [2] },
      ],
    });
    expect(layout.note).toContain('2 of its 3 arrays');
    const part = layout.parts[0]!;
    expect(bytes.subarray(part.offset, part.offset + 8)).toEqual(Buffer.alloc(8, 1));
  });

  test('an archive that NumPy deflated', async () => {
    const { parts, tensors } = await readLayout(`${fixtures}deflated.npz`);
    expect(parts).toEqual([]);
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['fc', [64, 128]],
      ['pr', [128, 64]],
      ['ln', [192]],
    ]);
  });

  test('is known by its members where the name says nothing', async () => {
    expect(await layoutOf(zipOf([{ name: 'a.npy', bytes: array }]), 'arrays')).toMatchObject({ format: 'npz' });
  });

  test('a member that lies is damage, one of zeros inflates no further than its header', async () => {
    expect(await layoutOf(zipOf([{ name: 'a.npy', bytes: array.subarray(0, array.length - 1) }]), 'arrays.npz')).toMatchObject({
      damaged: true,
    });
    expect(await layoutOf(zipOf([{ name: 'a.npy', bytes: Buffer.from('no array') }]), 'arrays.npz')).toMatchObject({ damaged: true });
    const bomb = { name: 'a.npy', bytes: Buffer.concat([array, Buffer.alloc(64 * 1024 * 1024)]), deflated: true };
    expect(await layoutOf(zipOf([bomb]), 'arrays.npz')).toMatchObject({ format: 'npz', parts: [] });
  });
});
