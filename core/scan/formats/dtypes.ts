/** Dtypes by their safetensors name: width in bits, and which element of FORMAT.md section 2 codes them. */
import { elements, elementWidths, type ElementId } from '../../codec/elements.ts';

export interface Dtype {
  name: string;
  bits: number;
  element: ElementId;
}

const { bytes8, int16, int32, int64, float16, bfloat16, float32, float64, float8e4m3, float8e5m2 } = elements;

const table: [string, number, ElementId][] = [
  ['F4', 4, bytes8],
  ['F6_E2M3', 6, bytes8],
  ['F6_E3M2', 6, bytes8],
  ['BOOL', 8, bytes8],
  ['U8', 8, bytes8],
  ['I8', 8, bytes8],
  ['F8_E5M2', 8, float8e5m2],
  ['F8_E4M3', 8, float8e4m3],
  ['F8_E8M0', 8, bytes8],
  ['F8_E4M3FNUZ', 8, float8e4m3],
  ['F8_E5M2FNUZ', 8, float8e5m2],
  ['I16', 16, int16],
  ['U16', 16, int16],
  ['I32', 32, int32],
  ['U32', 32, int32],
  ['I64', 64, int64],
  ['U64', 64, int64],
  ['F16', 16, float16],
  ['BF16', 16, bfloat16],
  ['F32', 32, float32],
  ['F64', 64, float64],
  ['C64', 64, float32],
  ['C128', 128, float64],
];

/** By safetensors name; C128 is ours, safetensors has none. */
export const dtypes: ReadonlyMap<string, Dtype> = new Map(table.map(([name, bits, element]) => [name, { name, bits, element }]));

/** `element`, or bytes8 where a content of `lengthBytes` has no whole number of them (FORMAT.md section 2). */
export function fittingElement(element: ElementId, lengthBytes: number): ElementId {
  return lengthBytes % elementWidths[element] === 0 ? element : bytes8;
}

/** Number of elements of `shape`; undefined where it is no shape or its product is above 2^53. */
export function countElements(shape: readonly number[]): number | undefined {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return undefined;
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a C-contiguous tensor; undefined where its bits don't fill whole bytes or the count overflows. */
export function countBytes(shape: readonly number[], dtype: Pick<Dtype, 'bits'>): number | undefined {
  const count = countElements(shape);
  if (count === undefined) return undefined;
  const bytes = (BigInt(count) * BigInt(dtype.bits)) / 8n;
  if ((BigInt(count) * BigInt(dtype.bits)) % 8n !== 0n || bytes > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return Number(bytes);
}

/** Strides in elements of a C-contiguous tensor. */
function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(shape[axis] as number, 1);
  }
  return strides;
}

/** True where `strides` lay `shape` out in C order; sizes of one may have any stride. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  const wanted = contiguousStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === wanted[axis]);
}
