import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { dictionaryOf, pickleOf, tensorOf, text, torchArchive, whole } from './containers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();

interface Piece {
  fqn: string;
  offset?: number[];
  path: string;
  start: number;
  length: number;
  transforms?: string[];
}

const instance = (module: string, name: string, state: Record<string, Uint8Array>) =>
  pickleOf(`c${module}\n${name}\n)`, 0x81, dictionaryOf(state), 'b');
const size = (values: number[]) => pickleOf('ctorch\nSize\n((', ...values.map(whole), 'ttR');

function metadataOf(pieces: Piece[]): Buffer {
  const entries = pieces.map(({ fqn, offset, path, start, length, transforms }) =>
    pickleOf(
      instance('torch.distributed.checkpoint.metadata', 'MetadataIndex', {
        fqn: text(fqn),
        offset: offset ? size(offset) : pickleOf('N'),
        index: pickleOf('N'),
      }),
      instance('torch.distributed.checkpoint.filesystem', '_StorageInfo', {
        relative_path: text(path),
        offset: whole(start),
        length: whole(length),
        ...(transforms ? { transform_descriptors: pickleOf('(', ...transforms.map(text), 'l') } : {}),
      }),
    ),
  );
  const storage = pickleOf('}(', ...entries, 'u');
  return pickleOf(
    0x80,
    4,
    instance('torch.distributed.checkpoint.metadata', 'Metadata', { state_dict_metadata: pickleOf('}'), storage_data: storage }),
    '.',
  );
}

const archive = (count: number) =>
  torchArchive(tensorOf({ elements: count, shape: [count], strides: [1] }), { 0: Buffer.alloc(4 * count, 9) });

let folders = 0;
async function write(distcp: Uint8Array, metadata?: Uint8Array, name = '.metadata'): Promise<string> {
  const path = join(folder.path, String(folders++));
  await mkdir(path);
  if (metadata) await writeFile(join(path, name), metadata);
  await writeFile(join(path, '__0_0.distcp'), distcp);
  return join(path, '__0_0.distcp');
}

const [first, second, blob] = [archive(4), archive(2), torchArchive(pickleOf('}'))];
const whole3 = Buffer.concat([first, second, blob]);
const path = '__0_0.distcp';
const sound: Piece[] = [
  { fqn: 'layers.0.weight', offset: [0, 0], path, start: 0, length: first.length },
  { fqn: 'layers.0.weight', offset: [4, 0], path, start: first.length, length: second.length },
  { fqn: 'extra', path, start: first.length + second.length, length: blob.length },
  { fqn: 'elsewhere', path: '__1_0.distcp', start: 0, length: 10 ** 9 },
];

describe('distributed checkpoints', () => {
  test('each piece is a tensor, named with where it begins', async () => {
    const layout = await readLayout(await write(whole3, metadataOf(sound)));
    expect(layout).toMatchObject({
      format: 'distcp',
      parts: [{ length: 16, element: elements.float32 }, { length: 8 }],
      tensors: [
        { name: 'layers.0.weight', shape: [4], part: 0 },
        { name: 'layers.0.weight[4,0]', shape: [2], part: 1 },
      ],
    });
    expect(layout.note).toBeUndefined();
    for (const part of layout.parts) expect(whole3.subarray(part.offset, part.offset + part.length).every((byte) => byte === 9)).toBe(true);
  });

  test("each rank's own metadata serves as well", async () => {
    expect(await readLayout(await write(whole3, metadataOf(sound), '__0.metadata'))).toMatchObject({ format: 'distcp', parts: [{}, {}] });
  });

  test('pieces that went through an extension stay bytes', async () => {
    const pieces = [{ ...sound[0]!, transforms: ['zstd'] }, sound[1]!];
    const layout = await readLayout(await write(whole3, metadataOf(pieces)));
    expect(layout).toMatchObject({ parts: [{ length: 8 }], note: expect.stringContaining('1 of its 2 pieces') as string });
  });

  test('two names of one piece are one part', async () => {
    const layout = await readLayout(await write(whole3, metadataOf([sound[0]!, { ...sound[0]!, fqn: 'tied.weight' }])));
    expect(layout).toMatchObject({ parts: [{ length: 16 }], tensors: [{ part: 0 }, { name: 'tied.weight', part: 0 }] });
  });

  test.each([
    ['without metadata', undefined, 'no .metadata'],
    ['with metadata that is cut', metadataOf(sound).subarray(0, 100), 'told apart'],
    ['with metadata of another kind', pickleOf(0x80, 2, '}.'), 'told apart'],
  ])('%s it is bytes, and not damaged itself', async (_, metadata, reason) => {
    const layout = await readLayout(await write(whole3, metadata));
    expect(layout).toMatchObject({ format: 'bytes', parts: [], note: expect.stringContaining(reason) as string });
    expect(layout.damaged).toBeUndefined();
  });

  test.each([
    ['a piece beyond the end', [{ ...sound[0]!, length: whole3.length + 1 }]],
    ['a piece at a negative offset', [{ ...sound[0]!, start: -1 }]],
    ['a piece that is cut', [{ ...sound[0]!, length: first.length - 1 }]],
    [
      'pieces that overlap',
      [
        sound[0]!,
        { ...sound[1]!, start: 0, length: first.length + second.length },
        { ...sound[0]!, fqn: 'again', start: 0, length: whole3.length },
      ],
    ],
  ])('%s is damage', async (_, pieces) => {
    const layout = await readLayout(await write(whole3, metadataOf(pieces)));
    expect(layout).toMatchObject({ format: 'bytes', parts: [], damaged: true });
  });
});
