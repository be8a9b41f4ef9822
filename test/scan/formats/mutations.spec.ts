/** Whatever is done to a file, reading it ends in a layout that keeps its promises. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementWidths } from '../../../core/codec/elements.ts';
import { readLayout, readOpenLayout } from '../../../core/scan/formats/registry.ts';
import { headBytes, openReadable, openWindow } from '../../../core/scan/readable-file.ts';
import { dictionaryOf, tensorOf, torchArchive } from './containers.ts';
import { flaxArray, flaxMap, ggufName, ggufOf, ggufPair, onnxModel, onnxTensor, protobufNested } from './writers.ts';
import { temporaryFolder } from './temporary.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/formats/', import.meta.url));
const names = (await readdir(fixtures)).filter((name) => !name.endsWith('.json'));
const folder = temporaryFolder();

interface Mutation {
  at: number;
  kind: 'flip' | 'ones' | 'zeros' | 'cut' | 'double' | 'insert';
  value: number;
}

/** Half of all changes hit the first or last tenth, where headers and directories are. */
const place = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 0.1, noNaN: true }),
  fc.double({ min: 0.9, max: 1, noNaN: true }),
);
const mutation = fc.record({
  at: place,
  kind: fc.constantFrom('flip', 'flip', 'flip', 'ones', 'zeros', 'cut', 'double', 'insert'),
  value: fc.integer({ min: 1, max: 255 }),
});

function apply(bytes: Buffer, { at, kind, value }: Mutation): Buffer {
  const position = Math.min(Math.floor(at * bytes.length), Math.max(bytes.length - 1, 0));
  if (kind === 'cut') return bytes.subarray(0, position);
  if (kind === 'double') return Buffer.concat([bytes.subarray(0, position), bytes.subarray(Math.max(position - value, 0))]);
  if (kind === 'insert') return Buffer.concat([bytes.subarray(0, position), Buffer.alloc(value, value), bytes.subarray(position)]);
  const changed = Buffer.from(bytes);
  if (kind === 'flip' && changed.length > 0) changed[position] = (changed[position] as number) ^ value;
  if (kind !== 'flip') changed.fill(kind === 'ones' ? 0xff : 0, position, Math.min(position + 8, changed.length));
  return changed;
}

async function expectSoundLayout(path: string, size: number): Promise<void> {
  const layout = await readLayout(path);
  let end = 0;
  for (const part of layout.parts) {
    expect(part.offset).toBeGreaterThanOrEqual(end);
    expect(part.length).toBeGreaterThan(0);
    expect(part.length % elementWidths[part.element]).toBe(0);
    end = part.offset + part.length;
  }
  expect(end).toBeLessThanOrEqual(size);
  for (const tensor of layout.tensors) {
    expect(tensor.part).toBeGreaterThanOrEqual(-1);
    expect(tensor.part).toBeLessThan(layout.parts.length);
    if (tensor.part >= 0) expect(tensor.offset).toBeLessThan(layout.parts[tensor.part]!.length);
  }
  if (layout.note !== undefined) expect(layout.note).not.toMatch(/[\n\r]|could not be described/);
  if (layout.format === 'bytes') expect([layout.parts, layout.tensors]).toEqual([[], []]);
}

describe('mutated files', () => {
  test.each(names)('%s', async (name) => {
    const original = await readFile(fixtures + name);
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const bytes = mutations.reduce(apply, original);
        const path = join(folder.path, name);
        await writeFile(path, bytes);
        await expectSoundLayout(path, bytes.length);
      }),
      { numRuns: 80 },
    );
    await rm(join(folder.path, name), { force: true });
  });

  const w = Buffer.alloc(24, 9);
  const made: [string, Buffer][] = [
    [
      'model.gguf',
      ggufOf({
        pairs: [ggufPair('general.name', 8, ggufName('tiny'))],
        tensors: [
          { name: 'a', type: 0, sizes: [6], offset: 0 },
          { name: 'b', type: 12, sizes: [256], offset: 32 },
        ],
        body: 176,
      }),
    ],
    [
      'model.onnx',
      onnxModel(
        protobufNested(5, onnxTensor('a', 1, [6], protobufNested(9, w))),
        protobufNested(1, protobufNested(5, protobufNested(6, protobufNested(5, onnxTensor('b', 7, [3], protobufNested(9, w)))))),
      ),
    ],
    ['model.msgpack', flaxMap({ params: flaxMap({ a: flaxArray('float32', [2, 3], w), b: flaxArray('int64', [3], w) }) })],
    [
      'model.pt',
      torchArchive(
        dictionaryOf({
          a: tensorOf({ elements: 6, shape: [3, 2], strides: [1, 3] }),
          b: tensorOf({ elements: 6, offset: 2, shape: [2], strides: [2] }),
        }),
        { 0: w },
      ),
    ],
  ];
  test.each(made)('a small %s', async (name, original) => {
    const path = await folder.put(name, original);
    expect(await readLayout(path)).toMatchObject({ tensors: [{ part: 0 }, {}] });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const bytes = mutations.reduce(apply, original);
        await writeFile(path, bytes);
        await expectSoundLayout(path, bytes.length);
      }),
      { numRuns: 150 },
    );
  });

  test.each(['model.safetensors', 'model.gguf', 'model.onnx', 'model.msgpack', 'model.pt', 'array.npy', 'arrays.npz', 'model.distcp'])(
    '%s of random bytes',
    async (name) => {
      const magics = [
        '',
        'GGUF',
        '\x93NUMPY\x01\x00',
        'PK\x03\x04',
        '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
        '\x08\x08',
      ];
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 400 }), async (magic, tail) => {
          const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), tail]);
          await expectSoundLayout(await folder.put(name, bytes), bytes.length);
        }),
        { numRuns: 100 },
      );
    },
  );
});

describe('readable files', () => {
  test('give exactly what is asked, from the head and from beyond it', async () => {
    const bytes = Buffer.from(Array.from({ length: headBytes * 2 }, (_, index) => index % 251));
    const file = await openReadable(await folder.put('plain', bytes));
    for (const [offset, length] of [
      [0, 10],
      [headBytes - 5, 10],
      [bytes.length - 1, 1],
      [bytes.length, 0],
    ] as const) {
      expect(Buffer.from(await file.read(offset, length))).toEqual(bytes.subarray(offset, offset + length));
    }
    const window = await openWindow(file, 100, 50);
    expect(Buffer.from(await window.read(10, 20))).toEqual(bytes.subarray(110, 130));
    await expect(window.read(40, 20)).rejects.toMatchObject({ code: 'bad_input' });
    await file.close();
  });

  test.each([
    [-1, 1],
    [0, -1],
    [0, 11],
    [11, 0],
    [5, 2 ** 60],
    [2 ** 60, 5],
    [0.5, 1],
    [0, NaN],
  ])('refuse %d + %d of ten bytes', async (offset, length) => {
    const file = await openReadable(await folder.put('ten', Buffer.alloc(10)));
    await expect(file.read(offset, length)).rejects.toMatchObject({ code: 'bad_input' });
    await file.close();
  });

  test('a file that shrinks while it is read is damage', async () => {
    const path = await folder.put('shrinking', Buffer.alloc(headBytes * 4));
    const file = await openReadable(path);
    await writeFile(path, Buffer.alloc(headBytes));
    await expect(file.read(0, headBytes * 3)).rejects.toMatchObject({ code: 'bad_input' });
    await file.close();
  });

  test('what is not there, or is no file, is an error of its own', async () => {
    await expect(readLayout(join(folder.path, 'none'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(readLayout(folder.path)).rejects.toHaveProperty('code');
  });

  test('a pipe is refused without waiting for a writer', async () => {
    const path = join(folder.path, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(openReadable(path)).rejects.toMatchObject({ code: 'unsupported' });
  });

  test("a reader's own defect is a note, what the system refuses is an error", async () => {
    const file = (thrown: unknown) => ({
      path: 'x.safetensors',
      size: 100,
      head: Buffer.from('10000000000000007b', 'hex'),
      read: () => Promise.reject(thrown),
    });
    expect(await readOpenLayout(file(new TypeError('no such thing')))).toMatchObject({
      format: 'bytes',
      note: expect.stringContaining('could not be described') as string,
    });
    await expect(readOpenLayout(file(Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'read' })))).rejects.toMatchObject({
      code: 'io',
    });
  });

  test('are closed again, whatever was in them', async () => {
    const open = async () => (await readdir('/proc/self/fd').catch(() => [])).length;
    const sound = await folder.put('sound.pt', torchArchive(tensorOf({ elements: 1, shape: [1], strides: [1] }), { 0: Buffer.alloc(4) }));
    const broken = await folder.put('broken.safetensors', Buffer.alloc(4));
    const before = await open();
    for (let round = 0; round < 20; round++)
      await Promise.all([readLayout(sound), readLayout(broken), readLayout(join(folder.path, 'none')).catch(() => undefined)]);
    expect(await open()).toBeLessThanOrEqual(before);
  });
});
