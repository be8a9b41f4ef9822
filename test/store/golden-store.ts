/** What the store in test/fixtures/golden-v1 holds. It was written once, by the first version, and is never written again. */
import { elements, roles } from '../../core/codec/elements.ts';
import type { BlobEntry } from '../../core/store/blob-source.ts';
import type { Manifest } from '../../core/store/manifest.ts';
import { digestOf } from './examples.ts';
import { crc32c } from './hashing.ts';

const floats = (values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

/** In the order of the pack. */
export const goldenContents = {
  weights: floats([0.5, -1.25, 3, 1e-20]),
  moved: floats([0.5, -1.5, 3, 1e-20]),
  zeros: floats(Array.from({ length: 64 }, () => 0)),
  text: Buffer.from('step 100\n'.repeat(40)),
  empty: Buffer.alloc(0),
};
type Name = keyof typeof goldenContents;

const names = Object.keys(goldenContents) as Name[];
const digests = names.map((name) => digestOf(goldenContents[name]));

/** @param zstdFrame of `text`; not made here, because another zstd may make it otherwise */
export function goldenEntries(zstdFrame: Uint8Array): { block: Buffer; entry: BlobEntry }[] {
  const { weights, moved } = goldenContents;
  const blocks: Record<Name, Buffer> = {
    weights: Buffer.concat([Uint8Array.of(0), weights]),
    // Raw all the same: a blob may name a base that no block uses.
    moved: Buffer.concat([Uint8Array.of(0), moved]),
    zeros: Buffer.from([1, 0, 0, 0, 0]),
    text: Buffer.concat([Uint8Array.of(3), zstdFrame]),
    empty: Buffer.alloc(0),
  };
  let offset = 16;
  return names.map((name, index) => {
    const block = blocks[name];
    const bytesCoding = name === 'text' || name === 'empty';
    const entry: BlobEntry = {
      ...{ digest: digests[index]!, rawLength: goldenContents[name].length, offset, storedLength: block.length },
      ...{
        element: bytesCoding ? elements.bytes8 : elements.float32,
        blockLog2: bytesCoding ? 22 : 19,
        coding: bytesCoding ? 'bytes' : 'tensor',
      },
      needs: name === 'moved' ? [{ role: roles.base, digest: digests[0]! }] : [],
      lengths: Uint32Array.from(block.length > 0 ? [block.length] : []),
      checksums: Uint32Array.from(block.length > 0 ? [crc32c(block)] : []),
    };
    offset += block.length;
    return { block, entry };
  });
}

export const goldenManifest: Manifest = {
  created: '2026-01-02T03:04:05.678Z',
  run: { name: 'günther', path: '/runs/günther', layout: 'folders' },
  step: 100,
  path: 'checkpoint-100',
  time: '2026-01-02T03:00:00.123Z',
  method: 'cairn',
  depth: 1,
  bytesOriginal: 360 + 16 + 16 + 256,
  bytesStored: 0,
  blobs: digests,
  new: [0, 1, 2, 3, 4],
  files: [
    {
      ...{ path: 'model/weights.bin', size: 648, mode: 0o640, mtimeNs: '1767322800123456789', digest: digestOf(fileBytes()) },
      ...{ format: 'safetensors', note: 'an example', rest: 3 },
      parts: [
        [100, 16, 0],
        [116, 16, 1],
        [392, 256, 2],
      ],
    },
    { path: 'empty', size: 0, mode: 0o644, mtimeNs: '-1', digest: digests[4]!, format: 'bytes', rest: 4, parts: [] },
  ],
  folders: [{ path: 'model', mode: 0o755, mtimeNs: '0' }],
  links: [{ path: 'latest', target: 'model/weights.bin' }],
  tensors: [
    { name: 'w', dtype: 'F32', shape: [2, 2], file: 0, part: 0, offset: 0 },
    { name: 'w.T', dtype: 'F32', shape: [2, 2], file: 0, part: 1, offset: 0, strides: [1, 2] },
    { name: 'none', dtype: 'F32', shape: [0], file: 1, part: -1, offset: 0 },
  ],
};

/** The remainder is `text`, laid around the parts. */
export function fileBytes(): Buffer {
  const { weights, moved, zeros, text } = goldenContents;
  return Buffer.concat([text.subarray(0, 100), weights, moved, text.subarray(100), zeros]);
}
