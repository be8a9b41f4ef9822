/** Stores that archive itself wrote when codecs came, together with most block codecs: what was written then is read for ever. */
import { cpSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecNames } from '../../core/codec/elements.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { Bench } from '../jobs/context.ts';

/** By store: its snapshots by run and step, as they were archived, and the ids of the codecs in it. */
const stores = [
  {
    store: 'golden-v1-codecs',
    snapshots: {
      'run@1': '30166cd3bae077258e26bdeb04de408d',
      'run@2': '0dab4a9880ca90be0f9218b453fbcd53',
      'lmc-run@1': '052d41b342ef707c56fe20d2dedde566',
      'lmc-run@2': '9ab96589b6b18dfb1e224b5cba92a1cf',
    },
    codecs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
  {
    store: 'golden-v1-parts',
    snapshots: { 'parts-run@1': '7430b529600e72303e5774790805411e', 'parts-run@2': 'c8cce668f95dfafae6267a380fcdd69e' },
    codecs: [0, 3, 4, 14],
  },
];
const savedAtNs = 1767323045677999973n;

/** Kept compressed, because one tensor is a long row of zeros. */
function originalsOf(golden: string, name: string): Record<string, Buffer> {
  const [run, step] = name.split('@') as [string, string];
  const folder = path.join(golden, 'originals', run, `step-00000${step}`);
  return Object.fromEntries(
    readdirSync(folder).map((file) => [file.replace(/\.zst$/, ''), zstdDecompressSync(readFileSync(path.join(folder, file)))]),
  );
}

const bytesBelow = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file))]));

describe.each(stores)('$store', ({ store, snapshots, codecs }) => {
  const golden = path.resolve(import.meta.dirname, '../fixtures', store);
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
    cpSync(path.join(golden, 'store'), bench.storePath, { recursive: true });
  });
  afterEach(() => bench.close());

  it('has a block of each of its codecs, which the format knows', () => {
    const inStore = [...new StoreDecoder(bench.storePath).codecs().keys()].sort((a, b) => a - b);
    expect(inStore).toEqual(codecs);
    expect(codecNames.length).toBeGreaterThan(Math.max(...inStore));
  });

  it.each(['structure', 'data'] as const)('verifies, mode %s', async (mode) => {
    expect(await bench.verify({ mode })).toMatchObject({ findings: [], snapshots: Object.keys(snapshots).length });
  });

  it.each(Object.entries(snapshots))('gives %s back as it was', async (name, id) => {
    await bench.restore({ snapshot: id, to: bench.path('by-id') });
    await bench.restore({ snapshot: name, to: bench.path('by-name') });
    for (const folder of [bench.path('by-id'), bench.path('by-name')]) {
      expect(Object.keys(bytesBelow(folder))).toEqual(Object.keys(originalsOf(golden, name)));
      for (const [file, bytes] of Object.entries(originalsOf(golden, name))) {
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
      expect(manifest.files.map((file) => file.path).sort()).toEqual(Object.keys(originalsOf(golden, name)).sort());
      for (const [index, { path: file }] of manifest.files.entries())
        expect(originalsOf(golden, name)[file]!.equals(decoder.file(manifest, index))).toBe(true);
    }
  });
});
