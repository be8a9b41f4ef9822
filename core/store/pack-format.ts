/**
 * The bytes of a pack, FORMAT.md section 3: header, table, footer. Everything read is checked against the file's real
 * size before it is believed, so a table that parses describes ranges that exist, back to back, without a gap.
 *
 * 100,000 blobs stay lean: a parsed table is its bytes and one offset an entry; records are made when asked for.
 */
import { elementWidths, roles, tensorBlockLog2, bytesBlockLog2, elements, type ElementId } from '../codec/elements.ts';
import { CairnError } from '../contract/errors.ts';
import type { BlobEntry, BlobNeed } from './blob-source.ts';
import { toHex, type Hashing } from './hashing.ts';

const packVersion = 1;
export const headerBytes = 16;
export const footerBytes = 48;
/** No table may be larger: some eight million blobs, or blocks of 64 TiB. */
export const maxTableBytes = 512 * 1024 * 1024;

const headerMagic = 'CAIRNPAK';
const footerMagic = 'CAIRNEND';
const entryBytes = 56;
const needBytes = 33;
const blockBytes = 8;
const codings = ['tensor', 'bytes'] as const;
const knownRoles = new Set<number>(Object.values(roles));

export interface Footer {
  tableOffset: number;
  tableLength: number;
  blobCount: number;
  tableChecksum: number;
}

/** Original length of block `index` of a blob. */
export function blockRawLength(blob: Pick<BlobEntry, 'rawLength' | 'element' | 'blockLog2'>, index: number): number {
  const full = blockSpan(blob);
  return Math.min(full, blob.rawLength - index * full);
}

/** Bytes of a whole block before coding: w * 2^b. */
export function blockSpan(blob: Pick<BlobEntry, 'element' | 'blockLog2'>): number {
  return elementWidths[blob.element] * 2 ** blob.blockLog2;
}

/** The first 16 bytes of a pack (FORMAT.md, section 3). */
export function encodeHeader(): Uint8Array {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write(headerMagic, 'latin1');
  bytes.writeUInt32LE(packVersion, 8);
  return bytes;
}

/** @throws CairnError `damaged` where it is no pack, `unsupported` where it is one of another version. */
export function checkHeader(bytes: Uint8Array, path: string): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length !== headerBytes || view.toString('latin1', 0, 8) !== headerMagic) throw damaged(path, 'it does not begin as a pack');
  const version = view.readUInt32LE(8);
  const flags = view.readUInt32LE(12);
  if (version !== packVersion || flags !== 0) {
    throw new CairnError('unsupported', `${path}: pack version ${version}, flags ${flags}; use a newer Cairn`, { path });
  }
}

/** The last 48 bytes of a pack (FORMAT.md, section 3). */
export function encodeFooter(footer: Footer): Uint8Array {
  const bytes = Buffer.alloc(footerBytes);
  bytes.writeBigUInt64LE(BigInt(footer.tableOffset), 0);
  bytes.writeBigUInt64LE(BigInt(footer.tableLength), 8);
  bytes.writeUInt32LE(footer.blobCount, 16);
  bytes.writeUInt32LE(footer.tableChecksum, 20);
  bytes.write(footerMagic, 40, 'latin1');
  return bytes;
}

/**
 * Reads the last 48 bytes of a pack of `fileBytes`.
 *
 * @throws CairnError `damaged` where the table would not lie between header and footer, `unsupported` for reserved bytes in use.
 */
export function parseFooter(bytes: Uint8Array, fileBytes: number, path: string): Footer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length !== footerBytes || view.toString('latin1', 40) !== footerMagic) throw damaged(path, 'it does not end as a pack');
  if (view.subarray(24, 40).some((byte) => byte !== 0)) {
    throw new CairnError('unsupported', `${path}: reserved bytes of the footer are in use; use a newer Cairn`, { path });
  }
  const footer: Footer = {
    tableOffset: readLength(view, 0, path),
    tableLength: readLength(view, 8, path),
    blobCount: view.readUInt32LE(16),
    tableChecksum: view.readUInt32LE(20),
  };
  const { tableOffset, tableLength, blobCount } = footer;
  if (tableOffset < headerBytes || tableOffset + tableLength !== fileBytes - footerBytes)
    throw damaged(path, 'its table lies outside the file');
  if (tableLength > maxTableBytes) throw damaged(path, `a table of ${tableLength} bytes is larger than any`);
  if (blobCount * entryBytes > tableLength) throw damaged(path, 'its table is too short for its blobs');
  return footer;
}

/**
 * @param blobs in the order of their bytes, back to back from `headerBytes`.
 * @throws CairnError `internal` where they are not, or contradict the format: the writer's defect, noticed before it is stored.
 */
export function encodeTable(blobs: BlobEntry[]): Uint8Array {
  const bytes = Buffer.alloc(blobs.reduce((sum, blob) => sum + entryLength(blob.needs.length, blob.lengths.length), 0));
  let at = 0;
  let offset = headerBytes;
  for (const blob of blobs) {
    if (blob.checksums.length !== blob.lengths.length) throw defect(blob, 'has not one checksum a block');
    at = writeEntry(bytes, at, blob);
    const end = checkBlob(blob, offset);
    if (typeof end === 'string') throw defect(blob, end);
    offset = end;
  }
  return bytes;
}

/** Size of the file that a pack of these blobs is. */
export function packFileBytes(blobs: Iterable<BlobEntry>): number {
  let bytes = headerBytes + footerBytes;
  for (const blob of blobs) bytes += blob.storedLength + entryLength(blob.needs.length, blob.lengths.length);
  return bytes;
}

function writeEntry(bytes: Buffer, start: number, blob: BlobEntry): number {
  bytes.write(blob.digest, start, 32, 'hex');
  bytes.writeBigUInt64LE(BigInt(blob.rawLength), start + 32);
  bytes.writeBigUInt64LE(BigInt(blob.offset), start + 40);
  bytes.set([blob.element, blob.blockLog2, codings.indexOf(blob.coding) + 1, blob.needs.length], start + 48);
  bytes.writeUInt32LE(blob.lengths.length, start + 52);
  let at = start + entryBytes;
  for (const need of blob.needs) {
    bytes.writeUInt8(need.role, at);
    bytes.write(need.digest, at + 1, 32, 'hex');
    at += needBytes;
  }
  for (let block = 0; block < blob.lengths.length; block++, at += blockBytes) {
    bytes.writeUInt32LE(blob.lengths[block]!, at);
    bytes.writeUInt32LE(blob.checksums[block]!, at + 4);
  }
  return at;
}

/** The table of one pack: its bytes, checked, and records made on demand. */
export class PackTable {
  readonly id: string;
  readonly #bytes: Buffer;
  /** Where each entry starts in the table. */
  readonly #starts: Uint32Array;

  /**
   * @param bytes the table, as the footer says where it is.
   * @throws CairnError `damaged` where checksum, counts, lengths or offsets are not as they must be; `unsupported` for unknown ids.
   */
  constructor(bytes: Uint8Array, footer: Footer, hashing: Hashing, path: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length !== footer.tableLength) throw damaged(path, 'its table is cut short');
    if (hashing.checksumBytes(bytes) !== footer.tableChecksum) throw damaged(path, 'the checksum of its table does not match');
    this.id = toHex(hashing.digestBytes(bytes));
    this.#starts = new Uint32Array(footer.blobCount);
    this.#check(footer, path);
  }

  get blobCount(): number {
    return this.#starts.length;
  }

  get sizeBytes(): number {
    return this.#bytes.length + this.#starts.byteLength;
  }

  /** Digests of all blobs, 32 bytes each, in the order of the table. */
  digests(): Uint8Array {
    const digests = new Uint8Array(this.blobCount * 32);
    this.#starts.forEach((start, index) => digests.set(this.#bytes.subarray(start, start + 32), index * 32));
    return digests;
  }

  /** @param index 0 ... blobCount - 1 */
  entry(index: number): BlobEntry {
    return readEntry(this.#bytes, this.#starts[index]!).blob;
  }

  *entries(): Generator<BlobEntry> {
    for (let index = 0; index < this.blobCount; index++) yield this.entry(index);
  }

  #check(footer: Footer, path: string): void {
    let at = 0;
    let offset = headerBytes;
    for (let index = 0; index < footer.blobCount; index++) {
      this.#starts[index] = at;
      checkEntry(this.#bytes, at, path);
      const { blob, end } = readEntry(this.#bytes, at);
      const strange = blob.needs.find(({ role }) => !knownRoles.has(role));
      if (strange)
        throw new CairnError('unsupported', `${path}: a blob needs something in role ${strange.role}; use a newer Cairn`, { path });
      const next = checkBlob(blob, offset);
      if (typeof next === 'string') throw damaged(path, `blob ${blob.digest} ${next}`);
      [at, offset] = [end, next];
    }
    if (at !== this.#bytes.length) throw damaged(path, 'its table has bytes after the last blob');
    if (offset !== footer.tableOffset) throw damaged(path, 'its blobs do not end where its table begins');
  }
}

/** Checks what `readEntry` relies on: that the entry is inside the table and its ids are known. */
function checkEntry(table: Buffer, start: number, path: string): void {
  if (start + entryBytes > table.length) throw damaged(path, 'its table ends inside a blob');
  const [element, coding, needs] = [table.readUInt8(start + 48), table.readUInt8(start + 50), table.readUInt8(start + 51)];
  const known = element in elementWidths && codings[coding - 1] !== undefined;
  if (!known) throw new CairnError('unsupported', `${path}: element ${element}, coding ${coding}; use a newer Cairn`, { path });
  readLength(table, start + 32, path);
  readLength(table, start + 40, path);
  if (start + entryLength(needs, table.readUInt32LE(start + 52)) > table.length) throw damaged(path, 'its table ends inside a blob');
}

function readEntry(table: Buffer, start: number): { blob: BlobEntry; end: number } {
  const needs: BlobNeed[] = [];
  let at = start + entryBytes;
  for (let left = table.readUInt8(start + 51); left > 0; left--, at += needBytes) {
    needs.push({ role: table.readUInt8(at), digest: table.toString('hex', at + 1, at + needBytes) });
  }
  const count = table.readUInt32LE(start + 52);
  const [lengths, checksums] = [new Uint32Array(count), new Uint32Array(count)];
  let storedLength = 0;
  for (let block = 0; block < count; block++, at += blockBytes) {
    lengths[block] = table.readUInt32LE(at);
    checksums[block] = table.readUInt32LE(at + 4);
    storedLength += lengths[block]!;
  }
  const blob: BlobEntry = {
    digest: table.toString('hex', start, start + 32),
    rawLength: Number(table.readBigUInt64LE(start + 32)),
    offset: Number(table.readBigUInt64LE(start + 40)),
    storedLength,
    element: table.readUInt8(start + 48) as ElementId,
    blockLog2: table.readUInt8(start + 49),
    coding: codings[table.readUInt8(start + 50) - 1]!,
    needs,
    lengths,
    checksums,
  };
  return { blob, end: at };
}

/** What FORMAT.md demands of one blob that should start at `offset`: where it ends, or what is wrong with it. */
function checkBlob(blob: BlobEntry, offset: number): number | string {
  if (blob.offset !== offset) return `starts at ${blob.offset} instead of ${offset}`;
  const bytesCoding = blob.coding === 'bytes';
  if (blob.blockLog2 !== (bytesCoding ? bytesBlockLog2 : tensorBlockLog2)) return `has blocks of 2^${blob.blockLog2} elements`;
  if (bytesCoding && (blob.element !== elements.bytes8 || blob.needs.length > 0))
    return 'of the bytes coding has another element or a need';
  if (blob.rawLength % elementWidths[blob.element] !== 0) return `has ${blob.rawLength} bytes, no whole number of elements`;
  if (blob.lengths.length !== Math.ceil(blob.rawLength / blockSpan(blob)))
    return `has ${blob.lengths.length} blocks for ${blob.rawLength} bytes`;
  return checkNeeds(blob) ?? checkBlocks(blob) ?? offset + blob.storedLength;
}

function checkNeeds(blob: BlobEntry): string | undefined {
  const seen = new Set<number>();
  for (const { role, digest } of blob.needs) {
    if (!knownRoles.has(role)) return `needs something in the unknown role ${role}`;
    if (seen.has(role)) return `needs two contents in role ${role}`;
    if (digest === blob.digest) return 'needs itself';
    seen.add(role);
  }
  return undefined;
}

function checkBlocks(blob: BlobEntry): string | undefined {
  let sum = 0;
  for (let block = 0; block < blob.lengths.length; block++) {
    const length = blob.lengths[block]!;
    if (length < 1 || length > blockRawLength(blob, block) + 1) return `has a block of ${length} bytes, more or less than any may have`;
    sum += length;
  }
  return sum === blob.storedLength ? undefined : `has blocks of ${sum} bytes together instead of ${blob.storedLength}`;
}

function entryLength(needs: number, blocks: number): number {
  return entryBytes + needs * needBytes + blocks * blockBytes;
}

function readLength(bytes: Buffer, at: number, path: string): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(path, `a length of ${value} bytes is larger than any file`);
  return Number(value);
}

function defect(blob: BlobEntry, what: string): CairnError {
  return new CairnError('internal', `blob ${blob.digest} ${what}; please report it`);
}

function damaged(path: string, what: string): CairnError {
  return new CairnError('damaged', `${path}: ${what}; the pack is damaged: restore it from a copy, or archive again what it held`, {
    path,
  });
}
