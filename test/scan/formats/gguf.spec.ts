import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { u32, u64 } from './containers.ts';
import { ggufName as name, ggufOf, ggufPair as pair, type GgufDraft } from './writers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

async function layoutOf(draft: GgufDraft | Buffer) {
  return readLayout(await folder.put('model.gguf', Buffer.isBuffer(draft) ? draft : ggufOf(draft)));
}

describe('GGUF', () => {
  test.each([2, 3])('version %i: every kind of value is passed, shapes are turned round', async (version) => {
    const pairs = [
      pair('general.name', 8, name('tiny')),
      ...[0, 1, 7].map((type) => pair(`one.${type}`, type, Buffer.alloc(1))),
      ...[2, 3].map((type) => pair(`two.${type}`, type, Buffer.alloc(2))),
      ...[4, 5, 6].map((type) => pair(`four.${type}`, type, Buffer.alloc(4))),
      ...[10, 11, 12].map((type) => pair(`eight.${type}`, type, Buffer.alloc(8))),
      pair('tokens', 9, Buffer.concat([u32(8), u64(2), name('a'), name('b')])),
      pair('scores', 9, Buffer.concat([u32(6), u64(3), Buffer.alloc(12)])),
      pair('nested', 9, Buffer.concat([u32(9), u64(1), u32(4), u64(1), u32(7)])),
    ];
    const tensors = [
      { name: 'norm', type: 0, sizes: [4], offset: 0 },
      { name: 'half', type: 30, sizes: [4, 2], offset: 32 },
      { name: 'quantised', type: 12, sizes: [256, 2], offset: 64 },
    ];
    const bytes = ggufOf({ version, pairs, tensors, body: 64 + 288 });
    const layout = await layoutOf(bytes);
    const start = bytes.length - 64 - 288;
    expect(layout).toEqual({
      format: 'gguf',
      parts: [
        { offset: start, length: 16, element: elements.float32 },
        { offset: start + 32, length: 16, element: elements.bfloat16 },
        { offset: start + 64, length: 288, element: elements.bytes8 },
      ],
      tensors: [
        { name: 'norm', dtype: 'F32', shape: [4], part: 0, offset: 0 },
        { name: 'half', dtype: 'BF16', shape: [2, 4], part: 1, offset: 0 },
        { name: 'quantised', dtype: 'Q4_K', shape: [2, 256], part: 2, offset: 0 },
      ],
      note: undefined,
    });
  });

  test('the alignment that the file names counts', async () => {
    const draft = {
      pairs: [pair('general.alignment', 4, u32(256))],
      alignment: 256,
      tensors: [{ name: 'w', type: 24, sizes: [8], offset: 256 }],
      body: 300,
    };
    expect(await layoutOf(draft)).toMatchObject({ parts: [{ offset: 512, length: 8 }] });
  });

  test('a type from the future leaves its tensor in the remainder', async () => {
    const layout = await layoutOf({
      tensors: [
        { name: 'w', type: 99, sizes: [8], offset: 0 },
        { name: 'v', type: 1, sizes: [8], offset: 32 },
      ],
      body: 48,
    });
    expect(layout).toMatchObject({
      parts: [{ length: 16 }],
      tensors: [
        { name: 'w', dtype: 'ggml 99', part: -1 },
        { name: 'v', part: 0 },
      ],
    });
    expect(layout.note).toContain('newer');
  });

  const w = { name: 'w', type: 0, sizes: [4], offset: 0 };
  const lies: [string, GgufDraft, string][] = [
    ['2^60 tensors', { tensorCount: 2n ** 60n, body: 16 }, 'claims 1152921504606846976'],
    ['2^60 pairs', { pairCount: 2n ** 60n, body: 16 }, 'claims 1152921504606846976'],
    ['more tensors than there are', { tensors: [w], tensorCount: 3n, body: 0 }, 'claims'],
    ['a name of 2^62 bytes', { pairs: [Buffer.concat([u64(2n ** 62n), Buffer.alloc(8)])], body: 16 }, 'claims'],
    ['an array of 2^60 numbers', { pairs: [pair('a', 9, Buffer.concat([u32(4), u64(2n ** 60n)]))], body: 16 }, 'claims'],
    ['an array that ends early', { pairs: [pair('a', 9, Buffer.concat([u32(12), u64(9)]))], body: 16 }, 'claims'],
    ['a tensor beyond the end', { tensors: [w], body: 15 }, 'before the tensor bytes'],
    ['an offset of 2^63', { tensors: [{ ...w, offset: 2n ** 63n }], body: 16 }, 'before the tensor bytes'],
    ['an offset that is not aligned', { tensors: [{ ...w, offset: 8 }], body: 64 }, 'not aligned'],
    [
      'tensors that overlap',
      {
        tensors: [
          { ...w, sizes: [16] },
          { ...w, name: 'v', offset: 32 },
        ],
        body: 64,
      },
      'overlap',
    ],
    ['a name twice', { tensors: [w, { ...w, offset: 32 }], body: 64 }, 'twice'],
    ['sizes that overflow', { tensors: [{ ...w, sizes: [2 ** 32, 2 ** 32] }], body: 16 }, 'no proper shape'],
    ['a row that fills no block', { tensors: [{ ...w, type: 12, sizes: [100] }], body: 64 }, 'fill blocks'],
    ['an alignment of three', { pairs: [pair('general.alignment', 4, u32(3))], body: 0 }, 'alignment of 3'],
    ['an alignment of nothing', { pairs: [pair('general.alignment', 4, u32(0))], body: 0 }, 'alignment of 0'],
  ];
  test.each(lies)('%s is damage', async (_, draft, reason) => {
    const layout = await layoutOf(draft);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toContain(reason);
  });

  test.each([
    ['a version to come', { version: 7, body: 16 }, 'version 7'],
    ['a big-endian machine', { version: 0x03000000, body: 16 }, 'big-endian'],
    [
      'arrays in arrays without end',
      { pairs: [pair('a', 9, Buffer.concat(Array.from({ length: 50 }, () => Buffer.concat([u32(9), u64(1)]))))], body: 64 },
      'type 9',
    ],
  ] as [string, GgufDraft, string][])('%s is left alone', async (_, draft, reason) => {
    const layout = await layoutOf(draft);
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining(reason) as string });
    expect(layout.damaged).toBeUndefined();
  });
});
