/** Copies of the sample chain, and the bytes of folders. */
import { cp, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const sampleChain = path.resolve('test/fixtures/sample-chain');

/** A run's folder below `place` that a test may change. */
export async function copyChain(place: string): Promise<string> {
  const folder = path.join(place, 'runs', 'ft-07');
  await cp(sampleChain, folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

/** Path below a folder -> bytes in base64. */
export async function bytesBelow(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const place = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.relative(folder, place)] = (await readFile(place)).toString('base64');
  }
  return found;
}
