/** The members of a tar archive (POSIX.1-1988 ustar, with GNU's and pax' extras passed over): where each lies in the file. */
import type { ReadableFile } from '../file-layout.ts';
import { contradiction, notUnderstood } from './refusals.ts';

const blockBytes = 512;
/** Torch's archives have four; more than this is something else. */
const mostMembers = 1000;

export interface TarMember {
  name: string;
  offset: number;
  length: number;
}

const fieldOf = (block: Buffer, start: number, length: number): string =>
  block.toString('latin1', start, start + length).replace(/\0.*$/s, '');

/** True where the first block is a tar header. */
export const isTar = (head: Uint8Array): boolean =>
  head.length >= blockBytes && Buffer.from(head.buffer, head.byteOffset, blockBytes).toString('latin1', 257, 262) === 'ustar';

/** The name of the first member. */
export const firstName = (head: Uint8Array): string => nameOf(Buffer.from(head.buffer, head.byteOffset, blockBytes));

const nameOf = (block: Buffer): string => fieldOf(block, 0, 100).replace(/^\.\//, '');

/** Octal digits, or with the first bit set a big-endian number (GNU's, for what 8 GiB and more is). */
function sizeOf(file: ReadableFile, block: Buffer): number {
  if ((block[124]! & 0x80) !== 0) {
    const size = block.readBigUInt64BE(128);
    if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(size);
  }
  const digits = fieldOf(block, 124, 12).trim();
  if (!/^[0-7]+$/.test(digits)) throw contradiction(file, 'has a tar header without a size');
  return Number.parseInt(digits, 8);
}

/**
 * @returns the archive's files, in order; of folders and links nothing
 * @throws CairnError `bad_input` where headers are broken or a member leaves the file, `unsupported` above a limit
 */
export async function readTar(file: ReadableFile): Promise<TarMember[]> {
  const members: TarMember[] = [];
  for (let at = 0, count = 0; at + blockBytes <= file.size; count++) {
    if (count >= mostMembers) throw notUnderstood(file, `is a tar archive of more than ${mostMembers} members`);
    const bytes = await file.read(at, blockBytes);
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, blockBytes);
    if (block.every((byte) => byte === 0)) break;
    if (block.toString('latin1', 257, 262) !== 'ustar') throw contradiction(file, `has no tar header at byte ${at}`);
    const [length, offset, kind] = [sizeOf(file, block), at + blockBytes, String.fromCharCode(block[156]!)];
    if (length > file.size - offset)
      throw contradiction(file, `is cut short: a member needs ${length} bytes at ${offset}, the file ends at ${file.size}`);
    if (kind === '0' || kind === '\0') members.push({ name: nameOf(block), offset, length });
    at = offset + Math.ceil(length / blockBytes) * blockBytes;
  }
  return members;
}
