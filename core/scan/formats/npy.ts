/** NumPy's .npy, versions 1 to 3: magic, version, length of a header, the header (a Python dictionary as text), one array. */
import { elements, type ElementId } from '../../codec/elements.ts';
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countElements, dtypes, isContiguous } from './dtypes.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood } from './refusals.ts';

/** One array: where its bytes are, and what they are. Its tensor has no name yet. */
export interface NpyArray {
  part: Part;
  tensor: Omit<Tensor, 'name' | 'part' | 'offset'>;
  note?: string;
}

export interface ArrayType {
  name: string;
  itemBytes: number;
  element: ElementId;
}

const kinds: Record<string, string> = {
  b1: 'BOOL',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
  c8: 'C64',
  c16: 'C128',
};

/** Whether a file begins as a .npy does. */
export function startsAsNpy(head: Uint8Array): boolean {
  return head[0] === 0x93 && Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 6)).toString('latin1', 1) === 'NUMPY';
}

/** NumPy's name of a kind. Big-endian ones and kinds of their own keep it and are plain bytes to the codec; undefined for objects. */
export function arrayType(descr: string): ArrayType | undefined {
  const match = /^([<>|=])([a-zA-Z])([0-9]{1,9})(\[[a-zA-Z0-9]{1,16}\])?$/.exec(descr);
  const [, order, kind, digits] = match ?? [];
  if (!match || kind === 'O') return undefined;
  const size = Number(digits);
  const itemBytes = kind === 'U' ? size * 4 : size;
  const dtype = dtypes.get(kinds[`${kind}${size}`] ?? '');
  if (dtype && (order !== '>' || size === 1)) return { name: dtype.name, itemBytes, element: dtype.element };
  // bfloat16 has no letter in NumPy: it is saved as two bytes of no kind.
  if (kind === 'V' && size === 2) return { name: descr, itemBytes, element: elements.bfloat16 };
  return { name: descr, itemBytes, element: elements.bytes8 };
}

/** Strides in elements, of an array whose first dimension runs fastest. */
export function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= Math.max(size, 1);
    return own;
  });
}

async function readHeader(file: ReadableFile): Promise<{ text: string; start: number }> {
  if (file.size < 10) throw contradiction(file, 'is cut short inside its NumPy header');
  const major = file.head[6] as number;
  if (major < 1 || major > 3) throw notUnderstood(file, `has version ${major} of the NumPy format`);
  const prefix = await file.read(0, major === 1 ? 10 : 12);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > file.size - prefix.length) throw contradiction(file, `claims a NumPy header of ${length} bytes in a file of ${file.size}`);
  if (length > limits.npyHeaderBytes) throw notUnderstood(file, `has a NumPy header of ${length} bytes`);
  const bytes = await file.read(prefix.length, length);
  return { text: Buffer.from(bytes).toString(major === 3 ? 'utf8' : 'latin1'), start: prefix.length + length };
}

function parseShape(file: ReadableFile, text: string): number[] {
  const inside = /'shape':\s{0,8}\(([0-9L, ]*)\)/.exec(text)?.[1];
  const shape = inside
    ?.split(',')
    .map((size) => size.trim().replace(/L$/, ''))
    .filter((size) => size !== '')
    .map(Number);
  if (!shape || countElements(shape) === undefined) throw contradiction(file, 'has no proper shape in its NumPy header');
  if (shape.length > limits.dimensions) throw notUnderstood(file, `has ${shape.length} dimensions`);
  return shape;
}

/** @throws CairnError `bad_input` where header and length disagree, `unsupported` for Python objects and versions to come */
export async function readArray(file: ReadableFile): Promise<NpyArray> {
  const { text, start } = await readHeader(file);
  const order = /'fortran_order':\s{0,8}(True|False)/.exec(text)?.[1];
  const descr = /'descr':\s{0,8}(?:'([^']{1,64})'|(\[))/.exec(text);
  if (!/^\{.*\}\s*$/s.test(text) || !order || !descr)
    throw contradiction(file, 'has a NumPy header that is no dictionary of descr, fortran_order and shape');
  const shape = parseShape(file, text);
  const count = countElements(shape) as number;
  const left = file.size - start;
  const known = descr[1] === undefined ? undefined : arrayType(descr[1]);
  if (descr[1] !== undefined && !known)
    throw notUnderstood(file, `holds a NumPy array of ${descr[1].includes('O') ? 'Python objects' : 'an unknown kind'}`);
  const type = known ?? { name: 'structured', itemBytes: count > 0 ? Math.floor(left / count) : 0, element: elements.bytes8 };
  const length = count * type.itemBytes;
  if (!Number.isSafeInteger(length) || length > left)
    throw contradiction(file, `is cut short: its array needs ${length} bytes and has ${left}`);
  const strides = order === 'True' ? fortranStrides(shape) : undefined;
  const tensor = { dtype: type.name, shape, ...(strides && !isContiguous(shape, strides) ? { strides } : {}) };
  return {
    part: { offset: start, length, element: type.element },
    tensor,
    note: known ? undefined : 'has records of several fields, archived as plain bytes',
  };
}

async function read(file: ReadableFile): Promise<FileLayout> {
  const { part, tensor, note } = await readArray(file);
  const { parts, indices } = arrangeParts(file, [part]);
  return { format: 'npy', parts, tensors: [{ name: '', ...tensor, part: indices[0] as number, offset: 0 }], note };
}

export const npy: FormatReader = { name: 'npy', claims: (file) => startsAsNpy(file.head), read };
