/** Reads little-endian integers one after the other and refuses to read past the end. */
export class Reading {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  bytes(length: number): Uint8Array {
    if (length < 0 || length > this.left) throw new Error(`wanted ${length} bytes at ${this.at}, ${this.left} are left`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** What is left, without moving on. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.at);
  }

  u8(): number {
    return this.bytes(1)[0]!;
  }

  u16(): number {
    this.bytes(2);
    return this.#view.getUint16(this.at - 2, true);
  }

  u32(): number {
    this.bytes(4);
    return this.#view.getUint32(this.at - 4, true);
  }

  u64(): number {
    this.bytes(8);
    const value = this.#view.getBigUint64(this.at - 8, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`${value} is too large`);
    return Number(value);
  }

  text(length: number): string {
    return Buffer.from(this.bytes(length)).toString('latin1');
  }

  /** Unsigned LEB128. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      expect(value < 2 ** 32, 'a LEB128 number is too large');
      if (byte < 0x80) return value;
    }
    throw new Error('a LEB128 number has more than five bytes');
  }
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
