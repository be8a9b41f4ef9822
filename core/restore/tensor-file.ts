/** One tensor as a file of its own: NumPy's .npy (format 1.0) or safetensors, both as their specifications say. */
import { CairnError } from '../contract/errors.ts';

export interface TensorShape {
  name: string;
  dtype: string;
  shape: readonly number[];
}

/**
 * NumPy's descriptions by dtype. NumPy has no bfloat16 and no 8-bit floats: those come as plain integers of their bits.
 * Quantised tensors are their integers; scales and zero points are tensors of their own.
 */
const numpyDtypes: Record<string, string> = {
  BOOL: '|b1', I8: '|i1', U8: '|u1', I16: '<i2', U16: '<u2', I32: '<i4', U32: '<u4', I64: '<i8', U64: '<u8',
  F16: '<f2', BF16: '<u2', F32: '<f4', F64: '<f8', C64: '<c8', C128: '<c16',
  F8_E4M3: '|u1', F8_E5M2: '|u1', F8_E8M0: '|u1', F8_E4M3FNUZ: '|u1', F8_E5M2FNUZ: '|u1',
  qint8: '|i1', quint8: '|u1', qint32: '<i4',
}; // prettier-ignore

/** Where safetensors has the same under another name; undefined where it has nothing like it. */
const safetensorsDtypes: Record<string, string | undefined> = { qint8: 'I8', quint8: 'U8', qint32: 'I32', C128: undefined };

/** Bits of an element by dtype. */
const dtypeBits: Record<string, number> = {
  BOOL: 8, I8: 8, U8: 8, I16: 16, U16: 16, I32: 32, U32: 32, I64: 64, U64: 64, F16: 16, BF16: 16, F32: 32, F64: 64,
  C64: 64, C128: 128, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6,
  qint8: 8, quint8: 8, qint32: 32,
}; // prettier-ignore

/** Dtypes that begin so are the same with the high byte first. */
const bigEndian = '>';

function numpyDtype(dtype: string): string | undefined {
  return dtype.startsWith(bigEndian) ? numpyDtypes[dtype.slice(1)]?.replace('<', '>') : numpyDtypes[dtype];
}

/**
 * @returns bytes of the tensor when contiguous
 * @throws CairnError `unsupported` for dtypes without a fixed element size (quantised blocks).
 */
export function tensorBytes({ name, dtype, shape }: TensorShape): number {
  const bits = dtypeBits[dtype.startsWith(bigEndian) ? dtype.slice(1) : dtype];
  if (bits === undefined)
    throw new CairnError('unsupported', `tensor ${name}: dtype ${dtype} has no element of its own; restore its whole file instead`);
  return Math.ceil((shape.reduce((product, size) => product * size, 1) * bits) / 8);
}

/** The header of an .npy file; the tensor's bytes follow it. */
export function npyHeader(tensor: TensorShape): Uint8Array {
  const descr = numpyDtype(tensor.dtype);
  if (descr === undefined)
    throw new CairnError('unsupported', `tensor ${tensor.name}: NumPy has nothing like ${tensor.dtype}; use --format safetensors`);
  const shape = tensor.shape.length === 1 ? `${tensor.shape[0]},` : tensor.shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 10 - 1) + '\n';
  const header = Buffer.alloc(10 + padded.length);
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(padded.length, 8);
  header.write(padded, 10, 'latin1');
  return header;
}

/**
 * The header of a safetensors file with this one tensor.
 *
 * @throws CairnError `unsupported` for dtypes that safetensors doesn't have.
 */
export function safetensorsHeader(tensor: TensorShape): Uint8Array {
  const { name, shape } = tensor;
  const dtype = tensor.dtype in safetensorsDtypes ? safetensorsDtypes[tensor.dtype] : tensor.dtype;
  if (dtype === undefined || dtype.startsWith(bigEndian))
    throw new CairnError('unsupported', `tensor ${name}: safetensors has nothing like ${tensor.dtype}; use --format npy`);
  const json = Buffer.from(JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, tensorBytes(tensor)] } }));
  const length = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, 8);
  return header;
}

/** A file name for a tensor's name, which may hold anything: no separator, no control character, never hidden, bounded. */
export function fileNameOf(name: string): string {
  const safe = name.replaceAll(/[^\p{L}\p{N}._@+=-]/gu, '_').replace(/^\.+/, '_');
  return safe.slice(0, 180) || 'tensor';
}
