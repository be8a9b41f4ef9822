/** Real files in a folder that goes away with the test file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

export interface TemporaryFolder {
  readonly path: string;
  /** Writes a file and gives its path. */
  put(name: string, bytes: Uint8Array | string): Promise<string>;
}

export function temporaryFolder(): TemporaryFolder {
  const folder = { path: '', put: async (name: string, bytes: Uint8Array | string) => save(join(folder.path, name), bytes) };
  beforeAll(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'cairn-formats-'));
  });
  afterAll(() => rm(folder.path, { recursive: true, force: true }));
  return folder;
}

async function save(path: string, bytes: Uint8Array | string): Promise<string> {
  await writeFile(path, bytes);
  return path;
}
