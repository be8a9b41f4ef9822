/** A strided view of a storage, put together in C order. */
import type { FileHandle } from 'node:fs/promises';
import { CairnError } from '../contract/errors.ts';
import type { ManifestTensor } from '../store/manifest.ts';

/** Rows at least this long are read one by one; views of shorter ones are picked out of memory. */
const directRowBytes = 512;
/** More of a storage than this is not held in memory. */
const mostHeldBytes = 2 ** 31;
const pieceBytes = 4 * 1024 * 1024;

export type StridedTensor = ManifestTensor & { strides: number[] };

/** What lies in a row in storage and in C order alike: the innermost axes as far as their strides say so, at least one element. */
interface Rows {
  /** Sizes and strides, in elements, of the axes outside of a row. */
  shape: number[];
  strides: number[];
  elements: number;
}

function rowsOf({ shape, strides }: StridedTensor): Rows {
  let elements = 1;
  let axis = shape.length;
  while (axis > 0 && (shape[axis - 1] === 1 || strides[axis - 1] === elements)) elements *= shape[--axis]!;
  return { shape: shape.slice(0, axis), strides: strides.slice(0, axis), elements };
}

/** Where each row begins, in elements from the view's first, in C order. */
function* rowStarts({ shape, strides }: Rows): Generator<number> {
  const index = shape.map(() => 0);
  const count = shape.reduce((product, size) => product * size, 1);
  let start = 0;
  for (let row = 0; row < count; row++) {
    yield start;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      start += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      start -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Copies `length` bytes between files in pieces. @throws CairnError `damaged` where `from` ends before */
export async function copyRange(from: FileHandle, offset: number, length: number, to: FileHandle, at: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(length, pieceBytes));
  for (let done = 0; done < length;) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, length - done), offset + done);
    if (bytesRead === 0) throw new CairnError('damaged', 'a tensor reaches beyond its storage; restore its whole file instead');
    await to.write(buffer, 0, bytesRead, at + done);
    done += bytesRead;
  }
}

async function readExactly(from: FileHandle, into: Buffer, at: number, name: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await from.read(into, done, Math.min(into.length - done, 2 ** 30), at + done);
    if (bytesRead === 0) throw new CairnError('damaged', `tensor ${name}: it reaches beyond its storage; restore its whole file instead`);
    done += bytesRead;
  }
}

/** The bytes of rows by where they begin: from memory where they are short, else each from the file. */
async function rowReader(
  from: FileHandle,
  tensor: StridedTensor,
  rows: Rows,
  elementBytes: number,
): Promise<(start: number, into: Buffer) => Promise<void> | void> {
  const { name, offset } = tensor;
  if (rows.elements * elementBytes >= directRowBytes) return (start, into) => readExactly(from, into, offset + start * elementBytes, name);
  const last = tensor.shape.reduce((sum, size, axis) => sum + (size - 1) * tensor.strides[axis]!, 0);
  const spanBytes = (last + 1) * elementBytes;
  if (spanBytes > mostHeldBytes)
    throw new CairnError(
      'unsupported',
      `tensor ${name}: its elements lie scattered over ${spanBytes} bytes; restore its whole file instead`,
    );
  const span = Buffer.allocUnsafe(spanBytes);
  await readExactly(from, span, offset, name);
  return (start, into) => void span.copy(into, 0, start * elementBytes, start * elementBytes + into.length);
}

/**
 * Writes the view to `to` from byte `at` on. Holds at most 2 GiB of the storage, and that only where rows are short.
 *
 * @throws CairnError `damaged` where it reaches beyond its storage, `unsupported` where it is scattered over more than that
 */
export async function gather(from: FileHandle, tensor: StridedTensor, elementBytes: number, to: FileHandle, at: number): Promise<void> {
  const rows = rowsOf(tensor);
  const rowBytes = rows.elements * elementBytes;
  if (rowBytes <= pieceBytes) return gatherRows(from, tensor, rows, elementBytes, to, at);
  let written = at;
  for (const start of rowStarts(rows)) {
    await copyRange(from, tensor.offset + start * elementBytes, rowBytes, to, written);
    written += rowBytes;
  }
}

async function gatherRows(
  from: FileHandle,
  tensor: StridedTensor,
  rows: Rows,
  elementBytes: number,
  to: FileHandle,
  at: number,
): Promise<void> {
  const read = await rowReader(from, tensor, rows, elementBytes);
  const rowBytes = rows.elements * elementBytes;
  const piece = Buffer.allocUnsafe(pieceBytes - (pieceBytes % rowBytes));
  let [filled, written] = [0, at];
  for (const start of rowStarts(rows)) {
    const reading = read(start, piece.subarray(filled, (filled += rowBytes)));
    if (reading) await reading;
    if (filled < piece.length) continue;
    await to.write(piece, 0, filled, written);
    [filled, written] = [0, written + filled];
  }
  await to.write(piece, 0, filled, written);
}
