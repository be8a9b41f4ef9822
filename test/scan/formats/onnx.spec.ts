import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import {
  onnxModel as model,
  onnxTensor as tensor,
  protobufNested as nested,
  protobufVarint as varint,
  protobufWhole as whole,
} from './writers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

const raw = (length: number) => nested(9, Buffer.alloc(length, 9));

async function layoutOf(bytes: Uint8Array) {
  return readLayout(await folder.put('model.onnx', bytes));
}

describe('ONNX', () => {
  test('initializers and constants are parts, graphs within graphs too', async () => {
    const constant = nested(
      1,
      nested(2, Buffer.from('constant_output')),
      nested(4, Buffer.from('Constant')),
      nested(5, nested(1, Buffer.from('value')), nested(5, whole(2, 7), whole(1, 1), raw(8))),
    );
    const inner = nested(5, tensor('inner', 16, [3], raw(6)));
    const branch = nested(1, nested(4, Buffer.from('If')), nested(5, nested(1, Buffer.from('then_branch')), nested(6, inner)));
    const bytes = model(nested(5, tensor('w', 1, [2, 3], raw(24))), constant, branch);
    const layout = await layoutOf(bytes);
    expect(layout).toMatchObject({
      format: 'onnx',
      parts: [
        { length: 24, element: elements.float32 },
        { length: 8, element: elements.int64 },
        { length: 6, element: elements.bfloat16 },
      ],
      tensors: [
        { name: 'w', shape: [2, 3] },
        { name: 'constant_output', dtype: 'I64', shape: [1] },
        { name: 'inner', dtype: 'BF16' },
      ],
    });
    for (const part of layout.parts) expect(bytes.subarray(part.offset, part.offset + part.length).every((byte) => byte === 9)).toBe(true);
  });

  test('packed sizes, packed floats and tensors kept elsewhere', async () => {
    const packed = Buffer.concat([
      nested(1, varint(300), varint(2)),
      whole(2, 1),
      nested(8, Buffer.from('floats')),
      nested(4, Buffer.alloc(2400)),
    ]);
    const external = tensor('external', 1, [1000], whole(14, 1));
    const layout = await layoutOf(model(nested(5, packed), nested(5, external)));
    expect(layout).toMatchObject({
      parts: [{ length: 2400 }],
      tensors: [
        { name: 'floats', shape: [300, 2] },
        { name: 'external', part: -1 },
      ],
    });
  });

  test('packed numbers of another length are no range', async () => {
    const split = Buffer.concat([
      whole(1, 6),
      whole(2, 1),
      nested(8, Buffer.from('split')),
      nested(4, Buffer.alloc(12)),
      nested(4, Buffer.alloc(12)),
    ]);
    const layout = await layoutOf(model(nested(5, split), nested(5, tensor('w', 1, [6], raw(24)))));
    expect(layout).toMatchObject({
      format: 'onnx',
      parts: [{ length: 24 }],
      tensors: [
        { name: 'split', part: -1 },
        { name: 'w', part: 0 },
      ],
    });
  });

  test('a type from the future is plain bytes', async () => {
    expect(await layoutOf(model(nested(5, tensor('w', 99, [3], raw(5)))))).toMatchObject({
      parts: [{ element: elements.bytes8 }],
      tensors: [{ dtype: 'onnx 99' }],
    });
  });

  const lies: [string, Buffer, string][] = [
    [
      'a message longer than its parent',
      Buffer.concat([whole(1, 8), varint((7 << 3) | 2), varint(2n ** 60n)]),
      'claims 1152921504606846976 bytes',
    ],
    [
      'raw bytes longer than their tensor',
      Buffer.concat([whole(1, 8), nested(7, nested(5, varint((9 << 3) | 2), varint(100), Buffer.alloc(4)))]),
      'claims 100 bytes',
    ],
    ['a length that the shape does not give', model(nested(5, tensor('w', 1, [7], raw(24)))), 'do not give'],
    ['sizes that overflow', model(nested(5, tensor('w', 1, [2 ** 40, 2 ** 40], raw(24)))), 'no proper shape'],
    ['a number without end', Buffer.concat([whole(1, 8), Buffer.alloc(20, 0xff)]), 'without end'],
    ['a group', Buffer.concat([whole(1, 8), varint((5 << 3) | 3)]), 'wire type 3'],
    ['field number 0', Buffer.concat([whole(1, 8), Buffer.from([0, 0])]), 'field number 0'],
    ['a cut file', model(nested(5, tensor('w', 1, [6], raw(24)))).subarray(0, 40), 'claims'],
  ];
  test.each(lies)('%s is damage', async (_, bytes, reason) => {
    expect(await layoutOf(bytes)).toMatchObject({
      format: 'bytes',
      parts: [],
      damaged: true,
      note: expect.stringContaining(reason) as string,
    });
  });

  test('graphs nested without end are left alone', async () => {
    let graph = nested(5, tensor('w', 1, [1], raw(4)));
    for (let level = 0; level < 500; level++) graph = nested(1, nested(5, nested(6, graph)));
    expect(await layoutOf(model(graph))).toMatchObject({ format: 'bytes', note: expect.stringContaining('deeper') as string });
  });
});
