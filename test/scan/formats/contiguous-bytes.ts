/** Gathers a tensor's elements into C order from its part, as a reader of the layout would; for tests, so slow and plain. */
import { createHash } from 'node:crypto';
import { dtypes } from '../../../core/scan/formats/dtypes.ts';
import type { FileLayout, Tensor } from '../../../core/scan/file-layout.ts';

/** Bytes of one element by dtype, where safetensors has no name for it. */
const otherWidths: Record<string, number> = { qint8: 1, quint8: 1, qint32: 4, complex32: 4, C128: 16 };

function widthOf(dtype: string): number {
  const width = (dtypes.get(dtype.replace(/^>/, ''))?.bits ?? 0) / 8 || otherWidths[dtype];
  if (width === undefined) throw new Error(`no width for ${dtype}`);
  return width;
}

/** Calls `visit` with the element offset of each element, in C order. */
function eachElement(shape: number[], strides: number[], visit: (at: number) => void, axis = 0, at = 0): void {
  if (axis === shape.length) return visit(at);
  for (let index = 0; index < (shape[axis] as number); index++)
    eachElement(shape, strides, visit, axis + 1, at + index * (strides[axis] as number));
}

export function contiguousBytes(file: Uint8Array, layout: FileLayout, tensor: Tensor): Buffer {
  const width = widthOf(tensor.dtype);
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  const part = layout.parts[tensor.part];
  if (!part) return Buffer.alloc(0);
  const storage = Buffer.from(file.buffer, file.byteOffset + part.offset, part.length);
  if (!tensor.strides) return storage.subarray(tensor.offset, tensor.offset + count * width);
  const out = Buffer.alloc(count * width);
  let done = 0;
  eachElement(tensor.shape, tensor.strides, (at) => {
    storage.copy(out, done, tensor.offset + at * width, tensor.offset + (at + 1) * width);
    done += width;
  });
  return out;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
