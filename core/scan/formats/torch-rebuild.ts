/**
 * Which calls in a pickle stand for tensors. torch pickles a tensor as a call of one of a few functions of `torch._utils`; these,
 * and no others, are read as tensors. Any other call is opaque, and only searched for tensors in its arguments and state.
 */
import type { Dtype } from './dtypes.ts';
import { storageDtype, torchDtype } from './torch-dtypes.ts';
import { globalName, isKind, itemsOf, wholeNumber, type PickleCall, type PickleValue } from './pickle-values.ts';

/** A storage as a persistent id names it: ('storage', class, key, device, length in elements[, (key, offset, length) of a piece]). */
export interface StorageReference {
  key: string;
  dtype: Dtype | 'untyped';
  /** In elements of its dtype; in bytes where untyped. */
  length: number;
  /** Files of torch before 0.4: a piece of this storage, from here on, in elements. */
  viewOffset: number;
}

export interface TorchTensor {
  dtype: Dtype | undefined;
  shape: number[];
  strides: number[];
  /** In elements, from the start of the storage. */
  offset: number;
  /** Absent where the tensor has no bytes (meta, sparse as a whole). */
  storage?: StorageReference;
}

/** What a call stands for: a tensor, and values below it that may hold more. */
export interface Rebuilt {
  tensor?: TorchTensor;
  /** The call stands for this value. */
  same?: PickleValue;
  /** Tensors beside it, by name below its own. */
  inner?: [string, PickleValue][];
}

function sizes(value: PickleValue | undefined): number[] | undefined {
  const items = isKind(value, 'call') ? itemsOf(value.args[0]) : itemsOf(value); // torch.Size(...) is a call
  const numbers = items?.map(wholeNumber);
  return numbers?.every((item) => item !== undefined) ? (numbers as number[]) : undefined;
}

function lastName(value: PickleValue | undefined): string {
  return isKind(value, 'global') ? value.name : '';
}

/** The storage that a persistent id names; undefined where it names something else. */
export function storageReference(value: PickleValue | undefined): StorageReference | undefined {
  const id = isKind(value, 'reference') ? itemsOf(value.id) : undefined;
  if (id?.[0] !== 'storage') return undefined;
  const dtype = storageDtype(lastName(id[1]));
  const length = wholeNumber(id[4]);
  const key = typeof id[2] === 'string' ? id[2] : wholeNumber(id[2])?.toString();
  const viewOffset = wholeNumber(itemsOf(id[5])?.[1]) ?? 0;
  return dtype && key !== undefined && length !== undefined && length >= 0 ? { key, dtype, length, viewOffset } : undefined;
}

function strided(storage: StorageReference | undefined, args: PickleValue[], dtype: Dtype | undefined): Rebuilt {
  const [offset, shape, strides] = [wholeNumber(args[1]), sizes(args[2]), sizes(args[3])];
  if (offset === undefined || !shape || !strides) return {};
  return { tensor: { dtype, shape, strides, offset: offset + (storage?.viewOffset ?? 0), storage } };
}

/** _rebuild_tensor(_v2): storage, offset, size, stride, ... */
function plain(args: PickleValue[]): Rebuilt {
  const storage = storageReference(args[0]);
  return strided(storage, args, storage && storage.dtype !== 'untyped' ? storage.dtype : undefined);
}

/** _rebuild_tensor_v3: storage, offset, size, stride, requires_grad, hooks, dtype. */
function withDtype(args: PickleValue[]): Rebuilt {
  return strided(storageReference(args[0]), args, torchDtype(lastName(args[6])));
}

/** _rebuild_qtensor: storage, offset, size, stride, (scheme, scales, zero points, axis), ... */
function quantised(args: PickleValue[]): Rebuilt {
  const scheme = itemsOf(args[4]);
  const inner: [string, PickleValue][] = [];
  if (isKind(scheme?.[1], 'call')) inner.push(['scales', scheme[1]]);
  if (isKind(scheme?.[2], 'call')) inner.push(['zero_points', scheme[2]]);
  return { ...plain(args), inner };
}

/** Of a tensor that is rebuilt directly; values of a sparse one always are. */
function dtypeOf(value: PickleValue | undefined): Dtype | undefined {
  if (!isKind(value, 'call')) return undefined;
  const name = globalName(value.callee);
  if (name === 'torch._utils._rebuild_tensor_v3') return withDtype(value.args).tensor?.dtype;
  return name === 'torch._utils._rebuild_tensor_v2' ? plain(value.args).tensor?.dtype : undefined;
}

/** _rebuild_sparse_tensor and its kin: layout, (index tensors ..., values, size, ...). */
function sparse(names: string[]): (args: PickleValue[]) => Rebuilt {
  return (args) => {
    const pieces = itemsOf(args[1]) ?? [];
    const inner = names.map((name, index): [string, PickleValue] => [name, pieces[index] ?? null]);
    const shape = sizes(pieces[names.length]);
    if (!shape) return { inner };
    return { tensor: { dtype: dtypeOf(pieces[names.length - 1]), shape, strides: [], offset: 0 }, inner };
  };
}

/** Tensors on the meta device: dtype, size, stride, ... */
function withoutBytes(args: PickleValue[]): Rebuilt {
  const shape = sizes(args[1]);
  return shape ? { tensor: { dtype: torchDtype(lastName(args[0])), shape, strides: [], offset: 0 } } : {};
}

/** _rebuild_from_type_v2: function, type, its arguments, state. */
function ofType(args: PickleValue[]): Rebuilt {
  const inner: PickleCall = { kind: 'call', callee: args[0] ?? null, args: itemsOf(args[2]) ?? [], items: [], pairs: [], state: args[3] };
  return { same: inner };
}

const first = (args: PickleValue[]): Rebuilt => ({ same: args[0] ?? null });
const compressed = sparse(['crow_indices', 'col_indices', 'values']);

const rebuilders: Record<string, (args: PickleValue[]) => Rebuilt> = {
  'torch._utils._rebuild_tensor': plain,
  'torch._utils._rebuild_tensor_v2': plain,
  'torch._utils._rebuild_tensor_v3': withDtype,
  'torch._utils._rebuild_parameter': first,
  'torch._utils._rebuild_parameter_with_state': first,
  'torch._utils._rebuild_device_tensor_from_cpu_tensor': first,
  'torch._utils._rebuild_qtensor': quantised,
  'torch._utils._rebuild_sparse_tensor': sparse(['indices', 'values']),
  'torch._utils._rebuild_sparse_csr_tensor': compressed,
  'torch._utils._rebuild_meta_tensor_no_storage': withoutBytes,
  'torch._tensor._rebuild_from_type': ofType,
  'torch._tensor._rebuild_from_type_v2': ofType,
};

/** What a call stands for, where it is one of torch's that make tensors; else undefined. */
export function rebuild(call: PickleCall): Rebuilt | undefined {
  const name = globalName(call.callee);
  return name !== undefined && Object.hasOwn(rebuilders, name) ? rebuilders[name]?.(call.args) : undefined;
}
