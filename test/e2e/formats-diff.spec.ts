/** `cairn diff`, and optimizer state along a chain, over a real store. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiffFile, DiffTensor, TensorRow } from '../../core/contract/model.ts';
import { runCli, type Ran } from '../cli/run-cli.ts';
import { bytesOf, safetensors, weights, writeStep, type TestTensor } from '../jobs/files.ts';
import { dictionaryOf, pickleOf, tensorOf, torchArchive, whole } from '../scan/formats/containers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-diff-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cairn = (...args: string[]): Promise<Ran> => runCli([...args, '--json'], { home: path.join(folder, 'home') });
const rows = <T>({ records }: Ran, type: string): T[] => records.filter((record) => record['type'] === type) as T[];
const tensor = (name: string, values: Float32Array, shape = [values.length]): TestTensor => ({
  name,
  dtype: 'F32',
  shape,
  bytes: bytesOf(values),
});

async function archive(run: string): Promise<void> {
  const { exitCode, stderr } = await cairn('archive', run);
  expect(exitCode, stderr).toBe(0);
}

describe('cairn diff', () => {
  it('tells tensors and files added, removed, unchanged and changed, and by how much', async () => {
    const run = path.join(folder, 'run');
    const [moved, frozen, resized, gone] = [1, 2, 3, 4].map((seed) => weights(4000, seed)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const first = writeStep(run, 1, [tensor('moved', moved), tensor('frozen', frozen), tensor('resized', resized), tensor('gone', gone)]);
    const second = writeStep(run, 2, [
      tensor('moved', weights(4000, 9, moved)),
      tensor('frozen', frozen),
      tensor('resized', weights(5000, 3)),
      tensor('new', weights(100, 7)),
    ]);
    writeFileSync(path.join(first, 'notes.txt'), 'a');
    writeFileSync(path.join(first, 'same.json'), '{}');
    writeFileSync(path.join(second, 'same.json'), '{}');
    writeFileSync(path.join(second, 'more.txt'), 'something else');
    await archive(run);
    const ran = await cairn('diff', 'run@1', 'run@2');
    expect(ran.exitCode, ran.stderr).toBe(0);
    const told = Object.fromEntries(rows<DiffTensor>(ran, 'tensor').map((row) => [row.name, row]));
    expect(told['moved']).toMatchObject({ change: 'changed', bytes: 16_000 });
    expect(told['moved']!.bytesDelta).toBeGreaterThan(0);
    expect(told['moved']!.bytesDelta).toBeLessThan(12_000);
    expect(told['resized']).toMatchObject({ change: 'changed', shape: [5000], shapeBefore: [4000] });
    expect(told['resized']).not.toHaveProperty('bytesDelta');
    expect(told['new']).toMatchObject({ change: 'added' });
    expect(told['gone']).toMatchObject({ change: 'removed' });
    expect(told).not.toHaveProperty('frozen');
    expect(rows<DiffFile>(ran, 'file').map(({ path: name, change }) => [name, change])).toEqual([
      ['model.safetensors', 'changed'],
      ['more.txt', 'added'],
      ['notes.txt', 'removed'],
    ]);
    expect(ran.records.at(-1)).toMatchObject({
      type: 'summary',
      tensors: { changed: 2, added: 1, removed: 1, unchanged: 1, unknown: 0 },
      files: { changed: 1, added: 1, removed: 1, unchanged: 1 },
    });
    const all = await cairn('diff', 'run@1', 'run@2', '--all');
    expect(rows<DiffTensor>(all, 'tensor').find(({ name }) => name === 'frozen')).toMatchObject({ change: 'unchanged' });
    const back = await cairn('diff', 'run@2', 'run@1');
    expect(rows<DiffTensor>(back, 'tensor').find(({ name }) => name === 'moved')!.bytesDelta).toBe(told['moved']!.bytesDelta);
  });

  it('adds the deltas of several steps up, and says nothing is changed between a snapshot and itself', async () => {
    const run = path.join(folder, 'run');
    let values = weights(4000, 1);
    for (const step of [1, 2, 3]) {
      writeStep(run, step, [tensor('w', values)]);
      values = weights(4000, step + 1, values);
    }
    await archive(run);
    const delta = async (a: number, b: number): Promise<number | undefined> =>
      rows<DiffTensor>(await cairn('diff', `run@${a}`, `run@${b}`), 'tensor')[0]?.bytesDelta;
    expect(await delta(1, 3)).toBe((await delta(1, 2))! + (await delta(2, 3))!);
    expect((await cairn('diff', 'run@2', 'run@2')).records.at(-1)).toMatchObject({ tensors: { changed: 0, unchanged: 1 } });
  });

  it('pairs tensors of files with the step in their names, and sees a file that was renamed', async () => {
    const run = path.join(folder, 'run');
    mkdirSync(run);
    const values = weights(1000, 1);
    writeFileSync(path.join(run, 'model_step_1.safetensors'), safetensors([tensor('w', values), tensor('same', values.slice(10))]));
    writeFileSync(
      path.join(run, 'model_step_2.safetensors'),
      safetensors([tensor('w', weights(1000, 2, values)), tensor('same', values.slice(10))]),
    );
    await archive(run);
    const ran = await cairn('diff', 'run@1', 'run@2');
    expect(rows<DiffTensor>(ran, 'tensor')).toMatchObject([{ name: 'w', change: 'changed', fileBefore: 'model_step_1.safetensors' }]);
    expect(rows<DiffFile>(ran, 'file')).toMatchObject([
      { path: 'model_step_2.safetensors', pathBefore: 'model_step_1.safetensors', change: 'changed' },
    ]);
  });

  it('fails in one line where a name means no snapshot', async () => {
    const run = path.join(folder, 'run');
    writeStep(run, 1, [tensor('w', weights(10, 1))]);
    await archive(run);
    const { exitCode, stderr } = await cairn('diff', 'run@1', 'run@7');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^cairn: run@7: no such snapshot; see cairn ls\n$/);
  });
});

/** An AdamW state_dict as torch.save writes it: step, exp_avg and exp_avg_sq of each parameter by its number. */
function optimizer(parameters: Float32Array[]): Buffer {
  const storages: Record<string, Uint8Array> = {};
  let key = 0;
  const stored = (values: Float32Array): Buffer => {
    storages[key] = bytesOf(values);
    return tensorOf({ key: String(key++), elements: values.length, shape: [values.length], strides: [1] });
  };
  const entries = parameters.map((values, number) => [
    whole(number),
    dictionaryOf({ exp_avg: stored(values), exp_avg_sq: stored(values.map((value) => value * value + 1e-8)) }),
  ]);
  const state = pickleOf('}(', ...entries.flat(), 'u');
  return torchArchive(dictionaryOf({ state, param_groups: pickleOf(']') }), storages);
}

describe('optimizer state', () => {
  it('pairs along the chain by the names that its reader gives', async () => {
    const run = path.join(folder, 'run');
    let parameters = [weights(6000, 1), weights(3000, 2)];
    for (const step of [100, 200]) {
      const place = path.join(run, `checkpoint-${step}`);
      mkdirSync(place, { recursive: true });
      writeFileSync(path.join(place, 'model.safetensors'), safetensors(parameters.map((values, at) => tensor(`p${at}`, values))));
      writeFileSync(path.join(place, 'optimizer.pt'), optimizer(parameters));
      writeFileSync(path.join(place, 'trainer_state.json'), JSON.stringify({ global_step: step }));
      parameters = parameters.map((values, at) => weights(values.length, step + at, values));
    }
    await archive(run);
    const shown = rows<TensorRow>(await cairn('show', 'run@200'), 'tensor').filter(({ file }) => file === 'optimizer.pt');
    expect(shown.map(({ name }) => name)).toEqual(['state.0.exp_avg', 'state.0.exp_avg_sq', 'state.1.exp_avg', 'state.1.exp_avg_sq']);
    const deltas = shown.filter(({ depth }) => depth > 0);
    expect(deltas.map(({ name }) => name)).toContain('state.0.exp_avg_sq');
    for (const { bytes, bytesStored } of deltas) expect(bytesStored).toBeLessThan(0.8 * bytes);
  });
});
