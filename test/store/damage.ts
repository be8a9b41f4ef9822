/** Damage to the bytes of a file, drawn at random: what disks, copies and liars do. */
import fc from 'fast-check';

export interface Damage {
  kind: 'flip' | 'byte' | 'number' | 'cut' | 'grow' | 'remove' | 'copy';
  /** Where, in parts of 2^32 of the file, so that the same damage fits files of any length. */
  at: number;
  from: number;
  length: number;
  number: bigint;
}

/** Where lengths, counts and offsets go wrong. */
const numbers = [0n, 1n, 47n, 48n, 255n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const place = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Half of all hits are near the end, where tables and footers are. */
const anywhere = fc.oneof(
  place,
  place.map((at) => 2 ** 32 - 1 - Math.floor(at / 64)),
);

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('flip', 'flip', 'byte', 'number', 'cut', 'grow', 'remove', 'copy'),
  at: anywhere,
  from: anywhere,
  length: fc.integer({ min: 1, max: 64 }),
  number: fc.oneof(fc.constantFrom(...numbers), fc.bigInt({ min: 0n, max: 70_000n })),
});

/** One to three of them, one after the other; or a byte alone, of which readers notice least. */
export const damages = fc.oneof(
  fc.array(damage, { minLength: 1, maxLength: 3 }),
  damage.map((one) => [{ ...one, kind: 'byte' as const }]),
);

/** A copy with damage; as long as the original, or not. */
export function damaged(bytes: Uint8Array, all: readonly Damage[]): Buffer {
  return all.reduce<Buffer>(applyOne, Buffer.from(bytes));
}

function applyOne(bytes: Buffer, { kind, at, from, length, number }: Damage): Buffer {
  const index = (part: number): number => Math.floor((part / 2 ** 32) * bytes.length);
  const here = index(at);
  const noise = Buffer.alloc(length, Number(number % 256n));
  if (kind === 'cut') return bytes.subarray(0, here);
  if (kind === 'grow') return Buffer.concat([bytes, noise]);
  if (kind === 'remove') return Buffer.concat([bytes.subarray(0, here), bytes.subarray(here + length)]);
  if (bytes.length === 0) return bytes;
  if (kind === 'flip') bytes[here]! ^= 1 << (length % 8);
  if (kind === 'byte') bytes[here] = Number(number % 256n);
  if (kind === 'number') writeNumber(bytes, here, number, length % 2 === 0 ? 4 : 8);
  if (kind === 'copy') bytes.copy(bytes, here, index(from), index(from) + length);
  return bytes;
}

function writeNumber(bytes: Buffer, at: number, number: bigint, width: 4 | 8): void {
  const encoded = Buffer.alloc(8);
  encoded.writeBigUInt64LE(number);
  encoded.copy(bytes, at, 0, width);
}
