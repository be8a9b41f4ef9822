/**
 * The two sums that a store is checked by, passed in at `Store.open` because only core/codec touches native code.
 */
export interface Hashing {
  /** BLAKE3, 32 bytes. */
  digestBytes(bytes: Uint8Array): Uint8Array;
  /** CRC-32C. */
  checksumBytes(bytes: Uint8Array): number;
}

/** BLAKE3 in 64 hex digits. */
export function hexDigest(hashing: Hashing, bytes: Uint8Array): string {
  return toHex(hashing.digestBytes(bytes));
}

/** Lower case, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
