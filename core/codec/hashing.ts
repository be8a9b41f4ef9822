/** The digest and checksum of FORMAT.md for bytes in memory: headers, tables, manifests. */
import { addon } from './binding.ts';

export const hashing = {
  /** BLAKE3, 32 bytes. */
  digestBytes: (bytes: Uint8Array): Uint8Array => addon.digestBytes(bytes),
  /** CRC-32C. */
  checksumBytes: (bytes: Uint8Array): number => addon.checksumBytes(bytes),
  joinDigests: (chainingValues: Uint8Array, spanBytes: number, totalBytes: number): Uint8Array =>
    addon.joinDigests(chainingValues, spanBytes, totalBytes),
};

/** What the native core says of itself. */
export const aboutCore = (): ReturnType<typeof addon.about> => addon.about();

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
