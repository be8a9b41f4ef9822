/** Stores written by hand from FORMAT.md, so that they may say what no writer of ours would. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { blake3 } from '@noble/hashes/blake3.js';
import { checksum } from '../decoder/checksum.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const digestOf = (bytes: Uint8Array): string => hex(blake3(bytes));

export interface HandmadeBlob {
  digest: string;
  rawLength: number | bigint;
  /** Absent: where the one before ends. */
  offset?: bigint;
  element: number;
  blockLog2: number;
  coding: number;
  needs?: { role: number; digest: string }[];
  blocks: Uint8Array[];
  /** What the entry says in place of the truth. */
  blockCount?: number;
  needCount?: number;
  lengths?: number[];
}

/** A content as a blob of the bytes coding, stored raw. */
export const rawBlob = (bytes: Uint8Array, rest: Partial<HandmadeBlob> = {}): HandmadeBlob => ({
  digest: digestOf(bytes),
  rawLength: bytes.length,
  element: 1,
  blockLog2: 22,
  coding: 2,
  blocks: [Buffer.concat([Uint8Array.of(0), bytes])],
  ...rest,
});

function entryOf(blob: HandmadeBlob, offset: number): Buffer {
  const head = Buffer.alloc(56);
  head.write(blob.digest, 0, 32, 'hex');
  head.writeBigUInt64LE(BigInt(blob.rawLength), 32);
  head.writeBigUInt64LE(blob.offset ?? BigInt(offset), 40);
  head.set([blob.element, blob.blockLog2, blob.coding, blob.needCount ?? blob.needs?.length ?? 0], 48);
  head.writeUInt32LE(blob.blockCount ?? blob.blocks.length, 52);
  const needs = (blob.needs ?? []).map(({ role, digest }) => Buffer.concat([Uint8Array.of(role), Buffer.from(digest, 'hex')]));
  const blocks = blob.blocks.map((block, index) => {
    const entry = Buffer.alloc(8);
    entry.writeUInt32LE(blob.lengths?.[index] ?? block.length);
    entry.writeUInt32LE(checksum(block), 4);
    return entry;
  });
  return Buffer.concat([head, ...needs, ...blocks]);
}

/** What the footer says in place of the truth. */
export interface FooterLies {
  tableOffset?: bigint;
  tableLength?: bigint;
  blobCount?: number;
}

/** Writes a pack under the id that its table gives it. */
export function writePack(store: string, blobs: HandmadeBlob[], lies: FooterLies = {}): string {
  const header = Buffer.alloc(16);
  header.write('CAIRNPAK');
  header.writeUInt32LE(1, 8);
  let offset = 16;
  const entries = blobs.map((blob) => {
    const entry = entryOf(blob, offset);
    offset += blob.blocks.reduce((sum, block) => sum + block.length, 0);
    return entry;
  });
  const table = Buffer.concat(entries);
  const footer = Buffer.alloc(48);
  footer.writeBigUInt64LE(lies.tableOffset ?? BigInt(offset), 0);
  footer.writeBigUInt64LE(lies.tableLength ?? BigInt(table.length), 8);
  footer.writeUInt32LE(lies.blobCount ?? blobs.length, 16);
  footer.writeUInt32LE(checksum(table), 20);
  footer.write('CAIRNEND', 40);
  const id = digestOf(table);
  const folder = path.join(store, 'packs', id.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${id}.pack`), Buffer.concat([header, ...blobs.flatMap(({ blocks }) => blocks), table, footer]));
  return id;
}

/** Writes a manifest whose JSON is what it is told. @returns the snapshot's id */
export function writeManifest(store: string, record: unknown, envelope: { jsonLength?: bigint; payload?: Uint8Array } = {}): string {
  const json = Buffer.from(typeof record === 'string' ? record : JSON.stringify(record));
  const payload = envelope.payload ?? zstdCompressSync(json);
  const head = Buffer.alloc(64);
  head.write('CAIRNSNP');
  head.writeUInt32LE(1, 8);
  head.writeBigUInt64LE(BigInt(payload.length), 16);
  head.writeBigUInt64LE(envelope.jsonLength ?? BigInt(json.length), 24);
  head.set(blake3(json), 32);
  const id = digestOf(json).slice(0, 32);
  mkdirSync(path.join(store, 'snapshots'), { recursive: true });
  writeFileSync(path.join(store, 'snapshots', `${id}.manifest`), Buffer.concat([head, payload]));
  return id;
}

export function writeMark(store: string): void {
  mkdirSync(path.join(store, 'packs'), { recursive: true });
  mkdirSync(path.join(store, 'snapshots'), { recursive: true });
  writeFileSync(path.join(store, 'cairn.json'), JSON.stringify({ format: 1, id: '0'.repeat(32), created: '2026-01-01T00:00:00.000Z' }));
}

export const fileOf = (name: string, bytes: Uint8Array, rest: object = {}) => ({
  path: name,
  size: bytes.length,
  mode: 0o644,
  mtimeNs: '1767322800123456789',
  digest: digestOf(bytes),
  format: 'bytes',
  rest: 0,
  parts: [] as number[][],
  ...rest,
});

/** A snapshot of one file, with members that a test replaces. */
export const recordOf = (bytes: Uint8Array, rest: object = {}) => ({
  created: '2026-01-01T00:00:00.000Z',
  run: { name: 'run', path: '/runs/run', layout: 'folders' },
  step: 1,
  path: 'step-1',
  time: '2026-01-01T00:00:00.000Z',
  method: 'cairn',
  depth: 0,
  bytesOriginal: bytes.length,
  bytesStored: 0,
  blobs: [digestOf(bytes)],
  new: [0],
  files: [fileOf('file', bytes)],
  folders: [] as object[],
  links: [] as object[],
  tensors: [] as object[],
  ...rest,
});
