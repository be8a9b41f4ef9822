/**
 * safetensors (github.com/huggingface/safetensors): u64 length of the header, a JSON header, then the tensors, little-endian and in
 * C order, without holes. Held to the rules of the reference implementation and to these: no key twice, bounded nesting.
 */
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { elements } from '../../codec/elements.ts';
import { countBytes, countElements, dtypes } from './dtypes.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { readStrictJson, type Json } from './strict-json.ts';

interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  start: number;
  end: number;
}

function headerLength(head: Uint8Array): bigint {
  return Buffer.from(head.buffer, head.byteOffset, head.length).readBigUInt64LE(0);
}

/** By name, or where the length fits the file and JSON begins behind it. */
function claims(file: ReadableFile): boolean {
  if (file.path.endsWith('.safetensors')) return true;
  return (
    file.size >= 10 &&
    file.head[8] === 0x7b &&
    headerLength(file.head) <= BigInt(Math.min(file.size - 8, limits.safetensorsHeaderBytes)) &&
    file.head[9] === 0x22
  );
}

async function readHeader(file: ReadableFile): Promise<{ header: Map<string, Json>; start: number }> {
  if (file.size < 8) throw contradiction(file, `has ${file.size} bytes, too few for a safetensors header`);
  const length = headerLength(file.head);
  if (length > BigInt(file.size - 8))
    throw contradiction(file, `claims a safetensors header of ${length} bytes but has only ${file.size - 8} after it`);
  if (length > BigInt(limits.safetensorsHeaderBytes))
    throw notUnderstood(file, `has a safetensors header of ${length} bytes, more than ${limits.safetensorsHeaderBytes}`);
  const bytes = await file.read(8, Number(length));
  if (bytes[0] !== 0x7b) throw contradiction(file, 'has a safetensors header that does not begin with {');
  const header = readStrictJson(file, bytes, 'a safetensors header');
  return { header: header as Map<string, Json>, start: 8 + Number(length) };
}

function isSizes(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0);
}

function readEntry(file: ReadableFile, name: string, value: Json): Entry {
  const fields = value instanceof Map ? value : new Map<string, Json>();
  const [dtype, shape, offsets] = [fields.get('dtype'), fields.get('shape'), fields.get('data_offsets')];
  if (typeof dtype !== 'string' || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw contradiction(file, `has no proper dtype, shape and data_offsets for tensor ${quoted(name)}`);
  }
  if (shape.length > limits.dimensions) throw notUnderstood(file, `has ${shape.length} dimensions in tensor ${quoted(name)}`);
  const [start, end] = offsets as [number, number];
  if (start > end) throw contradiction(file, `has tensor ${quoted(name)} end before it starts`);
  return { name, dtype, shape, start, end };
}

/** Shape x dtype must give the length. A dtype that came after this build is believed where its shape at least is one. */
function checkLength(file: ReadableFile, entry: Entry): void {
  const dtype = dtypes.get(entry.dtype);
  const wanted = dtype ? countBytes(entry.shape, dtype) : entry.end - entry.start;
  if (wanted === entry.end - entry.start && countElements(entry.shape) !== undefined) return;
  throw contradiction(file, `has ${entry.end - entry.start} bytes for tensor ${quoted(entry.name)}, which its dtype and shape do not give`);
}

/** Loaders refuse a file for it, but it says nothing against the tensors. */
function metadataNote(metadata: Json | undefined): string | undefined {
  const sound = metadata === undefined || (metadata instanceof Map && [...metadata.values()].every((value) => typeof value === 'string'));
  return sound ? undefined : 'its __metadata__ holds more than strings, so that safetensors itself may refuse to load it';
}

/** Tensors must cover the rest of the file, each byte once. */
function checkCoverage(file: ReadableFile, entries: readonly Entry[], start: number): void {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== end)
      throw contradiction(file, `has ${entry.start < end ? 'an overlap' : 'a hole'} before tensor ${quoted(entry.name)}`);
    end = entry.end;
  }
  if (start + end === file.size) return;
  throw contradiction(
    file,
    start + end > file.size
      ? `is cut short: it has ${file.size} of ${start + end} bytes`
      : `has ${file.size - start - end} bytes after its last tensor`,
  );
}

function unknownDtypes(entries: readonly Entry[]): string | undefined {
  const unknown = [...new Set(entries.map((entry) => entry.dtype).filter((dtype) => !dtypes.has(dtype)))];
  return unknown.length === 0 ? undefined : `dtype ${quoted(unknown.join(', '))} is newer than this Cairn; archived as plain bytes`;
}

/** @throws CairnError `bad_input` where the header contradicts itself or the file, `unsupported` above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const { header, start } = await readHeader(file);
  const metadata = metadataNote(header.get('__metadata__'));
  header.delete('__metadata__');
  if (header.size > limits.tensors) throw notUnderstood(file, `has ${header.size} tensors, more than ${limits.tensors}`);
  const entries = [...header].map(([name, value]) => readEntry(file, name, value));
  for (const entry of entries) checkLength(file, entry);
  checkCoverage(file, entries, start);
  const ranges = entries.map((entry): Part => {
    return { offset: start + entry.start, length: entry.end - entry.start, element: dtypes.get(entry.dtype)?.element ?? elements.bytes8 };
  });
  const { parts, indices } = arrangeParts(file, ranges);
  const tensors = entries.map(({ name, dtype, shape }, index): Tensor => ({
    name,
    dtype,
    shape,
    part: indices[index] as number,
    offset: 0,
  }));
  return { format: 'safetensors', parts, tensors, note: metadata ?? unknownDtypes(entries) };
}

export const safetensors: FormatReader = { name: 'safetensors', claims, read };
