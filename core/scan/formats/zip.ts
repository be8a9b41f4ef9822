/**
 * Zip archives as far as checkpoints need them (APPNOTE 6.3.10, with ZIP64): the directory at the end, and where the bytes of
 * each member lie. Members may not overlap each other or the directory, and nothing is inflated without a limit.
 */
import { inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import type { ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';

export interface ZipMember {
  name: string;
  /** 0 stored, 8 deflated. */
  method: number;
  /** Of its local header. */
  headerOffset: number;
  storedLength: number;
  length: number;
}

/** A member's bytes as they lie in the file. */
export interface MemberRange {
  offset: number;
  length: number;
}

interface Directory {
  offset: number;
  length: number;
  count: number;
}

const endLength = 22;
const end64Length = 56;
const locatorLength = 20;
const localLength = 30;
const entryLength = 46;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** True for the first bytes of a zip archive, empty ones included. */
export function startsAsZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/** Name of the first member, from its local header; undefined where the head holds none. */
export function firstMemberName(head: Uint8Array): string | undefined {
  if (head.length < localLength || head[2] !== 3) return undefined;
  return Buffer.from(head).toString('utf8', localLength, localLength + viewOf(head).getUint16(26, true));
}

function safe(file: ReadableFile, value: bigint): number {
  if (value > BigInt(file.size)) throw contradiction(file, `has a zip directory that points to byte ${value}, it ends at ${file.size}`);
  return Number(value);
}

/** Finds the end record: the last one whose comment reaches exactly to the end of the file. */
async function findEnd(file: ReadableFile): Promise<{ tail: Uint8Array; at: number; start: number }> {
  const length = Math.min(file.size, endLength + 0xffff);
  const start = file.size - length;
  const tail = await file.read(start, length);
  const view = viewOf(tail);
  for (let at = length - endLength; at >= 0; at--) {
    if (view.getUint32(at, true) === 0x06054b50 && view.getUint16(at + 20, true) === length - at - endLength) return { tail, at, start };
  }
  throw contradiction(file, 'begins as a zip archive but has no directory at its end: it is cut short');
}

async function readEnd64(file: ReadableFile, endOffset: number): Promise<Directory | undefined> {
  if (endOffset < locatorLength) return undefined;
  const locator = viewOf(await file.read(endOffset - locatorLength, locatorLength));
  if (locator.getUint32(0, true) !== 0x07064b50) return undefined;
  const at = safe(file, locator.getBigUint64(8, true));
  if (at + end64Length > endOffset - locatorLength) throw contradiction(file, 'has a ZIP64 end record out of place');
  const record = viewOf(await file.read(at, end64Length));
  if (record.getUint32(0, true) !== 0x06064b50) throw contradiction(file, 'has no ZIP64 end record where it says');
  if (record.getUint32(16, true) !== 0 || record.getUint32(20, true) !== 0)
    throw notUnderstood(file, 'is a zip archive over several disks');
  const directory = { offset: safe(file, record.getBigUint64(48, true)), length: safe(file, record.getBigUint64(40, true)), count: 0 };
  directory.count = safe(file, record.getBigUint64(32, true));
  if (directory.offset + directory.length > at) throw contradiction(file, 'has a zip directory that runs into its end record');
  return directory;
}

async function readDirectory(file: ReadableFile): Promise<Directory> {
  const { tail, at, start } = await findEnd(file);
  const view = viewOf(tail);
  const directory64 = await readEnd64(file, start + at);
  if (directory64) return directory64;
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0)
    throw notUnderstood(file, 'is a zip archive over several disks');
  const directory = { offset: view.getUint32(at + 16, true), length: view.getUint32(at + 12, true), count: view.getUint16(at + 10, true) };
  if (directory.offset + directory.length > start + at) throw contradiction(file, 'has a zip directory that runs into its end record');
  return directory;
}

/** ZIP64 puts what doesn't fit 32 bits into an extra field, in this order, only those that are all ones. */
function widen(file: ReadableFile, member: ZipMember, extra: DataView): void {
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const length = extra.getUint16(at + 2, true);
    if (at + 4 + length > extra.byteLength) break;
    if (extra.getUint16(at, true) === 1) {
      let field = at + 4;
      for (const key of ['length', 'storedLength', 'headerOffset'] as const) {
        if (member[key] !== 0xffffffff) continue;
        if (field + 8 > at + 4 + length) throw contradiction(file, `has a short ZIP64 field for ${quoted(member.name)}`);
        const wide = extra.getBigUint64(field, true);
        if (key !== 'length') member[key] = safe(file, wide);
        else member.length = wide > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(wide);
        field += 8;
      }
    }
    at += 4 + length;
  }
}

function readEntry(file: ReadableFile, bytes: Uint8Array, at: number): { member: ZipMember; next: number } {
  const view = viewOf(bytes);
  if (at + entryLength > bytes.length || view.getUint32(at, true) !== 0x02014b50)
    throw contradiction(file, 'has a zip directory with fewer entries than it says');
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const next = at + entryLength + nameLength + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) throw contradiction(file, 'has a zip entry that leaves the directory');
  if (nameLength > limits.zipNameBytes) throw notUnderstood(file, `has a zip member with a name of ${nameLength} bytes`);
  if ((view.getUint16(at + 8, true) & 1) !== 0) throw notUnderstood(file, 'is an encrypted zip archive');
  const member = {
    name: Buffer.from(bytes.buffer, bytes.byteOffset + at + entryLength, nameLength).toString('utf8'),
    method: view.getUint16(at + 10, true),
    headerOffset: view.getUint32(at + 42, true),
    storedLength: view.getUint32(at + 20, true),
    length: view.getUint32(at + 24, true),
  };
  widen(file, member, new DataView(bytes.buffer, bytes.byteOffset + at + entryLength + nameLength, extraLength));
  return { member, next };
}

function checkMembers(file: ReadableFile, members: readonly ZipMember[], directoryOffset: number): void {
  let end = 0;
  let name = '';
  for (const member of [...members].sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (member.headerOffset < end) throw contradiction(file, `has zip members ${quoted(name)} and ${quoted(member.name)} that overlap`);
    if (member.method === 0 && member.length !== member.storedLength)
      throw contradiction(file, `gives two lengths for ${quoted(member.name)}`);
    end = member.headerOffset + localLength + member.storedLength;
    name = member.name;
  }
  if (end > directoryOffset) throw contradiction(file, `has a zip member ${quoted(name)} that runs into the directory`);
}

/**
 * Reads the directory of a zip archive.
 *
 * @returns members by name, in the order of the directory
 * @throws CairnError `bad_input` for offsets outside, overlaps, counts that don't agree; `unsupported` for encryption, a name twice, and limits
 */
export async function readZip(file: ReadableFile): Promise<Map<string, ZipMember>> {
  const directory = await readDirectory(file);
  if (directory.count * entryLength > directory.length) {
    throw contradiction(file, `claims ${directory.count} zip members in a directory of ${directory.length} bytes`);
  }
  const bounded = directory.length <= limits.zipDirectoryBytes && directory.count <= limits.zipMembers;
  if (!bounded) throw notUnderstood(file, `has a zip directory of ${directory.count} members in ${directory.length} bytes`);
  const bytes = await file.read(directory.offset, directory.length);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let count = 0; count < directory.count; count++) {
    const { member, next } = readEntry(file, bytes, at);
    if (members.has(member.name)) throw notUnderstood(file, `has the zip member ${quoted(member.name)} twice`);
    members.set(member.name, member);
    at = next;
  }
  if (at !== directory.length) throw contradiction(file, 'has a zip directory with more entries than it says');
  checkMembers(file, [...members.values()], directory.offset);
  return members;
}

/**
 * Where the stored bytes of `member` lie. Its local header must agree with the directory, and its bytes end before `limit`
 * (the next member, the directory).
 */
export async function locateMember(file: ReadableFile, member: ZipMember, limit: number): Promise<MemberRange> {
  const nameBytes = Buffer.byteLength(member.name);
  const bytes = await file.read(member.headerOffset, Math.min(localLength + nameBytes, file.size - member.headerOffset));
  const header = viewOf(bytes);
  const agrees = bytes.length >= localLength && header.getUint32(0, true) === 0x04034b50 && header.getUint16(8, true) === member.method;
  if (!agrees) throw contradiction(file, `has no header for ${quoted(member.name)} where its zip directory says`);
  const nameLength = header.getUint16(26, true);
  const offset = member.headerOffset + localLength + nameLength + header.getUint16(28, true);
  if (offset + member.storedLength > limit) throw contradiction(file, `has zip member ${quoted(member.name)} run into what follows it`);
  const name = Buffer.from(bytes.buffer, bytes.byteOffset + localLength, Math.min(nameLength, bytes.length - localLength)).toString('utf8');
  if (name !== member.name) throw contradiction(file, `calls a zip member both ${quoted(name)} and ${quoted(member.name)}`);
  return { offset, length: member.storedLength };
}

/** Where each member must have ended: at the header of the next one, the last at the end of the file. */
export function memberLimits(file: ReadableFile, members: ReadonlyMap<string, ZipMember>): Map<ZipMember, number> {
  const order = [...members.values()].sort((a, b) => a.headerOffset - b.headerOffset);
  return new Map(order.map((member, index) => [member, order[index + 1]?.headerOffset ?? file.size]));
}

/**
 * The bytes of a small member, inflated where need be.
 *
 * @throws CairnError `unsupported` where it is or claims to be longer than `maxBytes`, `bad_input` where it inflates to another length
 */
export async function readMember(file: ReadableFile, member: ZipMember, limit: number, maxBytes: number): Promise<Uint8Array> {
  if (member.length > maxBytes || member.storedLength > maxBytes) {
    throw notUnderstood(file, `has a zip member ${quoted(member.name)} of ${member.length} bytes, more than ${maxBytes}`);
  }
  const range = await locateMember(file, member, limit);
  const stored = await file.read(range.offset, range.length);
  if (member.method === 0) return stored;
  if (member.method !== 8) throw notUnderstood(file, `has a zip member ${quoted(member.name)} compressed by method ${member.method}`);
  const inflated = await promisify(inflateRaw)(stored, { maxOutputLength: Math.max(member.length, 1) }).catch(() => undefined);
  if (inflated?.length === member.length) return inflated;
  throw contradiction(file, `has a zip member ${quoted(member.name)} that does not inflate to the ${member.length} bytes it claims`);
}
