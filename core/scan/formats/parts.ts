/** Puts the ranges that a reader found into the order that a layout promises. */
import { elementWidths } from '../../codec/elements.ts';
import type { FileLayout, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countElements, dtypes, fittingElement } from './dtypes.ts';
import { contradiction } from './refusals.ts';

/**
 * Sorts `ranges` by offset; the same range twice becomes one part, an empty one none.
 *
 * @returns the parts, and for each range its index among them (-1 where empty).
 * @throws CairnError `bad_input` where ranges overlap or leave the file.
 */
export function arrangeParts(file: ReadableFile, ranges: readonly Part[]): { parts: Part[]; indices: number[] } {
  const order = ranges.map((_, index) => index).filter((index) => (ranges[index] as Part).length > 0);
  order.sort((a, b) => (ranges[a] as Part).offset - (ranges[b] as Part).offset || (ranges[a] as Part).length - (ranges[b] as Part).length);
  const parts: Part[] = [];
  const indices = new Array<number>(ranges.length).fill(-1);
  for (const index of order) {
    const { offset, length, element } = ranges[index] as Part;
    const last = parts.at(-1);
    if (last?.offset !== offset || last.length !== length) {
      if (offset < (last ? last.offset + last.length : 0)) throw contradiction(file, `has tensors that overlap at byte ${offset}`);
      if (length > file.size - offset)
        throw contradiction(file, `ends at byte ${file.size}, before the tensor bytes ${offset} to ${offset + length}`);
      parts.push({ offset, length, element: fittingElement(element, length) });
    }
    indices[index] = parts.length - 1;
  }
  return { parts, indices };
}

function partIsSound(part: Part, end: number, size: number): boolean {
  const { offset, length, element } = part;
  return (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= end &&
    length > 0 &&
    length <= size - offset &&
    length % elementWidths[element] === 0
  );
}

/** One past the last element that a tensor touches, counted from its first; undefined where shape and strides are none. */
function spanOf({ shape, strides }: Tensor): number | undefined {
  const count = countElements(shape);
  if (!strides || count === undefined || count === 0) return count;
  if (strides.length !== shape.length || !strides.every((stride) => Number.isSafeInteger(stride) && stride >= 0)) return undefined;
  return shape.reduce((end, size, axis) => end + (size - 1) * (strides[axis] as number), 1);
}

function tensorIsSound(tensor: Tensor, parts: readonly Part[]): boolean {
  const span = spanOf(tensor);
  if (span === undefined) return false;
  if (tensor.part === -1) return tensor.offset === 0;
  const part = parts[tensor.part];
  if (!part || !Number.isSafeInteger(tensor.offset) || tensor.offset < 0 || tensor.offset >= part.length) return false;
  const bits = dtypes.get(tensor.dtype)?.bits;
  return bits === undefined || tensor.offset + (span * bits) / 8 <= part.length;
}

/** The last gate of every reader: what a layout promises is proved, whatever the file claimed. @throws CairnError `bad_input` */
export function checkLayout(file: ReadableFile, layout: FileLayout): FileLayout {
  let end = 0;
  for (const part of layout.parts) {
    if (!partIsSound(part, end, file.size)) throw contradiction(file, `has tensor bytes out of order at ${part.offset}`);
    end = part.offset + part.length;
  }
  const unsound = layout.tensors.find((tensor) => !tensorIsSound(tensor, layout.parts));
  if (unsound) throw contradiction(file, `has a tensor outside its own bytes`);
  return layout;
}
