/** Every type that ggml writes to files: its bytes are found where they are, whatever lies before and behind them. */
import { describe, expect, test } from 'vitest';
import { ggmlTypes } from '../../../core/scan/formats/ggml-types.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { temporaryFolder } from './temporary.ts';
import { ggufOf } from './writers.ts';

const folder = temporaryFolder();

/** Bytes of a half-precision scale, and of `bits` for each of `count` elements. */
const half = 2;
const packed = (count: number, bits: number): number => (count * bits) / 8;

/**
 * [id, name, elements to a block, the fields of its struct in ggml-common.h]. Counted from the fields, not copied from the table.
 */
const structs: [number, string, number, number[]][] = [
  [0, 'F32', 1, [4]],
  [1, 'F16', 1, [2]],
  [2, 'Q4_0', 32, [half, packed(32, 4)]],
  [3, 'Q4_1', 32, [half, half, packed(32, 4)]],
  [6, 'Q5_0', 32, [half, packed(32, 1), packed(32, 4)]],
  [7, 'Q5_1', 32, [half, half, packed(32, 1), packed(32, 4)]],
  [8, 'Q8_0', 32, [half, 32]],
  [9, 'Q8_1', 32, [half, half, 32]],
  [10, 'Q2_K', 256, [256 / 16, packed(256, 2), half, half]],
  [11, 'Q3_K', 256, [packed(256, 1), packed(256, 2), 12, half]],
  [12, 'Q4_K', 256, [half, half, 12, packed(256, 4)]],
  [13, 'Q5_K', 256, [half, half, 12, packed(256, 1), packed(256, 4)]],
  [14, 'Q6_K', 256, [packed(256, 4), packed(256, 2), 256 / 16, half]],
  [15, 'Q8_K', 256, [4, 256, (256 / 16) * 2]],
  [16, 'IQ2_XXS', 256, [half, (256 / 8) * 2]],
  [17, 'IQ2_XS', 256, [half, (256 / 8) * 2, 256 / 32]],
  [18, 'IQ3_XXS', 256, [half, (3 * 256) / 8]],
  [19, 'IQ1_S', 256, [half, 256 / 8, (256 / 32) * 2]],
  [20, 'IQ4_NL', 32, [half, packed(32, 4)]],
  [21, 'IQ3_S', 256, [half, 256 / 4, 256 / 32, 256 / 8, 256 / 64]],
  [22, 'IQ2_S', 256, [half, 256 / 4, 256 / 32, 256 / 32]],
  [23, 'IQ4_XS', 256, [half, 2, 256 / 64, packed(256, 4)]],
  [24, 'I8', 1, [1]],
  [25, 'I16', 1, [2]],
  [26, 'I32', 1, [4]],
  [27, 'I64', 1, [8]],
  [28, 'F64', 1, [8]],
  [29, 'IQ1_M', 256, [256 / 8, 256 / 16, 256 / 32]],
  [30, 'BF16', 1, [2]],
  [31, 'Q4_0_4_4', 32, [half, packed(32, 4)]],
  [32, 'Q4_0_4_8', 32, [half, packed(32, 4)]],
  [33, 'Q4_0_8_8', 32, [half, packed(32, 4)]],
  [34, 'TQ1_0', 256, [(256 - (4 * 256) / 64) / 5, 256 / 64, half]],
  [35, 'TQ2_0', 256, [packed(256, 2), half]],
  [39, 'MXFP4', 32, [1, packed(32, 4)]],
  [40, 'NVFP4', 64, [64 / 16, packed(64, 4)]],
  [41, 'Q1_0', 128, [half, packed(128, 1)]],
];
const alignment = 32;
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

test('the table has these types and no others', () => {
  expect([...ggmlTypes.keys()].sort((a, b) => a - b)).toEqual(structs.map(([id]) => id));
});

describe('a file with a tensor of every type', () => {
  const rows = 3;
  const blocksPerRow = 2;
  let offset = 0;
  const drafts = structs.map(([type, name, elements, fields]) => {
    const bytes = rows * blocksPerRow * fields.reduce((sum, field) => sum + field, 0);
    const draft = { name, type, sizes: [elements * blocksPerRow, rows], offset, bytes };
    offset += aligned(bytes);
    return draft;
  });

  test('is found whole: names, shapes and bytes', async () => {
    const file = ggufOf({ tensors: drafts, body: offset });
    const start = file.length - offset;
    const layout = await readLayout(await folder.put('all-types.gguf', file));
    expect(layout.note).toBeUndefined();
    expect(layout.tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(
      drafts.map(({ name, sizes }) => [name, name, sizes.toReversed()]),
    );
    expect(layout.parts.map((part) => [part.offset, part.length])).toEqual(drafts.map((draft) => [start + draft.offset, draft.bytes]));
  });

  test('is damaged where its last byte is missing', async () => {
    const file = ggufOf({ tensors: drafts, body: drafts.at(-1)!.offset + drafts.at(-1)!.bytes - 1 });
    expect(await readLayout(await folder.put('cut.gguf', file))).toMatchObject({ damaged: true });
  });
});
