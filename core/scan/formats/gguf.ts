/**
 * GGUF, versions 2 and 3 (ggml's docs/gguf.md): magic, counts, key-value pairs, a list of tensors, then their bytes at
 * aligned offsets. Shapes are given innermost first in the file and outermost first here, as everywhere else.
 */
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countElements } from './dtypes.ts';
import { ggmlTypes } from './ggml-types.ts';
import { HeaderCursor } from './header-cursor.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';

interface Entry {
  name: string;
  type: number;
  shape: number[];
  /** From the start of the tensors' bytes. */
  offset: number;
}

/** Widths of the value types that have one; 8 is a string, 9 an array. */
const valueWidths = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const stringType = 8;
const arrayType = 9;
const u32Type = 4;

function claims(file: ReadableFile): boolean {
  return file.size >= 24 && Buffer.from(file.head.buffer, file.head.byteOffset, 4).toString('latin1') === 'GGUF';
}

async function u32(cursor: HeaderCursor): Promise<number> {
  return (await cursor.take(4)).getUint32(0, true);
}

/** A count or length, which can't be more than the bytes that are left. */
async function count(cursor: HeaderCursor): Promise<number> {
  const value = (await cursor.take(8)).getBigUint64(0, true);
  if (value > BigInt(cursor.left))
    throw contradiction(cursor.file, `claims ${value} entries or bytes at ${cursor.at - 8}, where only ${cursor.left} bytes are`);
  return Number(value);
}

async function name(cursor: HeaderCursor): Promise<string> {
  const length = await count(cursor);
  if (length > limits.nameLength) throw notUnderstood(cursor.file, `has a name of ${length} bytes`);
  return cursor.text(length);
}

async function skipValue(cursor: HeaderCursor, type: number, depth: number): Promise<void> {
  const width = valueWidths[type];
  if (width !== undefined) return void cursor.skip(width);
  if (type === stringType) return void cursor.skip(await count(cursor));
  if (type !== arrayType || depth >= limits.ggufArrayDepth) throw notUnderstood(cursor.file, `has a GGUF value of type ${type}`);
  const itemType = await u32(cursor);
  const items = await count(cursor);
  const itemWidth = valueWidths[itemType];
  if (itemWidth !== undefined) return void cursor.skip(items * itemWidth);
  for (let index = 0; index < items; index++) await skipValue(cursor, itemType, depth + 1);
}

/** Reads past the pairs; only the alignment matters to us. */
async function readAlignment(cursor: HeaderCursor, keys: number): Promise<number> {
  let alignment = 32;
  for (let index = 0; index < keys; index++) {
    const key = await name(cursor);
    const type = await u32(cursor);
    if (key === 'general.alignment' && type === u32Type) alignment = await u32(cursor);
    else await skipValue(cursor, type, 0);
  }
  if (alignment === 0 || alignment > 65_536 || (alignment & (alignment - 1)) !== 0)
    throw contradiction(cursor.file, `has an alignment of ${alignment}`);
  return alignment;
}

async function readEntry(cursor: HeaderCursor): Promise<Entry> {
  const title = await name(cursor);
  const dimensions = await u32(cursor);
  if (dimensions > limits.dimensions) throw notUnderstood(cursor.file, `has ${dimensions} dimensions in tensor ${quoted(title)}`);
  const shape: number[] = [];
  for (let axis = 0; axis < dimensions; axis++) shape.unshift(Number((await cursor.take(8)).getBigUint64(0, true)));
  const type = await u32(cursor);
  const offset = Number((await cursor.take(8)).getBigUint64(0, true));
  if (countElements(shape) === undefined) throw contradiction(cursor.file, `has no proper shape for tensor ${quoted(title)}`);
  return { name: title, type, shape, offset };
}

function lengthOf(file: ReadableFile, entry: Entry): number {
  const type = ggmlTypes.get(entry.type);
  if (!type) return 0;
  if ((entry.shape.at(-1) ?? 1) % type.blockElements !== 0)
    throw contradiction(file, `has a row of tensor ${quoted(entry.name)} that doesn't fill blocks of ${type.name}`);
  const length = ((countElements(entry.shape) as number) / type.blockElements) * type.blockBytes;
  if (!Number.isSafeInteger(length)) throw contradiction(file, `has a tensor ${quoted(entry.name)} of ${length} bytes`);
  return length;
}

async function readEntries(file: ReadableFile): Promise<{ entries: Entry[]; start: number }> {
  const cursor = new HeaderCursor(file, 4, Math.min(file.size, limits.ggufHeaderBytes));
  const version = await u32(cursor);
  if (version < 2 || version > 3) throw notUnderstood(file, `is GGUF version ${version > 0xffff ? 'of a big-endian machine' : version}`);
  const tensors = await count(cursor);
  const keys = await count(cursor);
  if (tensors > limits.tensors || keys > limits.ggufKeys) throw notUnderstood(file, `has ${tensors} tensors and ${keys} keys`);
  const alignment = await readAlignment(cursor, keys);
  const entries: Entry[] = [];
  for (let index = 0; index < tensors; index++) entries.push(await readEntry(cursor));
  const misplaced = entries.find((entry) => entry.offset % alignment !== 0);
  if (misplaced) throw contradiction(file, `has tensor ${quoted(misplaced.name)} at an offset that is not aligned to ${alignment}`);
  return { entries, start: Math.ceil(cursor.at / alignment) * alignment };
}

/** @throws CairnError `bad_input` for counts, offsets and shapes that don't fit the file, `unsupported` for other versions and above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const { entries, start } = await readEntries(file);
  const names = new Set(entries.map((entry) => entry.name));
  if (names.size < entries.length) throw contradiction(file, 'has a tensor name twice');
  const ranges = entries.map((entry): Part => {
    return { offset: start + entry.offset, length: lengthOf(file, entry), element: ggmlTypes.get(entry.type)?.element ?? 1 };
  });
  const { parts, indices } = arrangeParts(file, ranges);
  const tensors = entries.map(({ name: title, type, shape }, index): Tensor => {
    return { name: title, dtype: ggmlTypes.get(type)?.name ?? `ggml ${type}`, shape, part: indices[index] as number, offset: 0 };
  });
  const unknown = entries.filter((entry) => !ggmlTypes.has(entry.type)).length;
  return {
    format: 'gguf',
    parts,
    tensors,
    note: unknown > 0 ? `${unknown} of its tensors are of ggml types newer than this Cairn; archived as bytes` : undefined,
  };
}

export const gguf: FormatReader = { name: 'gguf', claims, read };
