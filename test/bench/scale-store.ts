/** A store as large as years of training make one: 100,000 snapshots of 81 runs, and one snapshot of 100,000 tensors. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashing } from '../../core/codec/hashing.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { encodeManifest, type Manifest } from '../../core/store/manifest.ts';
import { nameOfManifest, Store } from '../../core/store/store.ts';

const root = path.resolve(import.meta.dirname, '../..');
export const cli = path.join(root, 'dist/cli.js');

export interface Places {
  home: string;
  store: string;
}

export const argumentsOf = ({ home, store }: Places): string[] => ['--home', home, '--store', store];

export const wideName = 'wide';
export const longName = 'run-80';
const longSteps = 20_000;
const otherSteps = 1000;
const otherRuns = 80;

/** Archives a checkpoint of one safetensors file with so many tensors, as any checkpoint is. */
function archiveWide(folder: string, places: Places, tensors: number): void {
  const checkpoint = path.join(folder, wideName, 'step-1');
  mkdirSync(checkpoint, { recursive: true });
  const header: Record<string, unknown> = {};
  for (let index = 0; index < tensors; index++)
    header[`model.layers.${Math.floor(index / 400)}.experts.${index % 400}.${index % 3 === 0 ? 'up' : 'down'}_proj.weight`] = {
      dtype: index % 2 === 0 ? 'BF16' : 'F32',
      shape: [index % 2 === 0 ? 16 : 8],
      data_offsets: [index * 32, index * 32 + 32],
    };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const body = Buffer.from(Uint8Array.from({ length: tensors * 32 }, (_, at) => (at * 2_654_435_761) >>> 11));
  writeFileSync(path.join(checkpoint, 'model.safetensors'), Buffer.concat([length, text, body]));
  execFileSync(process.execPath, [cli, 'archive', path.join(folder, wideName), ...argumentsOf(places)], { stdio: 'ignore' });
}

/** Manifests of one run, each like one that was archived, on the one before it. */
async function writeRun(folder: string, like: Manifest, name: string, steps: number): Promise<void> {
  let base: string | undefined;
  for (let index = 0; index < steps; index++) {
    const depth = index % 9;
    const time = new Date(Date.UTC(2025, 0, 1) + index * 600_000).toISOString();
    const { base: _, ...rest } = like;
    const manifest: Manifest = {
      ...rest,
      ...{ run: { ...like.run, name, path: `/data/runs/${name}` }, step: (index + 1) * 100, path: `step-${(index + 1) * 100}` },
      ...{ time, created: time, depth, ...(depth > 0 && base !== undefined ? { base } : {}) },
      bytesStored: Math.round(like.bytesOriginal * (depth === 0 ? 0.66 : 0.35 + 0.1 * Math.sin(index))),
    };
    const { id, bytes } = await encodeManifest(manifest, hashing);
    const file = path.join(folder, nameOfManifest(id));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    base = id;
  }
}

/** @returns how many snapshots the store holds now */
export async function makeStore(folder: string, places: Places): Promise<number> {
  const chain = path.join(root, 'test/fixtures/sample-chain');
  execFileSync(process.execPath, [cli, 'archive', chain, ...argumentsOf(places)], { stdio: 'ignore' });
  const store = await Store.open({ backend: new LocalBackend(places.store), hashing, mode: 'read' });
  const [first] = await store.snapshotIds();
  const like = await store.manifest(first!);
  for (let run = 0; run < otherRuns; run++) await writeRun(places.store, like, `run-${String(run).padStart(2, '0')}`, otherSteps);
  await writeRun(places.store, like, longName, longSteps);
  archiveWide(folder, places, 100_000);
  return otherRuns * otherSteps + longSteps;
}
