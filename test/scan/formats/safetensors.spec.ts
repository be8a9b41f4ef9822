import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { dtypes } from '../../../core/scan/formats/dtypes.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

function framed(header: string | Uint8Array, body = 0, claimed?: bigint): Buffer {
  const text = Buffer.from(header as string);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(body, 7)]);
}

async function layoutOf(bytes: Uint8Array) {
  return readLayout(await folder.put('model.safetensors', bytes));
}

const tensor = (dtype: string, shape: number[], start: number, end: number) => ({ dtype, shape, data_offsets: [start, end] });

describe('safetensors', () => {
  test('lists tensors in header order and parts in file order', async () => {
    const header = JSON.stringify({ late: tensor('F32', [2], 2, 10), early: tensor('BF16', [1], 0, 2) });
    const layout = await layoutOf(framed(header, 10));
    const start = 8 + header.length;
    expect(layout).toMatchObject({
      format: 'safetensors',
      tensors: [
        { name: 'late', part: 1 },
        { name: 'early', part: 0 },
      ],
    });
    expect(layout.parts).toEqual([
      { offset: start, length: 2, element: elements.bfloat16 },
      { offset: start + 2, length: 8, element: elements.float32 },
    ]);
    expect(layout.note).toBeUndefined();
  });

  test('takes every dtype, those below a byte too', async () => {
    for (const dtype of dtypes.values()) {
      const length = dtype.bits; // 8 elements
      const layout = await layoutOf(framed(JSON.stringify({ w: tensor(dtype.name, [2, 4], 0, length) }), length));
      expect(layout, dtype.name).toMatchObject({ format: 'safetensors', tensors: [{ dtype: dtype.name, shape: [2, 4], part: 0 }] });
      expect(layout.parts[0]?.element, dtype.name).toBe(dtype.element);
    }
  });

  test('a tensor without elements has no part, a scalar has', async () => {
    const header = { none: tensor('F32', [0, 5], 2, 2), one: tensor('F16', [], 0, 2) };
    const layout = await layoutOf(framed(JSON.stringify(header), 2));
    expect(layout.tensors.map(({ part, shape }) => ({ part, shape }))).toEqual([
      { part: -1, shape: [0, 5] },
      { part: 0, shape: [] },
    ]);
  });

  test('a dtype from the future keeps its bytes as a part', async () => {
    const layout = await layoutOf(framed(JSON.stringify({ w: tensor('F5_E9', [7], 0, 11) }), 11));
    expect(layout.parts).toMatchObject([{ length: 11, element: elements.bytes8 }]);
    expect(layout.note).toContain('F5_E9');
    expect(layout.damaged).toBeUndefined();
  });

  const one = JSON.stringify({ w: tensor('F32', [2], 0, 8) });
  const hostile: [string, Buffer, string][] = [
    ['nothing at all', Buffer.alloc(0), 'too few'],
    ['a header of 2^60 bytes', framed(one, 8, 2n ** 60n), 'claims a safetensors header of 1152921504606846976 bytes'],
    ['a header of 2^64-1 bytes', framed(one, 8, 2n ** 64n - 1n), 'claims'],
    ['a header longer than the file by one', framed('{}', 0, 3n), 'claims'],
    ['a header that is no map', framed('[1]'), 'does not begin with {'],
    ['no UTF-8', framed(Buffer.from([0x7b, 0xff, 0x7d])), 'UTF-8'],
    ['text after the header', framed('{}}'), 'more after its end'],
    ['deep nesting', framed(`{"w":${'['.repeat(50_000)}${']'.repeat(50_000)}}`), 'nests deeper'],
    [
      'a tensor twice',
      framed(`{"w":${JSON.stringify(tensor('U8', [4], 0, 4))},"w":${JSON.stringify(tensor('U8', [4], 4, 8))}}`, 8),
      'twice',
    ],
    ['a key twice', framed('{"w":{"dtype":"U8","shape":[4],"shape":[8],"data_offsets":[0,8]}}', 8), 'twice'],
    ['a hole', framed(JSON.stringify({ w: tensor('U8', [4], 4, 8) }), 8), 'hole'],
    ['an overlap', framed(JSON.stringify({ a: tensor('U8', [4], 0, 4), b: tensor('U8', [4], 3, 7) }), 7), 'overlap'],
    ['the same bytes twice', framed(JSON.stringify({ a: tensor('U8', [4], 0, 4), b: tensor('U8', [4], 0, 4) }), 4), 'overlap'],
    ['a cut file', framed(one, 5), 'cut short'],
    ['bytes after the last tensor', framed(one, 9), 'after its last tensor'],
    ['a length that the shape does not give', framed(JSON.stringify({ w: tensor('F32', [3], 0, 8) }), 8), 'do not give'],
    ['a shape whose product overflows to the length', framed(JSON.stringify({ w: tensor('U8', [2 ** 32, 2 ** 32], 0, 0) })), 'do not give'],
    ['dimensions of 2^60', framed(JSON.stringify({ w: tensor('U8', [2 ** 60], 0, 8) }), 8), 'no proper'],
    ['half a byte', framed(JSON.stringify({ w: tensor('F4', [3], 0, 2) }), 2), 'do not give'],
    ['a negative size', framed(JSON.stringify({ w: tensor('U8', [-1], 0, 1) }), 1), 'no proper'],
    ['a fraction', framed(JSON.stringify({ w: tensor('U8', [1.5], 0, 1) }), 1), 'no proper'],
    ['an end before the start', framed(JSON.stringify({ w: tensor('U8', [4], 8, 4) }), 8), 'before it starts'],
    ['no offsets', framed('{"w":{"dtype":"U8","shape":[4]}}', 4), 'no proper'],
  ];
  test.each(hostile)('%s is damaged and archived as bytes', async (_, bytes, reason) => {
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toContain(reason);
    expect(layout.note).not.toContain('\n');
  });

  test('a header of a million lists is more than is read, but no damage', async () => {
    const layout = await layoutOf(framed(`{"w":[${'[],'.repeat(1_000_000)}[]]}`));
    expect(layout).toMatchObject({ format: 'bytes', note: expect.stringContaining('maps and lists') as string });
    expect(layout.damaged).toBeUndefined();
  });

  test.each(['{"step":3}', '{"a":{}}', '[]', '"text"'])('metadata %s is pointed out, the tensors are read', async (metadata) => {
    const layout = await layoutOf(framed(`{"__metadata__":${metadata},"w":${JSON.stringify(tensor('U8', [4], 0, 4))}}`, 4));
    expect(layout).toMatchObject({
      format: 'safetensors',
      parts: [{ length: 4 }],
      note: expect.stringContaining('__metadata__') as string,
    });
    expect(layout.damaged).toBeUndefined();
  });

  test('names like __proto__ are only names', async () => {
    const layout = await layoutOf(framed(`{"__proto__":${JSON.stringify(tensor('U8', [4], 0, 4))}}`, 4));
    expect(layout.tensors).toMatchObject([{ name: '__proto__' }]);
  });

  test('what is written is found again', async () => {
    const entry = fc.record({
      dtype: fc.constantFrom(...dtypes.keys()),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), async (entries) => {
        let end = 0;
        const header: Record<string, unknown> = {};
        for (const [index, { dtype, shape }] of entries.entries()) {
          const padded = [...shape, 8]; // whole bytes whatever the width
          const length = padded.reduce((a, b) => a * b, 1) * ((dtypes.get(dtype)?.bits ?? 0) / 8);
          header[`t${index}`] = tensor(dtype, padded, end, end + length);
          end += length;
        }
        const layout = await layoutOf(framed(JSON.stringify(header), end));
        expect(layout.note).toBeUndefined();
        expect(layout.tensors.map((found) => found.dtype)).toEqual(entries.map(({ dtype }) => dtype));
        expect(layout.parts.reduce((sum, part) => sum + part.length, 0)).toBe(end);
      }),
      { numRuns: 60 },
    );
  });
});
