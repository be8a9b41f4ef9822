/**
 * Cuts contents into pieces that one task codes: at most `pieceBytes` of one content, or many small contents together, so
 * that a task is long enough to be worth sending and short enough to bound memory and share the work out evenly.
 */
import type { FileRange, RawSource } from './binding.ts';
import type { ElementId } from './elements.ts';

/** A multiple of every block size, and of BLAKE3's 1 KiB chunks by a power of two, so that a piece is one subtree. */
export const pieceBytes = 8 * 1024 * 1024;
const batchItems = 256;

/** Original bytes to be coded as one blob. At least one byte. */
export interface Content {
  /** Read one after the other. The tensor coding has exactly one. */
  ranges: FileRange[];
  length: number;
  element: ElementId;
  blockLog2: number;
  coding: 'tensor' | 'bytes';
  /** Elements a row, where the size of elements is likely to follow rows and columns. */
  columns?: number;
  /** The content that a delta may be taken against: its digest, and where to read a piece of it. */
  base?: { digest: string; piece(offset: number, length: number): RawSource | Promise<RawSource> };
  /** A content of the same checkpoint that says something of this one, and its role. Coded before it. */
  companion?: { role: number; digest: string; piece(offset: number, length: number): RawSource };
}

export interface PieceOf<T> {
  content: T;
  offset: number;
  length: number;
  /** The piece is all of its content. */
  whole: boolean;
}
export type Piece = PieceOf<Content>;

export const firstChunkOf = (piece: { offset: number }): number => piece.offset / 1024;

export function* piecesOf<T extends { length: number }>(content: T): Generator<PieceOf<T>> {
  const whole = content.length <= pieceBytes;
  for (let offset = 0; offset < content.length; offset += pieceBytes) {
    yield { content, offset, length: Math.min(pieceBytes, content.length - offset), whole };
  }
}

/** Pieces in order, gathered into tasks. Pieces of the bytes coding go alone, because they run outside native code. */
export function* batchesOf<T extends { length: number; coding: 'tensor' | 'bytes' }>(contents: Iterable<T>): Generator<PieceOf<T>[]> {
  let batch: PieceOf<T>[] = [];
  let bytes = 0;
  for (const content of contents) {
    for (const piece of piecesOf(content)) {
      const alone = content.coding === 'bytes';
      if (batch.length > 0 && (alone || bytes + piece.length > pieceBytes || batch.length >= batchItems)) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push(piece);
      bytes += piece.length;
      if (alone) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
    }
  }
  if (batch.length > 0) yield batch;
}

/** The part of a content's ranges that a piece covers. */
export function rangesOf(ranges: readonly FileRange[], offset: number, length: number): FileRange[] {
  const found: FileRange[] = [];
  let start = 0;
  for (const range of ranges) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, start + range.length);
    if (from < to) found.push({ path: range.path, offset: range.offset + (from - start), length: to - from });
    start += range.length;
  }
  return found;
}
