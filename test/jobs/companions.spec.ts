/** Checkpoints that hold a tensor twice, as float32 and rounded: the second takes nothing, and everything comes back. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codecNames } from '../../core/codec/elements.ts';
import { SnapshotContents } from '../../core/service/snapshot-contents.ts';
import { decodeRounded } from '../decoder/rounded.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { Bench } from './context.ts';
import { bytesOf, picture, safetensors, weights, writeStep, type TestTensor } from './files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const count = 6000;
const rounding = (master: Uint8Array): Uint8Array => decodeRounded(new Uint8Array(), master.length / 2, 6, master);
const tensor = (name: string, dtype: string, bytes: Uint8Array): TestTensor => ({ name, dtype, shape: [count], bytes });

/** A step with masters in a file of their own, under other names; `off` spoils one rounded value. */
function writeBoth(run: string, step: number, values: Float32Array[], off = false): string {
  const masters = values.map((each) => bytesOf(each));
  const halves = masters.map((master, index) => tensor(`model.layer.${index}`, 'BF16', rounding(master)));
  if (off) halves[0]!.bytes[8]! ^= 1;
  const folder = writeStep(run, step, halves);
  const named = masters.map((master, index) => tensor(`fp32.${index}`, 'F32', master));
  writeFileSync(path.join(folder, 'optimizer.safetensors'), safetensors(named));
  return folder;
}

const first = [weights(count, 1), weights(count, 2), weights(count, 3)];
const second = first.map((values, index) => weights(count, 10 + index, values));

describe('rounded tensors beside their masters', () => {
  it('take a byte a block, are proved, verified, decoded by the second decoder and restored without the originals', async () => {
    const run = bench.path('run');
    const steps = [writeBoth(run, 100, first), writeBoth(run, 200, second)];
    const before = steps.map((step) => picture(step));
    const archived = await bench.archive({ paths: [run] });
    expect(archived.errors).toEqual([]);
    expect(archived.snapshots.map(({ kind, depth }) => [kind, depth])).toEqual([
      ['keyframe', 0],
      ['delta', 1],
    ]);
    rmSync(run, { recursive: true });
    const decoder = new StoreDecoder(bench.storePath);
    expect(decoder.codecs().get(codecNames.indexOf('rounded'))).toBe(6);
    for (const [index, { id }] of archived.snapshots.entries()) {
      const to = bench.path('restored', id);
      await bench.restore({ snapshot: id, to });
      expect(picture(to)).toEqual(before[index]);
      const manifest = decoder.manifests.get(id)!;
      for (const file of manifest.files.keys()) expect(decoder.file(manifest, file).length).toBe(manifest.files[file]!.size);
    }
    expect((await bench.verify()).findings).toEqual([]);
    expect((await bench.verify({ mode: 'structure' })).findings).toEqual([]);
  });

  it('are told by what they are stored with: their masters, and what they were a step before', async () => {
    const run = bench.path('run');
    writeBoth(run, 100, first);
    writeBoth(run, 200, second);
    const { snapshots } = await bench.archive({ paths: [run] });
    const rows = await bench.onStore(
      'read',
      async (store) => (await new SnapshotContents(store).tensors(snapshots[1]!.id, 0, 100)).tensors,
    );
    expect(rows.map(({ name, pairs }) => [name, pairs])).toEqual([
      ...[0, 1, 2].map((index) => [`model.layer.${index}`, [{ role: 'master', tensor: `fp32.${index}` }]]),
      ...[0, 1, 2].map((index) => [`fp32.${index}`, [{ role: 'base', tensor: `fp32.${index}` }]]),
    ]);
  });

  it('are coded otherwise where one value differs', async () => {
    const run = bench.path('run');
    const step = writeBoth(run, 100, first, true);
    const { snapshots, errors } = await bench.archive({ paths: [run] });
    expect(errors).toEqual([]);
    expect(new StoreDecoder(bench.storePath).codecs().get(codecNames.indexOf('rounded'))).toBe(2);
    await bench.restore({ snapshot: snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(step));
  });

  it('are not looked for by method lmc', async () => {
    const run = bench.path('run');
    writeBoth(run, 100, first);
    expect((await bench.archive({ paths: [run], method: 'lmc' })).errors).toEqual([]);
    expect(new StoreDecoder(bench.storePath).codecs().has(codecNames.indexOf('rounded'))).toBe(false);
  });
});
