/** Bits of a byte sequence, least significant first. */
import { expect } from './reading.ts';

export class Bits {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bit(): number {
    const byte = this.#bytes[this.at >> 3];
    expect(byte !== undefined, 'bits end early');
    return (byte >> (this.at++ & 7)) & 1;
  }

  /** A number of `count` bits, lowest first. */
  number(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) value += this.bit() * 2 ** bit;
    return value;
  }

  /** Reads the rest of the byte begun, which must be zero, and tells how many bytes were read. */
  finish(): number {
    while (this.at & 7) expect(this.bit() === 0, 'padding is not zero');
    return this.at >> 3;
  }
}
