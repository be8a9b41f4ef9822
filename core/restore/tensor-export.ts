/** Takes one tensor out of a snapshot without restoring the rest: only its own storage is decoded. */
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { decodeContents } from '../codec/decode.ts';
import { CairnError } from '../contract/errors.ts';
import type { Manifest, ManifestTensor } from '../store/manifest.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { copyRange, gather } from './gather.ts';
import { placed } from './placed.ts';
import type { Restored, RestoreOptions } from './restore.ts';
import { withStaging } from './staging.ts';
import { assertAbsent, assertReplaceable, assertRoomToRestore } from './target.ts';
import { fileNameOf, npyHeader, safetensorsHeader, tensorBytes } from './tensor-file.ts';

/** @throws CairnError `not_found`, `ambiguous` where several files have a tensor of that name. */
export function findTensor(manifest: Manifest, name: string, wanted: (file: string) => boolean): ManifestTensor {
  const found = manifest.tensors.filter((tensor) => tensor.name === name && wanted(manifest.files[tensor.file]!.path));
  if (found.length === 0) throw new CairnError('not_found', `tensor ${name}: the snapshot has none of that name; cairn show lists them`);
  if (found.length > 1) {
    const files = found.map((tensor) => manifest.files[tensor.file]!.path).join(', ');
    throw new CairnError('ambiguous', `tensor ${name}: it is in ${files}; choose one with --files`);
  }
  return found[0]!;
}

/** Its storage, of which it may be a small view, is decoded beside the file that is made of it. */
export const roomForTensor = ({ files }: Manifest, tensor: ManifestTensor): number =>
  (files[tensor.file]!.parts[tensor.part]?.[1] ?? 0) + tensorBytes(tensor);

async function decodeStorage(manifest: Manifest, tensor: ManifestTensor, storage: string, options: RestoreOptions): Promise<void> {
  const part = manifest.files[tensor.file]!.parts[tensor.part];
  if (!part) return;
  const content = await options.content(manifest.blobs[part[2]]!);
  const contents = [placed(content, [{ path: storage, offset: 0, length: part[1] }])];
  for await (const { digest, error } of decodeContents(options.pool, contents, {
    cancel: options.cancel,
    onBytes: (bytes) => options.onBytes('decode', bytes),
  })) {
    if (error !== undefined) throw error;
    if (digest !== content.digest)
      throw new CairnError('damaged', `tensor ${tensor.name}: what was decoded is not what was archived; run cairn verify`);
  }
}

async function writeTensor(tensor: ManifestTensor, header: Uint8Array, storage: string, out: string): Promise<number> {
  const bytes = tensorBytes(tensor);
  const [from, to] = [await open(storage, 'r'), await open(out, 'wx')];
  try {
    await to.write(header);
    const elements = tensor.shape.reduce((product, size) => product * size, 1);
    const { strides } = tensor;
    if (!strides) await copyRange(from, tensor.offset, bytes, to, header.length);
    else if (elements > 0) await gather(from, { ...tensor, strides }, bytes / elements, to, header.length);
    await to.sync();
  } finally {
    await from.close();
    await to.close();
  }
  return header.length + bytes;
}

/**
 * Writes one tensor, contiguous in C order, as `<name>.npy` or `<name>.safetensors` into `options.to`.
 *
 * @throws CairnError `not_found`, `ambiguous`, `exists`, `unsupported`, `no_space`, `damaged`, `cancelled`, `denied`, `io`.
 */
export async function exportTensor(
  manifest: Manifest,
  name: string,
  format: 'npy' | 'safetensors',
  options: RestoreOptions,
): Promise<Restored & { path: string }> {
  const tensor = findTensor(manifest, name, options.wanted);
  const header = format === 'npy' ? npyHeader(tensor) : safetensorsHeader(tensor);
  const final = path.join(options.to, `${fileNameOf(name)}.${format}`);
  await (options.force ? assertReplaceable : assertAbsent)([final]);
  await mkdir(options.to, { recursive: true });
  await assertRoomToRestore(options.to, roomForTensor(manifest, tensor));
  return withStaging(options.to, async (staging) => {
    const [storage, out] = [path.join(staging, 'storage'), path.join(staging, 'tensor')];
    await (await open(storage, 'wx')).close();
    await decodeStorage(manifest, tensor, storage, options);
    const bytes = await writeTensor(tensor, header, storage, out);
    await rename(out, final);
    await syncFolder(options.to);
    return { files: 1, bytes, path: final };
  });
}
