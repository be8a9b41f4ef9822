/**
 * Flax's msgpack files (flax/serialization.py): nested maps whose leaves are arrays, each an extension of type 1 that holds
 * msgpack again: [shape, dtype, bytes]. Walked without reading what the arrays hold.
 */
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countBytes, dtypes, type Dtype } from './dtypes.ts';
import { HeaderCursor } from './header-cursor.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';

/** What one msgpack token says: a value, a range of bytes, or how many items follow. */
type Token =
  | { kind: 'number'; value: number }
  | { kind: 'text' | 'bytes'; start: number; length: number }
  | { kind: 'list' | 'map'; count: number }
  | { kind: 'extension'; type: number; start: number; length: number }
  | { kind: 'other' };

const names: Record<string, string> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int8: 'I8',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  complex128: 'C128',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
};

async function unsigned(cursor: HeaderCursor, bytes: number): Promise<number> {
  const view = await cursor.take(bytes);
  if (bytes === 1) return view.getUint8(0);
  if (bytes === 2) return view.getUint16(0);
  return bytes === 4 ? view.getUint32(0) : Number(view.getBigUint64(0));
}

function range(cursor: HeaderCursor, kind: 'text' | 'bytes', length: number): Token {
  return { kind, start: cursor.skip(length), length };
}

async function extension(cursor: HeaderCursor, length: number): Promise<Token> {
  const type = await cursor.u8();
  return { kind: 'extension', type, start: cursor.skip(length), length };
}

async function wideToken(cursor: HeaderCursor, code: number): Promise<Token> {
  if (code >= 0xc4 && code <= 0xc6) return range(cursor, 'bytes', await unsigned(cursor, 1 << (code - 0xc4)));
  if (code >= 0xc7 && code <= 0xc9) return extension(cursor, await unsigned(cursor, 1 << (code - 0xc7)));
  if (code >= 0xcc && code <= 0xcf) return { kind: 'number', value: await unsigned(cursor, 1 << (code - 0xcc)) };
  if (code >= 0xd4 && code <= 0xd8) return extension(cursor, 1 << (code - 0xd4));
  if (code >= 0xd9 && code <= 0xdb) return range(cursor, 'text', await unsigned(cursor, 1 << (code - 0xd9)));
  if (code === 0xdc || code === 0xdd) return { kind: 'list', count: await unsigned(cursor, code === 0xdc ? 2 : 4) };
  if (code === 0xde || code === 0xdf) return { kind: 'map', count: await unsigned(cursor, code === 0xde ? 2 : 4) };
  if (code === 0xc1) throw contradiction(cursor.file, `has a byte that msgpack never uses at ${cursor.at - 1}`);
  const width = code === 0xca ? 4 : code === 0xcb ? 8 : code >= 0xd0 && code <= 0xd3 ? 1 << (code - 0xd0) : 0;
  cursor.skip(width);
  return { kind: 'other' };
}

async function token(cursor: HeaderCursor): Promise<Token> {
  const code = await cursor.u8();
  if (code < 0x80) return { kind: 'number', value: code };
  if (code < 0x90) return { kind: 'map', count: code & 0x0f };
  if (code < 0xa0) return { kind: 'list', count: code & 0x0f };
  if (code < 0xc0) return range(cursor, 'text', code & 0x1f);
  if (code >= 0xe0) return { kind: 'number', value: code - 256 };
  return wideToken(cursor, code);
}

/** Key of a map that stands for one flat array in chunks (`_chunk` of flax/serialization.py): this, its shape, and the chunks by number. */
const chunkedMark = '__msgpack_chunked_array__';

interface Found {
  name: string;
  dtypeName: string;
  dtype: Dtype | undefined;
  shape: number[];
  offset: number;
  length: number;
}

class FlaxWalk {
  readonly found: Found[] = [];
  hasChunks = false;
  private readonly cursor: HeaderCursor;
  private readonly file: ReadableFile;
  private items = 0;

  constructor(file: ReadableFile) {
    this.file = file;
    this.cursor = new HeaderCursor(file);
  }

  async value(name: string, depth: number): Promise<void> {
    if (depth > limits.msgpackDepth) throw notUnderstood(this.file, `nests deeper than ${limits.msgpackDepth} levels`);
    if (name.length > limits.nameLength) throw notUnderstood(this.file, 'has names that are too long');
    if (++this.items > limits.msgpackItems) throw notUnderstood(this.file, `has more than ${limits.msgpackItems} items`);
    const next = await token(this.cursor);
    if (next.kind === 'extension' && next.type === 1) await this.array(name, next.start, next.length);
    else if (next.kind === 'list' || next.kind === 'map') await this.container(name, next, depth);
  }

  private async container(name: string, container: { kind: 'list' | 'map'; count: number }, depth: number): Promise<void> {
    if (container.count > this.cursor.left)
      throw contradiction(this.file, `claims ${container.count} items at ${this.cursor.at}, where only ${this.cursor.left} bytes are`);
    for (let index = 0; index < container.count; index++) {
      const segment = container.kind === 'map' ? await this.key() : String(index);
      this.hasChunks ||= segment === chunkedMark;
      await this.value(name === '' ? segment : `${name}.${segment}`, depth + 1);
    }
  }

  private async key(): Promise<string> {
    const key = await token(this.cursor);
    if (key.kind === 'number') return String(key.value);
    if (key.kind !== 'text' || key.length > limits.nameLength) throw notUnderstood(this.file, 'has a map with keys that are no names');
    return this.text(key.start, key.length);
  }

  private async text(start: number, length: number): Promise<string> {
    return this.cursor.over(start, length).text(length);
  }

  private async array(name: string, start: number, length: number): Promise<void> {
    const cursor = this.cursor.over(start, length);
    const [outer, sizes] = [await token(cursor), await token(cursor)];
    if (outer.kind !== 'list' || outer.count !== 3 || sizes.kind !== 'list')
      throw notUnderstood(this.file, `has an extension ${quoted(name)} that is no shape, dtype and bytes`);
    if (sizes.count > limits.dimensions) throw notUnderstood(this.file, `has ${sizes.count} dimensions in ${quoted(name)}`);
    const shape: number[] = [];
    for (let axis = 0; axis < sizes.count; axis++) shape.push(number(await token(cursor)));
    const [kind, bytes] = [await token(cursor), await token(cursor)];
    if ((kind.kind !== 'text' && kind.kind !== 'bytes') || kind.length > 64 || bytes.kind !== 'bytes') {
      throw notUnderstood(this.file, `has an extension ${quoted(name)} that is no shape, dtype and bytes`);
    }
    const dtypeName = await this.text(kind.start, kind.length);
    const dtype = dtypes.get(names[dtypeName] ?? '');
    const wanted = countBytes(shape, dtype ?? { bits: 8 });
    if (wanted === undefined || (dtype && wanted !== bytes.length))
      throw contradiction(this.file, `has ${bytes.length} bytes for ${quoted(name)}, which its dtype and shape do not give`);
    if (this.found.length >= limits.tensors) throw notUnderstood(this.file, `has more than ${limits.tensors} tensors`);
    this.found.push({ name, dtypeName, dtype, shape, offset: bytes.start, length: bytes.length });
  }
}

function number(token: Token): number {
  return token.kind === 'number' ? token.value : -1;
}

function claims(file: ReadableFile): boolean {
  return file.path.endsWith('.msgpack');
}

/** @throws CairnError `bad_input` where lengths, dtypes and shapes disagree, `unsupported` above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const walk = new FlaxWalk(file);
  await walk.value('', 0);
  const ranges = walk.found.map(({ offset, length, dtype }): Part => ({ offset, length, element: dtype?.element ?? 1 }));
  const { parts, indices } = arrangeParts(file, ranges);
  const tensors = walk.found.map(({ name, dtype, dtypeName, shape }, index): Tensor => {
    return { name, dtype: dtype?.name ?? dtypeName, shape, part: indices[index] as number, offset: 0 };
  });
  const note = 'Flax wrote arrays of more than 1 GiB in chunks, and each chunk is listed as a tensor of its own';
  return { format: 'flax', parts, tensors, ...(walk.hasChunks && { note }) };
}

export const flax: FormatReader = { name: 'flax', claims, read };
