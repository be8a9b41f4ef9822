/** Reading just the range of a file that is wanted, and gathering ranges into one file. */
import { open, type FileHandle } from 'node:fs/promises';
import type { FileRange } from '../codec/binding.ts';
import { CairnError } from '../contract/errors.ts';

/** Copied at a time, so that memory doesn't grow with a tensor. */
const pieceBytes = 8 * 1024 * 1024;

const shorter = (path: string): CairnError =>
  new CairnError('changed', `${path}: the file became shorter while it was read; scan it again`, { path });

async function* piecesOf({ path, offset, length }: FileRange): AsyncGenerator<Buffer> {
  const from = await open(path, 'r');
  const piece = Buffer.allocUnsafe(Math.min(length, pieceBytes));
  try {
    for (let at = 0; at < length;) {
      const { bytesRead } = await from.read(piece, 0, Math.min(piece.length, length - at), offset + at);
      if (bytesRead === 0) throw shorter(path);
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await from.close();
  }
}

async function writeAll(to: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await to.write(bytes, at)).bytesWritten;
}

/** @throws CairnError `changed` where the file is shorter. */
export async function readRange(range: FileRange): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(range.length);
  let at = 0;
  for await (const piece of piecesOf(range)) at += piece.copy(bytes, at);
  return bytes;
}

/**
 * Writes ranges one after the other into a new file.
 *
 * @returns the range that they are there
 * @throws CairnError `changed` where a file is shorter
 */
export async function gatherRanges(ranges: readonly FileRange[], file: string): Promise<FileRange> {
  const to = await open(file, 'wx');
  try {
    for (const range of ranges) for await (const piece of piecesOf(range)) await writeAll(to, piece);
  } finally {
    await to.close();
  }
  return { path: file, offset: 0, length: ranges.reduce((sum, { length }) => sum + length, 0) };
}

/** Ranges one after the other until there are `most` bytes, the last one cut: those of sources and of their bases alike. */
export function firstBytes(ranges: readonly FileRange[], most: number): FileRange[] {
  const taken: FileRange[] = [];
  let left = most;
  for (const range of ranges) {
    if (left <= 0) break;
    taken.push({ ...range, length: Math.min(range.length, left) });
    left -= range.length;
  }
  return taken;
}
