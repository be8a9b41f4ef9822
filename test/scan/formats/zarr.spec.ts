/** Arrays of Orbax: chunks of Zarr beside their `.zarray`, and parts of an OCDBT database. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { elements } from '../../../core/codec/elements.ts';
import type { FileLayout } from '../../../core/scan/file-layout.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-zarr-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

const metadata = {
  zarr_format: 2,
  shape: [4, 6],
  chunks: [4, 6],
  dtype: '<f4',
  compressor: null,
  fill_value: null,
  order: 'C',
  filters: null,
};

function chunkOf(more: object | string, name = 'params.kernel/0.0', bytes: Uint8Array = new Uint8Array(96)): Promise<FileLayout> {
  put('params.kernel/.zarray', typeof more === 'string' ? more : JSON.stringify({ ...metadata, ...more }));
  return readLayout(put(name, bytes));
}

describe('a chunk of a Zarr array', () => {
  it('that is all of the array has its name, dtype and shape', async () => {
    expect(await chunkOf({})).toEqual({
      format: 'zarr',
      parts: [{ offset: 0, length: 96, element: elements.float32 }],
      tensors: [{ name: 'params.kernel', dtype: 'F32', shape: [4, 6], part: 0, offset: 0 }],
    });
  });

  it('of several says where in the array it begins', async () => {
    const { tensors } = await chunkOf({ chunks: [2, 3] }, 'params.kernel/1.0', new Uint8Array(24));
    expect(tensors).toEqual([{ name: 'params.kernel[2,0]', dtype: 'F32', shape: [2, 3], part: 0, offset: 0 }]);
  });

  it.each([
    ['bfloat16', 'BF16', 2],
    ['float8_e4m3fn', 'F8_E4M3', 1],
    ['<i8', 'I64', 8],
    ['|b1', 'BOOL', 1],
  ])('of %s is %s', async (dtype, name, width) => {
    const { tensors, parts } = await chunkOf({ dtype }, undefined, new Uint8Array(24 * width));
    expect([tensors[0]!.dtype, parts[0]!.length]).toEqual([name, 24 * width]);
  });

  it('in Fortran order has strides; a scalar has none', async () => {
    expect((await chunkOf({ order: 'F' })).tensors[0]).toMatchObject({ strides: [1, 4] });
    expect(await chunkOf({ shape: [], chunks: [] }, 'params.kernel/0', new Uint8Array(4))).toMatchObject({
      tensors: [{ name: 'params.kernel', shape: [] }],
    });
  });

  it('that is compressed is named, and stays bytes', async () => {
    const layout = await chunkOf({ compressor: { id: 'zstd', level: 1 } }, undefined, new Uint8Array(10));
    expect(layout).toMatchObject({ format: 'zarr', parts: [], tensors: [{ name: 'params.kernel', part: -1 }] });
    expect(layout.note).toContain('compressed by "zstd"');
    expect((await chunkOf({ filters: [{ id: 'delta' }] })).note).toContain('filtered');
  });

  it('without a .zarray beside it is something else', async () => {
    expect(await readLayout(put('other/0.0', new Uint8Array(96)))).toEqual({ format: 'bytes', parts: [], tensors: [] });
  });

  const lies: [string, object | string, RegExp, boolean][] = [
    ['a chunk of another length', { dtype: '<f8' }, /96 bytes where its array says 192/, true],
    ['a shape that overflows', { shape: [2 ** 40, 2 ** 40], chunks: [2 ** 40, 2 ** 40] }, /without proper shape/, true],
    ['chunks of another rank', { chunks: [24] }, /without proper shape/, true],
    ['chunks of nothing', { chunks: [0, 6] }, /without proper shape/, true],
    ['a shape of texts', { shape: ['x'], chunks: ['x'] }, /without proper shape/, true],
    ['a name of another rank', { shape: [8, 6], chunks: [4, 6], dimension_separator: '/' }, /2 numbers|1 numbers/, true],
    ['no JSON', '{"zarr_format": 2,', /\.zarray/, true],
    ['a key twice', '{"zarr_format":2,"zarr_format":2}', /\.zarray/, true],
    ['nesting without end', '['.repeat(10_000), /\.zarray/, true],
    ['another version', { zarr_format: 3 }, /version other than 2/, false],
    ['objects', { dtype: '|O' }, /kind that this Cairn does not know/, false],
  ];
  it.each(lies)('%s misleads nobody', async (_, more, reason, isDamage) => {
    const name = reason.source.includes('numbers') ? 'params.kernel/0' : undefined;
    const layout = await chunkOf(more, name);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [] });
    expect([layout.damaged ?? false, layout.note]).toEqual([isDamage, expect.stringMatching(reason) as string]);
  });
});

it('parts of an OCDBT database are named for what they are', async () => {
  for (const name of ['params/manifest.ocdbt', `params/ocdbt.process_0/d/${'0a'.repeat(16)}`])
    expect(await readLayout(put(name, 'x'))).toMatchObject({ format: 'bytes', note: expect.stringContaining('OCDBT') as string });
  expect((await readLayout(put(`elsewhere/${'0a'.repeat(16)}`, 'x'))).note).toBeUndefined();
});
