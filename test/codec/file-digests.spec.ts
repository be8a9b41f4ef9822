/** Digests of whole files that follow somebody who reads or writes them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestRanges } from '../../core/codec/decode.ts';
import { FileDigests } from '../../core/codec/file-digests.ts';
import { hashing, hex } from '../../core/codec/hashing.ts';
import { pieceBytes } from '../../core/codec/pieces.ts';
import { CodecPool } from '../../core/codec/pool.ts';

const cancel = new Int32Array(new SharedArrayBuffer(4));
let folder: string;
let pool: CodecPool;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-test-'));
  pool = new CodecPool(2);
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

function fileOf(name: string, bytes: number): { file: string; digest: string } {
  const file = path.join(folder, name);
  const content = randomBytes(bytes);
  writeFileSync(file, content);
  return { file, digest: hex(hashing.digestBytes(content)) };
}

describe('a digest that follows', () => {
  it.each([0, 1, 1024, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes + 12345])(
    'is that of a file of %d bytes, whatever was followed before',
    async (bytes) => {
      const { file, digest } = fileOf('file', bytes);
      expect(await digestRanges(pool, [{ path: file, offset: 0, length: bytes }], cancel)).toBe(digest);
      for (const steps of [[], [bytes], [bytes / 3, bytes / 2, bytes], [pieceBytes, pieceBytes, 2 * pieceBytes + 1]]) {
        const digests = new FileDigests(pool, cancel);
        digests.expect(file, bytes);
        for (const end of steps) digests.follow({ path: file, offset: 0, length: Math.min(Math.floor(end), bytes) });
        expect(await digests.value(file)).toBe(digest);
      }
    },
  );

  it('reads every byte once, of several files in turn, and of no other', async () => {
    const [a, b] = [fileOf('a', 2 * pieceBytes + 5), fileOf('b', pieceBytes + 7)];
    let read = 0;
    const digests = new FileDigests(pool, cancel, (bytes) => (read += bytes));
    digests.expect(a.file, 2 * pieceBytes + 5);
    digests.expect(b.file, pieceBytes + 7);
    digests.follow({ path: a.file, offset: 0, length: pieceBytes });
    digests.follow({ path: b.file, offset: pieceBytes, length: 7 });
    digests.follow({ path: path.join(folder, 'other'), offset: 0, length: 4 * pieceBytes });
    digests.follow({ path: a.file, offset: pieceBytes, length: pieceBytes });
    await digests.settled();
    expect(read).toBe(3 * pieceBytes + 7);
    expect([await digests.value(a.file), await digests.value(b.file)]).toEqual([a.digest, b.digest]);
    expect(read).toBe(3 * pieceBytes + 12);
  });

  it('tells whoever wants it that the file has become shorter', async () => {
    const { file } = fileOf('shorter', 2 * pieceBytes);
    const digests = new FileDigests(pool, cancel);
    digests.expect(file, 2 * pieceBytes);
    truncateSync(file, pieceBytes);
    digests.follow({ path: file, offset: 0, length: 2 * pieceBytes });
    await digests.settled();
    await expect(digests.value(file)).rejects.toMatchObject({ code: 'changed', path: file });
  });
});
