/**
 * Parity of a pack, FORMAT.md section 8: a file beside it from which damaged stripes are made again. Stripe i of the pack belongs
 * to group i mod g, and the group's parity is the exclusive or of its stripes: one damaged stripe a group can be made again, and
 * since groups are interleaved, so can any g stripes in a row.
 */
import { CairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { Hashing } from './hashing.ts';
import { nameOfPack } from './pack-reader.ts';

const parityName = /^packs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.parity$/;
const magic = 'CAIRNPAR';
const version = 1;
const headerBytes = 32;
const stripesPerGroup = 16;
const [smallStripeBytes, largeStripeBytes] = [4096, 65_536];
/** Packs below this get small stripes, so that their parity is not larger than they are by much. */
const largePackBytes = 1024 * 1024;

export interface Parity {
  packBytes: number;
  stripeBytes: number;
  groups: number;
  /** CRC-32C of every stripe of the pack, then of every group's parity. */
  checksums: Uint32Array;
}

export function nameOfParity(packId: string): string {
  return nameOfPack(packId).replace(/\.pack$/, '.parity');
}

/** The pack's id in the name of its parity, or undefined where it is no such name. */
export function parityIdOf(name: string): string | undefined {
  return parityName.exec(name)?.[2];
}

const stripesOf = ({ packBytes, stripeBytes }: { packBytes: number; stripeBytes: number }): number => Math.ceil(packBytes / stripeBytes);
const headLength = (parity: Parity): number => headerBytes + parity.checksums.length * 4 + 4;

/** Of a pack of so many bytes, before anything is summed up. */
function emptyParity(packBytes: number): Parity {
  const stripeBytes = packBytes < largePackBytes ? smallStripeBytes : largeStripeBytes;
  const stripes = stripesOf({ packBytes, stripeBytes });
  const groups = Math.ceil(stripes / stripesPerGroup);
  return { packBytes, stripeBytes, groups, checksums: new Uint32Array(stripes + groups) };
}

/** Length of the parity file of a pack. */
export function parityFileBytes(packBytes: number): number {
  const parity = emptyParity(packBytes);
  return headLength(parity) + parity.groups * parity.stripeBytes;
}

/**
 * Writes the parity of a pack, which the caller has verified.
 *
 * @returns bytes of the new file
 * @throws CairnError `exists`, `no_space`, `denied`, `io`, and the signal's reason; nothing is left behind then.
 */
export async function writeParity(backend: Backend, hashing: Hashing, packId: string, signal?: AbortSignal): Promise<number> {
  const packBytes = (await backend.stat(nameOfPack(packId)))?.sizeBytes ?? 0;
  const parity = emptyParity(packBytes);
  const { stripeBytes, groups } = parity;
  const stripes = stripesOf(parity);
  const temporary = await backend.createTemporary();
  try {
    for (let group = 0; group < groups; group++) {
      signal?.throwIfAborted();
      const sum = new Uint32Array(stripeBytes / 4);
      for (let index = group; index < stripes; index += groups) {
        const stripe = await readStripe(backend, nameOfPack(packId), parity, index);
        parity.checksums[index] = hashing.checksumBytes(stripe);
        combine(sum, stripe);
      }
      const bytes = new Uint8Array(sum.buffer);
      parity.checksums[stripes + group] = hashing.checksumBytes(bytes);
      await backend.writeAt(temporary, headLength(parity) + group * stripeBytes, bytes);
    }
    await backend.writeAt(temporary, 0, encodeHead(parity, hashing));
    await backend.publish(temporary, nameOfParity(packId));
    return headLength(parity) + groups * stripeBytes;
  } catch (thrown) {
    await backend.remove(temporary).catch(() => {});
    throw thrown;
  }
}

/** Undefined where the pack has none. @throws CairnError `damaged`, `unsupported` for another version. */
export async function readParity(backend: Backend, hashing: Hashing, packId: string): Promise<Parity | undefined> {
  const name = nameOfParity(packId);
  const path = backend.localPath(name);
  const file = await backend.stat(name);
  if (!file) return undefined;
  const damaged = (what: string): CairnError =>
    new CairnError('damaged', `${path}: ${what}; run cairn repair --parity to write it anew`, { path });
  if (file.sizeBytes < headerBytes + 4) throw damaged('cut short');
  const head = Buffer.from(await backend.readRange(name, 0, headerBytes));
  if (head.toString('latin1', 0, 8) !== magic) throw damaged('it does not begin as a parity file');
  if (head.readUInt32LE(8) !== version || head.readUInt32LE(12) !== 0)
    throw new CairnError('unsupported', `${path}: another version of parity; use a newer Cairn`, { path });
  const [packBytes, stripeBytes, groups] = [Number(head.readBigUInt64LE(16)), head.readUInt32LE(24), head.readUInt32LE(28)];
  const plausible = stripeBytes >= 512 && stripeBytes <= 2 ** 20 && Number.isInteger(Math.log2(stripeBytes)) && groups > 0;
  const stripes = plausible ? stripesOf({ packBytes, stripeBytes }) : 0;
  const length = headerBytes + (stripes + groups) * 4 + 4 + groups * stripeBytes;
  // Checked before the allocation: all of these may come from a damaged file.
  if (!plausible || groups > stripes || length !== file.sizeBytes) throw damaged('its lengths contradict the file');
  const sums = Buffer.from(await backend.readRange(name, 0, length - groups * stripeBytes));
  if (hashing.checksumBytes(sums.subarray(0, -4)) !== sums.readUInt32LE(sums.length - 4))
    throw damaged('the checksum of its head does not match');
  const checksums = Uint32Array.from({ length: stripes + groups }, (_, index) => sums.readUInt32LE(headerBytes + index * 4));
  return { packBytes, stripeBytes, groups, checksums };
}

/** Whether the parity itself is as it was written. */
export async function isParityWhole(
  backend: Backend,
  hashing: Hashing,
  packId: string,
  parity: Parity,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let group = 0; group < parity.groups; group++) {
    signal?.throwIfAborted();
    if (!(await readGroup(backend, hashing, packId, parity, group))) return false;
  }
  return true;
}

/**
 * Makes damaged stripes of a pack again and puts the whole pack in the place of the damaged one, in one step.
 *
 * @returns how many stripes were made again; undefined where a group has more damage than its parity can undo (nothing is changed then)
 * @throws CairnError `no_space`, `denied`, `io`.
 */
export async function restoreFromParity(
  backend: Backend,
  hashing: Hashing,
  packId: string,
  parity: Parity,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const stripes = stripesOf(parity);
  const temporary = await backend.createTemporary();
  let restored = 0;
  try {
    for (let group = 0; group < parity.groups; group++) {
      signal?.throwIfAborted();
      const [whole, bad]: [Map<number, Uint8Array>, number[]] = [new Map(), []];
      for (let index = group; index < stripes; index += parity.groups) {
        const stripe = await readStripe(backend, nameOfPack(packId), parity, index).catch(() => undefined);
        if (stripe && hashing.checksumBytes(stripe) === parity.checksums[index]) whole.set(index, stripe);
        else bad.push(index);
      }
      const made = bad.length === 1 ? await makeAgain(backend, hashing, packId, parity, bad[0]!, [...whole.values()]) : undefined;
      if (bad.length > 1 || (bad.length === 1 && !made)) return undefined;
      if (made) whole.set(bad[0]!, made);
      restored += bad.length;
      for (const [index, stripe] of whole) await backend.writeAt(temporary, index * parity.stripeBytes, stripe);
    }
    await backend.publish(temporary, nameOfPack(packId), true);
    return restored;
  } finally {
    await backend.remove(temporary).catch(() => {});
  }
}

async function makeAgain(
  backend: Backend,
  hashing: Hashing,
  packId: string,
  parity: Parity,
  index: number,
  others: Uint8Array[],
): Promise<Uint8Array | undefined> {
  const group = await readGroup(backend, hashing, packId, parity, index % parity.groups);
  if (!group) return undefined;
  const sum = new Uint32Array(group.buffer, 0, parity.stripeBytes / 4);
  for (const stripe of others) combine(sum, stripe);
  const made = group.subarray(0, stripeLength(parity, index));
  return hashing.checksumBytes(made) === parity.checksums[index] ? made : undefined;
}

/** A group's parity, or undefined where it is damaged. */
async function readGroup(
  backend: Backend,
  hashing: Hashing,
  packId: string,
  parity: Parity,
  group: number,
): Promise<Uint8Array | undefined> {
  const offset = headLength(parity) + group * parity.stripeBytes;
  const bytes = await backend.readRange(nameOfParity(packId), offset, parity.stripeBytes);
  if (hashing.checksumBytes(bytes) !== parity.checksums[stripesOf(parity) + group]) return undefined;
  return Uint8Array.from(bytes);
}

function stripeLength({ packBytes, stripeBytes }: Parity, index: number): number {
  return Math.min(stripeBytes, packBytes - index * stripeBytes);
}

function readStripe(backend: Backend, name: string, parity: Parity, index: number): Promise<Uint8Array> {
  return backend.readRange(name, index * parity.stripeBytes, stripeLength(parity, index));
}

/** Exclusive or of a stripe into `sum`; the pack's last stripe is taken as if zeros followed. */
function combine(sum: Uint32Array, stripe: Uint8Array): void {
  const padded = new Uint8Array(sum.byteLength);
  padded.set(stripe);
  const words = new Uint32Array(padded.buffer);
  for (let index = 0; index < sum.length; index++) sum[index]! ^= words[index]!;
}

function encodeHead(parity: Parity, hashing: Hashing): Uint8Array {
  const bytes = Buffer.alloc(headLength(parity));
  bytes.write(magic, 'latin1');
  bytes.writeUInt32LE(version, 8);
  bytes.writeBigUInt64LE(BigInt(parity.packBytes), 16);
  bytes.writeUInt32LE(parity.stripeBytes, 24);
  bytes.writeUInt32LE(parity.groups, 28);
  parity.checksums.forEach((checksum, index) => bytes.writeUInt32LE(checksum, headerBytes + index * 4));
  bytes.writeUInt32LE(hashing.checksumBytes(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}
