import { blake3 } from '@noble/hashes/blake3.js';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { hasCommand } from '../../build/debian.ts';
import { addon } from '../../core/codec/binding.ts';
import { codeOf, Folder, neverCancelled } from './coding.ts';
import { randomBytes } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

/** Input and lengths of the published test vectors (BLAKE3 team, test_vectors.json). */
const published = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049, 3072, 3073, 4096, 4097, 5120, 5121, 6144, 6145, 7168,
  7169, 8192, 8193, 16384, 31744, 102400,
];
/** What is published for some of them, the first 32 bytes. */
const publishedDigests: [length: number, digest: string][] = [
  [0, 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262'],
  [1, '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'],
  [1023, '10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11'],
  [1024, '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7'],
  [1025, 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444'],
  [3073, '7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3'],
  [102400, 'bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085'],
];
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 251);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const digestOfPiece = (path: string, offset: number, length: number, whole: boolean): Uint8Array =>
  addon.digest({ ranges: [{ path, offset, length }], firstChunk: whole ? 0 : offset / 1024, whole, cancel: neverCancelled() });

/** The digest from pieces of `spanBytes`, as a pool of workers computes it. */
function digestByPieces(path: string, length: number, spanBytes: number): Uint8Array {
  const values: Uint8Array[] = [];
  for (let offset = 0; offset < length; offset += spanBytes) {
    values.push(digestOfPiece(path, offset, Math.min(spanBytes, length - offset), false));
  }
  return addon.joinDigests(Buffer.concat(values), spanBytes, length);
}

describe('digest', () => {
  it('is BLAKE3 for the published input at all the published lengths', () => {
    for (const [length, digest] of publishedDigests) expect(hex(addon.digestBytes(pattern(length))), `${length} bytes`).toBe(digest);
    for (const length of published) expect(hex(addon.digestBytes(pattern(length))), `${length} bytes`).toBe(hex(blake3(pattern(length))));
  });

  it.runIf(hasCommand('b3sum'))('is what b3sum prints for a file', () => {
    for (const length of [...published, 3_000_001]) {
      const path = folder.file(randomBytes(length, length));
      expect(hex(digestOfPiece(path, 0, length, true)), `${length} bytes`).toBe(execFileSync('b3sum', ['--no-names', path], { encoding: 'utf8' }).trim()); // prettier-ignore
    }
  });

  it('is the same from a file, from ranges of files and from memory', () => {
    const bytes = randomBytes(70_001, 1);
    const path = folder.file(bytes);
    const ranges = [
      { path, offset: 0, length: 1 },
      { path, offset: 1, length: 0 },
      { path, offset: 1, length: 50_000 },
      { path, offset: 50_001, length: 20_000 },
    ];
    const expected = hex(blake3(bytes));
    expect(hex(addon.digest({ ranges, firstChunk: 0, whole: true, cancel: neverCancelled() }))).toBe(expected);
    expect(hex(digestOfPiece(path, 0, bytes.length, true))).toBe(expected);
    expect(hex(addon.digestBytes(bytes))).toBe(expected);
  });

  it('is the same from pieces of any power of two, however long the last one is', () => {
    const largest = randomBytes(140_000, 2);
    const path = folder.file(largest);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 139_999 }), (log2, beyond) => {
        const span = 1024 << log2;
        const length = Math.min(span + beyond, largest.length);
        expect(hex(digestByPieces(path, length, span))).toBe(hex(addon.digestBytes(largest.subarray(0, length))));
      }),
      { numRuns: 60 },
    );
  });

  it('counts chunks beyond 32 bits', () => {
    const bytes = randomBytes(16 * 1024, 3);
    const path = folder.file(bytes);
    const at = (firstChunk: number, offset: number, length: number): Uint8Array =>
      addon.digest({ ranges: [{ path, offset, length }], firstChunk, whole: false, cancel: neverCancelled() });
    const first = 2 ** 33;
    const parent = at(first, 0, bytes.length);
    expect(hex(at(2 ** 33 + 2 ** 32, 0, bytes.length))).not.toBe(hex(parent));
    expect(hex(at(0, 0, bytes.length))).not.toBe(hex(parent));
  });

  it('refuses pieces that are no subtree of their content', () => {
    const path = folder.file(new Uint8Array(8192));
    const digest =
      (firstChunk: number, length: number, whole = false) =>
      (): unknown =>
        addon.digest({ ranges: [{ path, offset: 0, length }], firstChunk, whole, cancel: neverCancelled() });
    expect(codeOf(digest(1, 2048))).toBe('bad_request');
    expect(codeOf(digest(2, 2049))).toBe('bad_request');
    expect(codeOf(digest(0, 0))).toBe('bad_request');
    expect(codeOf(digest(4, 4096, true))).toBe('bad_request');
    expect(codeOf(digest(4, 4096))).toBe('nothing was thrown');
  });

  it('refuses to join what does not fit', () => {
    const values = new Uint8Array(64);
    expect(codeOf(() => addon.joinDigests(values, 1000, 2048))).toBe('bad_request');
    expect(codeOf(() => addon.joinDigests(values, 512, 1024))).toBe('bad_request');
    expect(codeOf(() => addon.joinDigests(values, 1024, 1024))).toBe('bad_request');
    expect(codeOf(() => addon.joinDigests(values, 1024, 4096))).toBe('bad_request');
    expect(codeOf(() => addon.joinDigests([] as unknown as Uint8Array, 1024, 2048))).toBe('bad_request');
  });

  it('says so where a file is shorter than the range, or is not there', () => {
    const path = folder.file(new Uint8Array(100));
    expect(codeOf(() => digestOfPiece(path, 0, 101, true))).toBe('changed');
    expect(codeOf(() => digestOfPiece(folder.newPath(), 0, 1, true))).toBe('not_found');
  });

  it('stops where it is cancelled', () => {
    const path = folder.file(new Uint8Array(100));
    const cancel = neverCancelled();
    cancel[0] = 1;
    expect(codeOf(() => addon.digest({ ranges: [{ path, offset: 0, length: 100 }], firstChunk: 0, whole: true, cancel }))).toBe(
      'cancelled',
    );
  });
});
