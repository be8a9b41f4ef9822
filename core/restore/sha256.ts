/** SHA-256 of an archived file, for comparing with what model hubs list: decoded to a temporary file, hashed, and removed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { CodecPool } from '../codec/pool.ts';
import type { StoredContent } from '../codec/decode.ts';
import { toCairnError } from '../contract/errors.ts';
import type { Manifest } from '../store/manifest.ts';
import { restoreFiles } from './restore.ts';

/**
 * @param file its path in the snapshot
 * @returns 64 hex digits
 * @throws CairnError `not_found`, `no_space` where the temporary folder lacks room for the file, `damaged`, `io`
 */
export async function sha256Of(
  manifest: Manifest,
  file: string,
  pool: CodecPool,
  content: (digest: string) => Promise<StoredContent>,
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cairn-sha256-'));
  try {
    const cancel = new Int32Array(new SharedArrayBuffer(4));
    const wanted = (name: string): boolean => name === file;
    await restoreFiles(manifest, { pool, cancel, to: folder, force: false, wanted, content, onBytes: () => undefined });
    const hash = createHash('sha256');
    await pipeline(createReadStream(path.join(folder, file), { highWaterMark: 1 << 20 }), hash);
    return hash.digest('hex');
  } catch (thrown) {
    throw toCairnError(thrown);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
