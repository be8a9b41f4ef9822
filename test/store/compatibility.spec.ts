/**
 * Every golden store that was ever committed is opened by this build, verifies, and gives back the very files it was made of. None
 * is ever made anew; where a format gets one more, its line comes here.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Bench } from '../jobs/context.ts';
import { StoreDecoder } from '../decoder/store.ts';

const fixtures = path.resolve(import.meta.dirname, '../fixtures');

/** SHA-256 over paths and bytes of all files of all snapshots, in the order of their ids. */
const golden: Record<string, { snapshots: number; sum: string }> = {
  'golden-v1': { snapshots: 1, sum: 'a528e717b1564b07f3e3ef5f7a28217405d09b00072d55d636bbe9dd817694a4' },
  'golden-v1-codecs': { snapshots: 4, sum: '005a4f5e70f2d114f52cda17ad488955217efe0bd651ef77dedff83695e09f46' },
  'golden-v1-parts': { snapshots: 2, sum: 'd8367c538d6814756b0bf8f9b4c66c0e53dc021258f402291dc61f363b19d03c' },
};

function addFiles(sum: ReturnType<typeof createHash>, folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!statSync(path.join(folder, name)).isFile()) continue;
    sum.update(`${name}\0`).update(readFileSync(path.join(folder, name)));
  }
}

describe('golden stores', () => {
  it('are all of them known here', () => {
    expect(readdirSync(fixtures).filter((name) => name.startsWith('golden-'))).toEqual(Object.keys(golden).sort());
  });

  it.each(Object.entries(golden))('%s opens, verifies and restores, in both decoders', async (name, expected) => {
    const bench = new Bench();
    onTestFinished(() => bench.close());
    const folder = path.join(fixtures, name);
    cpSync(existsSync(path.join(folder, 'store')) ? path.join(folder, 'store') : folder, bench.storePath, { recursive: true });
    expect((await bench.verify()).findings).toEqual([]);
    expect((await bench.verify({ mode: 'structure' })).findings).toEqual([]);
    const sum = createHash('sha256');
    const decoder = new StoreDecoder(bench.storePath);
    const ids = [...decoder.manifests.keys()].sort();
    for (const id of ids) {
      const to = bench.path('back');
      await bench.restore({ snapshot: id, to });
      addFiles(sum, to);
      const manifest = decoder.manifests.get(id)!;
      for (const [index, file] of manifest.files.entries())
        expect(readFileSync(path.join(to, file.path)).equals(decoder.file(manifest, index))).toBe(true);
      rmSync(to, { recursive: true });
    }
    expect({ snapshots: ids.length, sum: sum.digest('hex') }).toEqual(expected);
  });
});
