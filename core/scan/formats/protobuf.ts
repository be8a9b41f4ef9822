/** The wire format of protocol buffers, as far as walking a message needs it: tags, varints, and ranges of nested messages. */
import { HeaderCursor } from './header-cursor.ts';
import { limits } from './limits.ts';
import { contradiction, notUnderstood } from './refusals.ts';
import type { ReadableFile } from '../file-layout.ts';

export interface Field {
  number: number;
  /** 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes. */
  wire: number;
  /** Of a varint; undefined for others. */
  value: bigint | undefined;
  /** Of the bytes (wire type 2), in the file. */
  start: number;
  length: number;
}

/** One walk over a file: counts fields, so that a file of nothing but tags ends. */
export class ProtobufWalk {
  readonly file: ReadableFile;
  private readonly whole: HeaderCursor;
  private fields = 0;

  constructor(file: ReadableFile) {
    this.file = file;
    this.whole = new HeaderCursor(file);
  }

  /** Text of a field whose length the caller has bounded. */
  text(start: number, length: number): Promise<string> {
    return this.whole.over(start, length).text(length);
  }

  /** The fields of the message at `start`, in order; nested messages are not entered. */
  async *message(start: number, length: number): AsyncGenerator<Field> {
    const cursor = this.whole.over(start, length);
    while (cursor.left > 0) {
      if (++this.fields > limits.protobufFields) throw notUnderstood(this.file, `has more than ${limits.protobufFields} fields`);
      yield await this.field(cursor);
    }
  }

  /** Whole numbers of a repeated field, packed or one at a time. */
  async packed(start: number, length: number): Promise<bigint[]> {
    const cursor = this.whole.over(start, length);
    const values: bigint[] = [];
    while (cursor.left > 0) values.push(await varint(cursor));
    return values;
  }

  private async field(cursor: HeaderCursor): Promise<Field> {
    const tag = await varint(cursor);
    const field: Field = { number: Number(tag >> 3n), wire: Number(tag & 7n), value: undefined, start: 0, length: 0 };
    if (field.number < 1 || field.number > 536_870_911)
      throw contradiction(this.file, `has the field number ${field.number} at ${cursor.at}`);
    if (field.wire === 0) field.value = await varint(cursor);
    else if (field.wire === 1) cursor.skip(8);
    else if (field.wire === 5) cursor.skip(4);
    else if (field.wire === 2) {
      const length = await varint(cursor);
      field.start = cursor.skip(length);
      field.length = Number(length);
    } else throw contradiction(this.file, `has a field of wire type ${field.wire} at ${cursor.at}`);
    return field;
  }
}

async function varint(cursor: HeaderCursor): Promise<bigint> {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = await cursor.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw contradiction(cursor.file, `has a number without end at ${cursor.at}`);
}
