/** Takes one tensor out of a snapshot without restoring the rest: only its own storage is decoded. */
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { decodeContents } from '../codec/decode.ts';
import { CairnError } from '../contract/errors.ts';
import type { Manifest, ManifestTensor } from '../store/manifest.ts';
import { placed } from './placed.ts';
import type { Restored, RestoreOptions } from './restore.ts';
import { withStaging } from './staging.ts';
import { assertAbsent, assertRoomToRestore } from './target.ts';
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

/** Its storage is decoded beside the file that is made of it. */
export const roomForTensor = (tensor: ManifestTensor): number => 2 * tensorBytes(tensor);

/** Copies `length` bytes between files in pieces. */
async function copyRange(from: FileHandle, offset: number, length: number, to: FileHandle, at: number): Promise<void> {
  const buffer = Buffer.alloc(Math.min(length, 4 * 1024 * 1024));
  for (let done = 0; done < length;) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, length - done), offset + done);
    if (bytesRead === 0) throw new CairnError('damaged', 'a tensor reaches beyond its storage; restore its whole file instead');
    await to.write(buffer, 0, bytesRead, at + done);
    done += bytesRead;
  }
}

/** Elements of a strided view in C order, gathered row by row of its innermost contiguous part. */
async function gather(
  from: FileHandle,
  tensor: ManifestTensor,
  elementBytes: number,
  storageBytes: number,
  to: FileHandle,
  at: number,
): Promise<void> {
  const { shape, strides, offset } = tensor;
  const storage = Buffer.alloc(storageBytes);
  const { bytesRead } = await from.read(storage, 0, storageBytes, 0);
  const count = shape.reduce((product, size) => product * size, 1);
  const out = Buffer.alloc(count * elementBytes);
  const index = shape.map(() => 0);
  for (let element = 0; element < count; element++) {
    const start = offset + index.reduce((sum, position, axis) => sum + position * strides![axis]!, 0) * elementBytes;
    if (start < 0 || start + elementBytes > bytesRead)
      throw new CairnError('damaged', `tensor ${tensor.name}: it reaches beyond its storage; restore its whole file instead`);
    storage.copy(out, element * elementBytes, start, start + elementBytes);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]!; axis--) index[axis] = 0;
  }
  await to.write(out, 0, out.length, at);
}

async function decodeStorage(manifest: Manifest, tensor: ManifestTensor, storage: string, options: RestoreOptions): Promise<number> {
  const part = manifest.files[tensor.file]!.parts[tensor.part];
  if (!part) return 0;
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
  return part[1];
}

async function writeTensor(
  tensor: ManifestTensor,
  header: Uint8Array,
  storage: string,
  storageBytes: number,
  out: string,
): Promise<number> {
  const bytes = tensorBytes(tensor);
  const [from, to] = [await open(storage, 'r'), await open(out, 'wx')];
  try {
    await to.write(header);
    const elements = tensor.shape.reduce((product, size) => product * size, 1);
    if (!tensor.strides) await copyRange(from, tensor.offset, bytes, to, header.length);
    else if (elements > 0) await gather(from, tensor, bytes / elements, storageBytes, to, header.length);
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
  if (!options.force) await assertAbsent([final]);
  await mkdir(options.to, { recursive: true });
  await assertRoomToRestore(options.to, roomForTensor(tensor));
  return withStaging(options.to, async (staging) => {
    const [storage, out] = [path.join(staging, 'storage'), path.join(staging, 'tensor')];
    await (await open(storage, 'wx')).close();
    const storageBytes = await decodeStorage(manifest, tensor, storage, options);
    const bytes = await writeTensor(tensor, header, storage, storageBytes, out);
    await rename(out, final);
    return { files: 1, bytes, path: final };
  });
}
