/** From tensors named in a pickle to the parts of a file: storages are ranges, tensors are views of them. */
import { elements, type ElementId } from '../../codec/elements.ts';
import type { Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countElements, isContiguous } from './dtypes.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, quoted } from './refusals.ts';
import { isPacked } from './torch-dtypes.ts';
import type { NamedTensor, TorchTree } from './torch-tree.ts';
import type { StorageReference, TorchTensor } from './torch-rebuild.ts';

/** Bytes of a storage as they lie in the file. */
export interface StorageRange {
  offset: number;
  length: number;
}

export interface PlacedTensors {
  parts: Part[];
  tensors: Tensor[];
}

/** Length of a storage in bytes, as its pickle gives it. */
export function storageBytes(storage: StorageReference): number {
  return storage.dtype === 'untyped' ? storage.length : (storage.length * storage.dtype.bits) / 8;
}

/** An untyped storage takes the dtype of the first tensor that looks at it. */
function partElements(tree: TorchTree, bigEndian: boolean): Map<string, ElementId> {
  const found = new Map<string, ElementId>();
  for (const [key, { dtype }] of tree.storages) if (dtype !== 'untyped') found.set(key, dtype.element);
  for (const { tensor } of tree.tensors) {
    const key = tensor.storage?.key;
    if (key !== undefined && tensor.dtype && !found.has(key)) found.set(key, tensor.dtype.element);
  }
  if (bigEndian) for (const key of found.keys()) found.set(key, elements.bytes8);
  return found;
}

/** One past the last element that a view touches, counted from the start of its storage. */
function viewEnd(tensor: TorchTensor): number {
  return tensor.shape.reduce((end, size, axis) => end + (size - 1) * (tensor.strides[axis] as number), tensor.offset + 1);
}

function checkView(file: ReadableFile, name: string, tensor: TorchTensor, lengthBytes: number): void {
  const count = countElements(tensor.shape);
  const sound =
    count !== undefined &&
    tensor.strides.length === tensor.shape.length &&
    tensor.offset >= 0 &&
    tensor.strides.every((stride) => stride >= 0);
  if (!sound) throw contradiction(file, `has no proper shape and strides for tensor ${quoted(name)}`);
  const end = count === 0 ? tensor.offset : viewEnd(tensor);
  const width = (tensor.dtype?.bits ?? 8) / 8;
  if (!Number.isSafeInteger(end) || (end * width > lengthBytes && !(tensor.dtype && isPacked(tensor.dtype)))) {
    throw contradiction(file, `has tensor ${quoted(name)} reach beyond its storage of ${lengthBytes} bytes`);
  }
}

function place(file: ReadableFile, { name, tensor }: NamedTensor, part: number, lengthBytes: number, bigEndian: boolean): Tensor {
  const dtype = `${bigEndian && (tensor.dtype?.bits ?? 8) > 8 ? '>' : ''}${tensor.dtype?.name ?? 'unknown'}`;
  if (countElements(tensor.shape) === undefined) throw contradiction(file, `has no proper shape for tensor ${quoted(name)}`);
  if (lengthBytes >= 0) checkView(file, name, tensor, lengthBytes);
  const offset = tensor.offset * ((tensor.dtype?.bits ?? 8) / 8);
  const base = { name, dtype, shape: tensor.shape };
  if (part === -1 || countElements(tensor.shape) === 0 || !tensor.dtype) return { ...base, part: -1, offset: 0 };
  return isContiguous(tensor.shape, tensor.strides) ? { ...base, part, offset } : { ...base, part, offset, strides: tensor.strides };
}

/**
 * Places every tensor of `tree` in the file.
 *
 * @param ranges of the storages that lie in the file as they are; others (compressed, elsewhere) leave their tensors without bytes
 * @throws CairnError `bad_input` where a storage is shorter than the pickle says, or a tensor leaves its storage
 */
export function placeTensors(
  file: ReadableFile,
  tree: TorchTree,
  ranges: ReadonlyMap<string, StorageRange>,
  bigEndian = false,
): PlacedTensors {
  const byKey = partElements(tree, bigEndian);
  const keys = [...ranges.keys()];
  for (const [key, range] of ranges) {
    const storage = tree.storages.get(key);
    if (storage && storageBytes(storage) > range.length)
      throw contradiction(file, `has ${range.length} of the ${storageBytes(storage)} bytes of storage ${quoted(key)}`);
  }
  const drafts = [...ranges].map(([key, range]): Part => ({ ...range, element: byKey.get(key) ?? elements.bytes8 }));
  const { parts, indices } = arrangeParts(file, drafts);
  const partOf = new Map(keys.map((key, index) => [key, indices[index] as number]));
  const tensors = tree.tensors.map((named) => {
    const key = named.tensor.storage?.key ?? '';
    return place(file, named, partOf.get(key) ?? -1, ranges.get(key)?.length ?? -1, bigEndian);
  });
  return { parts, tensors };
}
