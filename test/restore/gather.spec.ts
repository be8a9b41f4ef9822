/** Strided views put together from a storage in a file, against the same by plain indices. */
import { open } from 'node:fs/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { gather, type StridedTensor } from '../../core/restore/gather.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-gather-'));
afterAll(() => rmSync(folder, { recursive: true }));

const view = (shape: number[], strides: number[], offset: number): StridedTensor =>
  ({ name: 'w', shape, strides, offset, dtype: 'F32', file: 0, part: 0 }) as unknown as StridedTensor;

async function gathered(storage: Buffer, tensor: StridedTensor, width: number): Promise<Buffer> {
  writeFileSync(path.join(folder, 'storage'), storage);
  const [from, to] = [await open(path.join(folder, 'storage')), await open(path.join(folder, 'out'), 'w+')];
  try {
    await to.write(Buffer.from('head'));
    await gather(from, tensor, width, to, 4);
    const { size } = await to.stat();
    const out = Buffer.alloc(size);
    await to.read(out, 0, size, 0);
    expect(out.toString('latin1', 0, 4)).toBe('head');
    return out.subarray(4);
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

/** Element by element, in C order. */
function plainly(storage: Buffer, { shape, strides, offset }: StridedTensor, width: number): Buffer {
  const starts = shape.reduce<number[]>((before, size, axis) => before.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis]!)), [0]); // prettier-ignore
  return Buffer.concat(starts.map((at) => storage.subarray(offset + at * width, offset + (at + 1) * width)));
}

const noise = (bytes: number): Buffer => Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => (at * 2_654_435_761) >>> 13));

describe('gather', () => {
  it('gives any view as plain indices do', async () => {
    const axes = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 9 })), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(axes, fc.constantFrom(1, 2, 4, 8), fc.nat(20), async (given, width, offset) => {
        const tensor = view(given.map(([size]) => size), given.map(([, stride]) => stride), offset * width); // prettier-ignore
        const last = given.reduce((sum, [size, stride]) => sum + (size - 1) * stride, 0);
        const storage = noise((offset + last + 1) * width);
        expect(await gathered(storage, tensor, width)).toEqual(plainly(storage, tensor, width));
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['rows that are read one by one', view([700, 300], [512, 1], 64)],
    ['rows larger than a piece', view([2, 1_200_000], [1_300_000, 1], 8)],
    ['columns of a matrix', view([512, 700], [1, 512], 0)],
    ['more rows than fit in a piece', view([3000, 400], [401, 1], 0)],
  ])('gives %s', async (_, tensor) => {
    const last = tensor.shape.reduce((sum, size, axis) => sum + (size - 1) * tensor.strides[axis]!, 0);
    const storage = noise(tensor.offset + (last + 1) * 4);
    expect((await gathered(storage, tensor, 4)).equals(plainly(storage, tensor, 4))).toBe(true);
  });

  it('refuses a view that reaches beyond its storage, or is scattered over more than it may hold', async () => {
    await expect(gathered(noise(40), view([2, 8], [8, 1], 0), 4)).rejects.toThrow('beyond its storage');
    await expect(gathered(noise(40), view([2, 300], [8, 1], 0), 4)).rejects.toThrow('beyond its storage');
    await expect(gathered(noise(40), view([2, 2], [2 ** 30, 2], 0), 4)).rejects.toThrow('scattered');
  });
});
