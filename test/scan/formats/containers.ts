/** Writes the containers that tests need, byte by byte, so that every field can lie. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface MemberDraft {
  name: string;
  bytes: Uint8Array;
  deflated?: boolean;
  /** Fields of the directory entry that shall say something else. */
  claims?: { length?: number; storedLength?: number; headerOffset?: number; name?: string; flags?: number; method?: number };
}

export interface ZipDraft {
  /** Entries that the end record shall claim. */
  count?: number;
  directoryOffset?: number;
  directoryLength?: number;
  /** Writes a ZIP64 end record and locator, as torch does. */
  wide?: boolean;
}

function localHeader(member: MemberDraft, stored: Uint8Array): Buffer {
  const name = Buffer.from(member.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(member.claims?.method ?? (member.deflated ? 8 : 0), 8);
  header.writeUInt32LE(crc32(member.bytes), 14);
  header.writeUInt32LE(stored.length, 18);
  header.writeUInt32LE(member.bytes.length, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function entry(member: MemberDraft, stored: Uint8Array, offset: number): Buffer {
  const { claims = {} } = member;
  const name = Buffer.from(claims.name ?? member.name);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(claims.flags ?? 0, 8);
  record.writeUInt16LE(claims.method ?? (member.deflated ? 8 : 0), 10);
  record.writeUInt32LE(crc32(member.bytes), 16);
  record.writeUInt32LE(claims.storedLength ?? stored.length, 20);
  record.writeUInt32LE(claims.length ?? member.bytes.length, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt32LE(claims.headerOffset ?? offset, 42);
  return Buffer.concat([record, name]);
}

function wideEnd(count: number, length: number, offset: number, at: number): Buffer {
  const record = Buffer.alloc(76);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(length), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(at), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

/** A zip archive of `members`; `draft` makes its end record lie. */
export function zipOf(members: MemberDraft[], draft: ZipDraft = {}): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const member of members) {
    const stored = member.deflated ? deflateRawSync(member.bytes) : Buffer.from(member.bytes);
    directory.push(entry(member, stored, at));
    pieces.push(localHeader(member, stored), stored);
    at += (pieces.at(-2)?.length ?? 0) + stored.length;
  }
  const length = directory.reduce((sum, record) => sum + record.length, 0);
  const [count, start, claimed] = [draft.count ?? members.length, draft.directoryOffset ?? at, draft.directoryLength ?? length];
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(draft.wide ? 0xffff : count, 8);
  end.writeUInt16LE(draft.wide ? 0xffff : count, 10);
  end.writeUInt32LE(draft.wide ? 0xffffffff : claimed, 12);
  end.writeUInt32LE(draft.wide ? 0xffffffff : start, 16);
  return Buffer.concat([...pieces, ...directory, ...(draft.wide ? [wideEnd(count, claimed, start, at + length)] : []), end]);
}

/** Opcodes and their arguments in a row. Strings are opcodes in latin1, numbers single bytes. */
export function pickleOf(...pieces: (string | number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      typeof piece === 'number' ? Buffer.from([piece]) : typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from(piece),
    ),
  );
}

/** BINUNICODE. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return pickleOf('X', u32(bytes.length), bytes);
}

/** BININT. */
export function whole(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return pickleOf('J', bytes);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A persistent id of a storage: its class, key and number of elements. */
export function storageOf(className: string, key: string, elements: number): Buffer {
  return pickleOf('(', text('storage'), `ctorch\n${className}\n`, text(key), text('cpu'), whole(elements), 'tQ');
}

export interface TensorDraft {
  className?: string;
  key?: string;
  elements: number;
  offset?: number;
  shape: number[];
  strides: number[];
}

function numbers(values: number[]): Buffer {
  return pickleOf('(', ...values.map(whole), 't');
}

/** A call of _rebuild_tensor_v2. */
export function tensorOf(draft: TensorDraft): Buffer {
  const { className = 'FloatStorage', key = '0', elements, offset = 0, shape, strides } = draft;
  const storage = storageOf(className, key, elements);
  return pickleOf(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    storage,
    whole(offset),
    numbers(shape),
    numbers(strides),
    0x89,
    'ccollections\nOrderedDict\n)RtR',
  );
}

/** A dictionary of text keys. */
export function dictionaryOf(entries: Record<string, Uint8Array>): Buffer {
  return pickleOf('}(', ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), 'u');
}

/** A torch archive around the body of a pickle. */
export function torchArchive(body: Uint8Array, storages: Record<string, Uint8Array> = {}, more: MemberDraft[] = []): Buffer {
  const members: MemberDraft[] = [{ name: 'archive/data.pkl', bytes: pickleOf(0x80, 2, body, '.') }];
  for (const [key, bytes] of Object.entries(storages)) members.push({ name: `archive/data/${key}`, bytes });
  return zipOf([...members, ...more], { wide: true });
}
