/** A pack, read as FORMAT.md section 3 describes it. */
import { expect, Reading } from './reading.ts';
import { blake3 } from '@noble/hashes/blake3.js';
import { checksum } from './checksum.ts';

export interface Entry {
  digest: string;
  rawLength: number;
  offset: number;
  element: number;
  blockLog2: number;
  coding: number;
  needs: { role: number; digest: string }[];
  blocks: { length: number; checksum: number }[];
}

export interface Pack {
  bytes: Uint8Array;
  entries: Entry[];
}

export const widths: Record<number, number> = { 1: 1, 2: 2, 3: 4, 4: 8, 5: 2, 6: 2, 7: 4, 8: 8, 9: 1, 10: 1 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function readEntry(table: Reading): Entry {
  const digest = hex(table.bytes(32));
  const rawLength = table.u64();
  const offset = table.u64();
  const [element, blockLog2, coding, needCount] = [table.u8(), table.u8(), table.u8(), table.u8()];
  const blockCount = table.u32();
  const width = widths[element];
  expect(width !== undefined, `element ${element}`);
  expect(coding === 1 || coding === 2, `coding ${coding}`);
  expect(rawLength % width === 0, `${rawLength} bytes of width ${width}`);
  expect(blockCount === Math.ceil(rawLength / (width * 2 ** blockLog2)), `${blockCount} blocks`);
  const needs = Array.from({ length: needCount }, () => ({ role: table.u8(), digest: hex(table.bytes(32)) }));
  const blocks = Array.from({ length: blockCount }, () => ({ length: table.u32(), checksum: table.u32() }));
  return { digest, rawLength, offset, element, blockLog2, coding, needs, blocks };
}

/** @param name the id that the file's name states */
export function readPack(bytes: Uint8Array, name: string): Pack {
  const header = new Reading(bytes);
  expect(header.text(8) === 'CAIRNPAK' && header.u32() === 1 && header.u32() === 0, 'header');
  const footer = new Reading(bytes, bytes.length - 48);
  const [tableOffset, tableLength, blobCount, tableChecksum] = [footer.u64(), footer.u64(), footer.u32(), footer.u32()];
  expect(footer.bytes(16).every((byte) => byte === 0) && footer.text(8) === 'CAIRNEND', 'footer');
  expect(tableOffset + tableLength + 48 === bytes.length, 'table does not end at the footer');
  const tableBytes = bytes.subarray(tableOffset, tableOffset + tableLength);
  expect(checksum(tableBytes) === tableChecksum, 'checksum of the table');
  expect(hex(blake3(tableBytes)) === name, 'the id is not the digest of the table');
  const table = new Reading(tableBytes);
  const entries = Array.from({ length: blobCount }, () => readEntry(table));
  expect(table.left === 0, 'bytes after the last entry');
  let at = 16;
  for (const entry of entries) {
    expect(entry.offset === at, 'blobs do not lie back to back');
    at += entry.blocks.reduce((sum, block) => sum + block.length, 0);
  }
  expect(at === tableOffset, 'bytes between the last blob and the table');
  return { bytes, entries };
}
