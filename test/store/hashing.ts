/** The sums of a store, independent of the native ones: BLAKE3 from a package, CRC-32C by its table. */
import { blake3 } from '@noble/hashes/blake3.js';
import type { Hashing } from '../../core/store/hashing.ts';

/** Castagnoli's polynomial, reflected. */
const polynomial = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = table[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

export const hashing: Hashing = { digestBytes: (bytes) => blake3(bytes), checksumBytes: crc32c };
