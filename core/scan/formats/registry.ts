/**
 * Checkpoint files by format. A reader claims a file by its name and first bytes and describes it: which ranges hold
 * tensors, which tensors those are. Readers look at headers only, execute nothing, and hold every length to the file
 * before believing it; where one gives up, the file is archived as bytes and the layout says why.
 */
import { toCairnError, type CairnError } from '../../contract/errors.ts';
import type { FileLayout, FormatReader, ReadableFile } from '../file-layout.ts';
import { openReadable } from '../readable-file.ts';
import { checkLayout } from './parts.ts';
import { reasonOf } from './refusals.ts';
import { distcp } from './distcp.ts';
import { flax } from './flax.ts';
import { gguf } from './gguf.ts';
import { npy } from './npy.ts';
import { npz } from './npz.ts';
import { ocdbt } from './ocdbt.ts';
import { onnx } from './onnx.ts';
import { safetensors } from './safetensors.ts';
import { torchLegacy } from './torch-legacy.ts';
import { torchTar } from './torch-tar.ts';
import { torchZip } from './torch-zip.ts';
import { zarr } from './zarr.ts';

/** In the order in which they are asked. */
export const readers: readonly FormatReader[] = [
  distcp,
  safetensors,
  gguf,
  torchZip,
  torchLegacy,
  torchTar,
  npy,
  npz,
  onnx,
  ocdbt,
  zarr,
  flax,
];

function asBytes(reason: string, damaged: boolean): FileLayout {
  const advice = damaged ? 'check the file, or write or copy it again' : 'archived as bytes';
  return { format: 'bytes', parts: [], tensors: [], note: `${reason}; ${advice}`, ...(damaged ? { damaged } : {}) };
}

/** A reader's own defect must not keep a file from being archived either; only what the system refuses is passed on. */
function givenUp(error: CairnError, path: string): FileLayout {
  if (error.code === 'internal') return asBytes(`could not be described (${reasonOf(error, path)})`, false);
  if (error.code === 'bad_input') return asBytes(reasonOf(error, path), true);
  if (error.code === 'unsupported') return asBytes(reasonOf(error, path), false);
  throw error;
}

/** The layout of an open file. @throws CairnError where the system fails to read; never for what the file holds */
export async function readOpenLayout(file: ReadableFile): Promise<FileLayout> {
  const reader = readers.find((candidate) => candidate.claims(file));
  if (!reader) return { format: 'bytes', parts: [], tensors: [] };
  try {
    return checkLayout(file, await reader.read(file));
  } catch (thrown) {
    return givenUp(toCairnError(thrown), file.path);
  }
}

/**
 * What the file at `path` holds.
 *
 * @returns the layout of the first reader that claims it; format `bytes` where none does or the file misleads it, then with a `note`
 *   and, where the file contradicts itself, `damaged`
 * @throws CairnError `not_found`, `denied`, `io` as the system says; never for what the file holds
 */
export async function readLayout(path: string): Promise<FileLayout> {
  const file = await openReadable(path);
  try {
    return await readOpenLayout(file);
  } finally {
    await file.close();
  }
}
