import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EncodeRequest, EncodeResult, WriteRequest } from '../../core/codec/binding.ts';
import { elements, tensorBlockLog2 } from '../../core/codec/elements.ts';
import { encodeContents, type BlobSink } from '../../core/codec/encode.ts';
import { pieceBytes } from '../../core/codec/pieces.ts';
import { CodecPool } from '../../core/codec/pool.ts';

/** The real pool, which remembers what slots are in use. */
class WatchedPool extends CodecPool {
  readonly slots = new Set<number>();

  override async encode(request: EncodeRequest): Promise<EncodeResult> {
    const result = await super.encode(request);
    this.slots.add(result.slot);
    return result;
  }

  override write(request: WriteRequest): Promise<void> {
    this.slots.delete(request.slot);
    return super.write(request);
  }

  override release(slot: number): Promise<void> {
    this.slots.delete(slot);
    return super.release(slot);
  }
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('coding contents', () => {
  it('frees every slot where writing fails in the middle of a large content', async () => {
    const source = path.join(folder, 'source');
    const length = 2 * pieceBytes;
    writeFileSync(source, Buffer.alloc(length, 7));
    const content = {
      ranges: [{ path: source, offset: 0, length }],
      length,
      element: elements.float32,
      blockLog2: tensorBlockLog2,
      coding: 'tensor' as const,
    };
    const sink: BlobSink = { path: path.join(folder, 'missing'), has: () => false, reserve: () => 0, rewind: () => {}, add: () => {} };
    const pool = new WatchedPool(2);
    const options = { method: 'cairn' as const, cancel: new Int32Array(new SharedArrayBuffer(4)), onPiece: () => undefined };
    await expect(encodeContents(pool, [content], sink, options)).rejects.toMatchObject({ code: 'not_found', path: sink.path });
    expect([...pool.slots]).toEqual([]);
    await pool.close();
  });
});
