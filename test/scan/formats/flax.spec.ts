import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { flaxArray as array, flaxBytes as bytes, flaxMap as map, flaxText as text, flaxWide as wide } from './writers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

async function layoutOf(content: Uint8Array) {
  return readLayout(await folder.put('flax_model.msgpack', content));
}

describe('Flax', () => {
  test('arrays are parts, their path is their name', async () => {
    const content = map({
      params: map({
        dense: map({ kernel: array('bfloat16', [2, 3], Buffer.alloc(12, 7)), bias: array('float32', [3], Buffer.alloc(12, 7)) }),
      }),
      list: bytes(0x92, array('int32', [], Buffer.alloc(4, 7)), array('float16', [0, 4], Buffer.alloc(0))),
      others: bytes(
        0x9a,
        5,
        0xff,
        0xc0,
        0xc2,
        0xcb,
        Buffer.alloc(8),
        0xca,
        Buffer.alloc(4),
        0xd3,
        Buffer.alloc(8),
        text('word'),
        bytes(0xc4, 2, 1, 2),
        bytes(0xd5, 9, 1, 2),
      ),
    });
    const layout = await layoutOf(content);
    expect(layout).toMatchObject({
      format: 'flax',
      parts: [
        { length: 12, element: elements.bfloat16 },
        { length: 12, element: elements.float32 },
        { length: 4, element: elements.int32 },
      ],
      tensors: [
        { name: 'params.dense.kernel', dtype: 'BF16', shape: [2, 3], part: 0 },
        { name: 'params.dense.bias', dtype: 'F32', shape: [3], part: 1 },
        { name: 'list.0', dtype: 'I32', shape: [], part: 2 },
        { name: 'list.1', dtype: 'F16', shape: [0, 4], part: -1 },
      ],
    });
    for (const part of layout.parts)
      expect(content.subarray(part.offset, part.offset + part.length).every((byte) => byte === 7)).toBe(true);
  });

  test('an array in chunks is listed by its chunks, and says so', async () => {
    const chunk = (): Buffer => array('float32', [4], Buffer.alloc(16, 7));
    const chunked = map({
      __msgpack_chunked_array__: bytes(0xc3),
      shape: map({ 0: bytes(2), 1: bytes(6) }),
      chunks: map({ 0: chunk(), 1: chunk(), 2: chunk() }),
    });
    const layout = await layoutOf(map({ params: map({ big: chunked, bias: array('float32', [1], Buffer.alloc(4)) }) }));
    expect(layout.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['params.big.chunks.0', [4]],
      ['params.big.chunks.1', [4]],
      ['params.big.chunks.2', [4]],
      ['params.bias', [1]],
    ]);
    expect(layout.note).toContain('in chunks');
    expect(layout.damaged).toBeUndefined();
  });

  const lies: [string, Buffer, string][] = [
    ['a map of 2^32-1 entries', wide(0xdf, 0xffffffff), 'claims 4294967295 items'],
    ['a list of 2^32-1 items', bytes(0x81, text('a'), wide(0xdd, 0xffffffff)), 'claims 4294967295 items'],
    ['text longer than the file', bytes(0x81, text('a'), wide(0xdb, 1000)), 'claims 1000 bytes'],
    ['an extension longer than the file', bytes(0x81, text('a'), wide(0xc9, 1000), 1), 'claims 1000 bytes'],
    ['bytes longer than their array', bytes(0x81, text('a'), wide(0xc9, 13), 1, 0x93, 0x90, text('int8'), wide(0xc6, 99), 0), 'claims'],
    ['a length that the shape does not give', map({ a: array('float32', [3], Buffer.alloc(8)) }), 'do not give'],
    ['a byte that is never used', bytes(0x81, text('a'), 0xc1), 'never uses'],
    ['a cut file', map({ a: array('float32', [3], Buffer.alloc(12)) }).subarray(0, 20), 'claims'],
  ];
  test.each(lies)('%s is damage', async (_, content, reason) => {
    expect(await layoutOf(content)).toMatchObject({
      format: 'bytes',
      parts: [],
      damaged: true,
      note: expect.stringContaining(reason) as string,
    });
  });

  test('extensions of another program are left alone', async () => {
    const layout = await layoutOf(bytes(0x81, text('a'), 0xd5, 1, 0xc0, 0xc0));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('no shape, dtype and bytes') as string });
    expect(layout.damaged).toBeUndefined();
  });

  test('nesting without end is left alone', async () => {
    expect(await layoutOf(Buffer.alloc(10_000, 0x91))).toMatchObject({
      format: 'bytes',
      note: expect.stringContaining('deeper') as string,
    });
  });
});
