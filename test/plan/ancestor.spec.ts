/** What a first checkpoint of a run is taken against: over real stores, because it is bytes that decide. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashing } from '../../core/codec/hashing.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import type { Manifest } from '../../core/store/manifest.ts';
import { Store } from '../../core/store/store.ts';
import { Bench } from '../jobs/context.ts';
import { bytesOf, picture, weights, writeStep, type TestTensor } from '../jobs/files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const names = ['embedding', 'layer.0', 'layer.1', 'head'];
const count = 20_000;

/** A model of four float32 matrices; `drift` moves it from another. */
function model(seed: number, from?: Float32Array[]): Float32Array[] {
  return names.map((_, at) => weights(count, seed * 10 + at + 1, from?.[at]));
}
const tensorsOf = (values: readonly Float32Array[], prefix = ''): TestTensor[] =>
  values.map((array, at) => ({ name: prefix + names[at]!, dtype: 'F32', shape: [array.length / 100, 100], bytes: bytesOf(array) }));

const readStore = (): Promise<Store> => Store.open({ backend: new LocalBackend(bench.storePath), hashing, mode: 'read' });
const manifestOf = async (id: string): Promise<Manifest> => (await readStore()).manifest(id);

/** Deltas to apply by tensor. */
async function depthsOf(id: string): Promise<Record<string, number>> {
  const store = await readStore();
  const manifest = await store.manifest(id);
  const depths: Record<string, number> = {};
  for (const { name, file, part } of manifest.tensors)
    depths[name] = await store.depthOf(manifest.blobs[manifest.files[file]!.parts[part]![2]]!);
  return depths;
}

const original = count * 4 * names.length;

describe('a run that was started from something in the store', () => {
  it('takes its first bases from there, and from the step that it continues', async () => {
    const steps = [model(1)];
    for (let step = 1; step < 4; step++)
      steps.push(
        model(
          step + 1,
          steps[step - 1]!.map((array) => array.map((value) => value * 1.5) as Float32Array),
        ),
      );
    steps.forEach((values, at) => writeStep(bench.path('base'), 100 * (at + 1), tensorsOf(values)));
    const base = await bench.archive({ paths: [bench.path('base')] });
    writeStep(bench.path('tuned'), 10, tensorsOf(model(9, steps[1]!)));
    writeStep(bench.path('tuned'), 20, tensorsOf(model(10, model(9, steps[1]!))));
    const tuned = await bench.archive({ paths: [bench.path('tuned')] });
    expect(tuned.errors).toEqual([]);
    expect(tuned.snapshots[0]!.kind).toBe('delta');
    expect(tuned.snapshots[0]!.bytesStored).toBeLessThan(0.7 * original);
    const shown = await manifestOf(tuned.snapshots[0]!.id);
    expect(shown.base).toBe(base.snapshots[1]!.id);
    expect((await manifestOf(tuned.snapshots[1]!.id)).base).toBe(tuned.snapshots[0]!.id);
    rmSync(bench.path('base'), { recursive: true });
    expect((await bench.verify()).findings).toEqual([]);
    await bench.restore({ snapshot: tuned.snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(tuned.snapshots[0]!.path));
  });

  it('finds it among many strangers of the same shapes', async () => {
    for (let stranger = 1; stranger <= 5; stranger++) writeStep(bench.path(`run-${'abcde'[stranger - 1]}`), 1, tensorsOf(model(stranger)));
    const strangers = await bench.archive({ paths: [...'abcde'].map((letter) => bench.path(`run-${letter}`)) });
    expect(strangers.snapshots.map(({ kind }) => kind)).toEqual(Array(5).fill('keyframe'));
    writeStep(bench.path('tuned'), 1, tensorsOf(model(20, model(3))));
    const { snapshots } = await bench.archive({ paths: [bench.path('tuned')] });
    const base = (await manifestOf(snapshots[0]!.id)).base!;
    expect((await manifestOf(base)).run.name).toBe('run-c');
  });

  it('stays a keyframe where it is another model, or where that is asked for', async () => {
    writeStep(bench.path('base'), 1, tensorsOf(model(1)));
    await bench.archive({ paths: [bench.path('base')] });
    writeStep(bench.path('renamed'), 1, tensorsOf(model(2, model(1)), 'other.'));
    writeStep(bench.path('stranger'), 1, tensorsOf(model(7)));
    writeStep(bench.path('tuned'), 1, tensorsOf(model(8, model(1))));
    const renamed = await bench.archive({ paths: [bench.path('renamed'), bench.path('stranger')] });
    expect(renamed.snapshots.map(({ kind }) => kind)).toEqual(['keyframe', 'keyframe']);
    const keyframe = await bench.archive({ paths: [bench.path('tuned')], keyframe: true });
    expect(keyframe.snapshots[0]!.kind).toBe('keyframe');
  });

  it('comes after what it was started from when both are archived at once', async () => {
    const base = writeStep(bench.path('z-base'), 1, tensorsOf(model(1)));
    utimesSync(path.join(base, 'model.safetensors'), 1_700_000_000, 1_700_000_000);
    writeStep(bench.path('a-tuned'), 1, tensorsOf(model(2, model(1))));
    const { snapshots } = await bench.archive({ paths: [bench.path('a-tuned'), bench.path('z-base')] });
    expect(snapshots.map(({ run, kind }) => [run, kind])).toEqual([
      ['z-base', 'keyframe'],
      ['a-tuned', 'delta'],
    ]);
  });

  it('is archived all the same when the only candidate is damaged', async () => {
    writeStep(bench.path('base'), 1, tensorsOf(model(1)));
    const { snapshots } = await bench.archive({ paths: [bench.path('base')] });
    rmSync(bench.path('base'), { recursive: true });
    const manifest = path.join(bench.storePath, 'snapshots', `${snapshots[0]!.id}.manifest`);
    const bytes = readFileSync(manifest);
    bytes[70]! ^= 255;
    writeFileSync(manifest, bytes);
    writeStep(bench.path('tuned'), 1, tensorsOf(model(2, model(1))));
    const tuned = await bench.archive({ paths: [bench.path('tuned')] });
    expect(tuned.errors).toEqual([]);
    expect(tuned.snapshots).toHaveLength(1);
  });
});

describe('content that is in the store already', () => {
  it('is stored once, whatever the names of tensor, file and run', async () => {
    const values = model(1);
    writeStep(bench.path('run'), 1, tensorsOf(values));
    await bench.archive({ paths: [bench.path('run')] });
    const other = writeStep(bench.path('elsewhere'), 7, tensorsOf(values, 'module.').toReversed());
    renameSync(path.join(other, 'model.safetensors'), path.join(other, 'pytorch_model.safetensors'));
    const { snapshots } = await bench.archive({ paths: [bench.path('elsewhere')] });
    expect(snapshots[0]!.bytesStored).toBeLessThan(1000);
    expect((await bench.verify()).findings).toEqual([]);
    await bench.restore({ snapshot: snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(other));
  });

  it('costs nothing when a run was moved, and its chain goes on', async () => {
    const first = model(1);
    writeStep(bench.path('run'), 1, tensorsOf(first));
    await bench.archive({ paths: [bench.path('run')] });
    mkdirSync(bench.path('moved'));
    cpSync(bench.path('run'), bench.path('moved/run'), { recursive: true, preserveTimestamps: true });
    rmSync(bench.path('run'), { recursive: true });
    writeStep(bench.path('moved/run'), 2, tensorsOf(model(2, first)));
    const { snapshots } = await bench.archive({ paths: [bench.path('moved/run')] });
    expect(snapshots[0]!.bytesStored).toBe(0);
    expect(snapshots[1]).toMatchObject({ kind: 'delta', depth: 1 });
  });
});

describe('changes along a chain', () => {
  it('give keyframes to the tensors concerned only', async () => {
    const first = model(1);
    writeStep(bench.path('run'), 1, tensorsOf(first));
    const second = model(2, first);
    const wide = [weights(count + 5000, 77), ...second.slice(1)];
    const added = { name: 'adapter', dtype: 'F32', shape: [50, 100], bytes: bytesOf(weights(5000, 78)) };
    writeStep(bench.path('run'), 2, [...tensorsOf(wide), added]);
    const { snapshots } = await bench.archive({ paths: [bench.path('run')] });
    const depths = await depthsOf(snapshots[1]!.id);
    expect(depths).toEqual({ embedding: 0, 'layer.0': 1, 'layer.1': 1, head: 1, adapter: 0 });
    expect((await bench.verify()).findings).toEqual([]);
  });
});
