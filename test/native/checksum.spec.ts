import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addon } from '../../core/codec/binding.ts';

/** CRC-32C one bit at a time, from its definition. */
function slowChecksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('checksum', () => {
  it('is CRC-32C: the values of RFC 3720, appendix B.4', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
    expect(addon.checksumBytes(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(addon.checksumBytes(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(addon.checksumBytes(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(addon.checksumBytes(ascending)).toBe(0x46dd794e);
    expect(addon.checksumBytes(ascending.toReversed())).toBe(0x113fdb5c);
    expect(addon.checksumBytes(new Uint8Array())).toBe(0);
  });

  it('agrees with the definition at every length and alignment', () => {
    const bytes = fc.uint8Array({ maxLength: 20_000, size: 'max' });
    fc.assert(
      fc.property(bytes, fc.nat(16), (whole, skipped) => {
        const part = whole.subarray(Math.min(skipped, whole.length));
        expect(addon.checksumBytes(part)).toBe(slowChecksum(part));
      }),
      { numRuns: 60 },
    );
  });

  it('refuses what is no Uint8Array', () => {
    expect(() => addon.checksumBytes('text' as unknown as Uint8Array)).toThrow(/^bytes: must be a Uint8Array$/);
    expect(() => addon.checksumBytes(new Float32Array(4) as unknown as Uint8Array)).toThrow(/^bytes: must be a Uint8Array$/);
  });
});
