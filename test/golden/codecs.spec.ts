/** A store that the first version's own archive wrote, with every block codec in it: what was written then is read for ever. */
import { cpSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecNames } from '../../core/codec/elements.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { Bench } from '../jobs/context.ts';

const golden = path.resolve(import.meta.dirname, '../fixtures/golden-v1-codecs');
/** By run and step, as they were archived; kept compressed, because one tensor is a long row of zeros. */
const snapshots = {
  'run@1': '30166cd3bae077258e26bdeb04de408d',
  'run@2': '0dab4a9880ca90be0f9218b453fbcd53',
  'lmc-run@1': '052d41b342ef707c56fe20d2dedde566',
  'lmc-run@2': '9ab96589b6b18dfb1e224b5cba92a1cf',
};
const savedAtNs = 1767323045677999973n;

function originalsOf(name: string): Record<string, Buffer> {
  const [run, step] = name.split('@') as [string, string];
  const folder = path.join(golden, 'originals', run, `step-00000${step}`);
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file.replace(/\.zst$/, ''), zstdDecompressSync(readFileSync(path.join(folder, file)))]),
  );
}

const bytesBelow = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file))]));

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  cpSync(path.join(golden, 'store'), bench.storePath, { recursive: true });
});
afterEach(() => bench.close());

describe('the golden store of every codec', () => {
  it('has a block of each codec that the format knows', () => {
    const { size } = new StoreDecoder(bench.storePath).codecs();
    expect([...new StoreDecoder(bench.storePath).codecs().keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: size }, (_, id) => id),
    );
    expect(size).toBe(11);
    // Codecs that came later have golden stores of their own.
    expect(codecNames.length).toBeGreaterThanOrEqual(size);
  });

  it.each(['structure', 'data'] as const)('verifies, mode %s', async (mode) => {
    expect(await bench.verify({ mode })).toMatchObject({ findings: [], snapshots: 4 });
  });

  it.each(Object.entries(snapshots))('gives %s back as it was', async (name, id) => {
    await bench.restore({ snapshot: id, to: bench.path('by-id') });
    await bench.restore({ snapshot: name, to: bench.path('by-name') });
    for (const folder of [bench.path('by-id'), bench.path('by-name')]) {
      expect(Object.keys(bytesBelow(folder))).toEqual(Object.keys(originalsOf(name)));
      for (const [file, bytes] of Object.entries(originalsOf(name))) {
        expect(bytes.equals(readFileSync(path.join(folder, file)))).toBe(true);
        expect(statSync(path.join(folder, file), { bigint: true }).mtimeNs).toBe(savedAtNs);
      }
    }
  });

  it('is read by the second decoder as it was', () => {
    const decoder = new StoreDecoder(path.join(golden, 'store'));
    expect([...decoder.manifests.keys()].sort()).toEqual(Object.values(snapshots).sort());
    for (const [name, id] of Object.entries(snapshots)) {
      const manifest = decoder.manifests.get(id)!;
      expect(manifest.files.map((file) => file.path).sort()).toEqual(Object.keys(originalsOf(name)).sort());
      for (const [index, { path: file }] of manifest.files.entries())
        expect(originalsOf(name)[file]!.equals(decoder.file(manifest, index))).toBe(true);
    }
  });
});
