import { describe, expect, it } from 'vitest';
import type { RunSummary, TensorRow } from '../../core/contract/model.ts';
import { resultFigures, resultFindings, resultSnapshots } from '../../renderer/views/jobs/job-words.ts';
import { filterRuns, toArchive } from '../../renderer/views/library/run-filter.ts';
import { dtypesOf, filterTensors, keyOfTensor } from '../../renderer/views/snapshot/tensor-filter.ts';

const run = (name: string, steps: number, archived: number, incomplete = 0): RunSummary => ({
  id: name,
  name,
  path: `/runs/${name}`,
  layout: 'hf-trainer',
  steps,
  archived,
  incomplete,
  bytesOriginal: 0,
  bytesArchived: 0,
  bytesStored: 0,
});
const runs = [run('llama-sft', 10, 10), run('llama-pre', 10, 4, 2), run('vit', 3, 3), run('empty', 0, 0)];
const names = (list: readonly RunSummary[]): string[] => list.map(({ name }) => name);

describe('runs', () => {
  it('are found by every word of a search, in name, path or layout', () => {
    expect(names(filterRuns(runs, 'LLAMA trainer', 'all'))).toEqual(['llama-sft', 'llama-pre']);
    expect(names(filterRuns(runs, 'llama vit', 'all'))).toEqual([]);
  });
  it('are found by what is left to do', () => {
    expect(names(filterRuns(runs, '', 'open'))).toEqual(['llama-pre']);
    expect(names(filterRuns(runs, '', 'archived'))).toEqual(['llama-sft', 'vit']);
    expect(names(filterRuns(runs, '', 'incomplete'))).toEqual(['llama-pre']);
  });
  it('incomplete steps are not to be archived', () => expect(runs.map(toArchive)).toEqual([0, 4, 0, 0]));
});

describe('tensors', () => {
  const tensor = (name: string, dtype: string, file = 'model.safetensors'): TensorRow => ({
    name,
    dtype,
    file,
    shape: [1],
    bytes: 2,
    bytesStored: 1,
    codecs: [],
    depth: 0,
    digest: '',
    reused: false,
    pairs: [],
  });
  const all = { search: '', dtype: '', pairing: 'all' } as const;
  const tensors = [
    tensor('h.0.attn.weight', 'BF16'),
    tensor('h.0.attn.bias', 'F32'),
    tensor('h.0.attn.weight', 'BF16', 'other.safetensors'),
  ];

  it('are found by text and dtype together', () => {
    expect(filterTensors(tensors, { ...all, search: 'attn weight', dtype: 'BF16' })).toHaveLength(2);
    expect(filterTensors(tensors, { ...all, search: 'other weight' })).toHaveLength(1);
    expect(filterTensors(tensors, { ...all, dtype: 'F16' })).toHaveLength(0);
  });
  it('are found by how they are stored, and by what they are stored with', () => {
    const moment: TensorRow = { ...tensor('exp_avg', 'F32'), pairs: [{ role: 'second-moment', tensor: 'exp_avg_sq.7' }] };
    const delta: TensorRow = { ...tensor('a', 'F32'), depth: 1, pairs: [{ role: 'base', tensor: 'a' }] };
    const renamed: TensorRow = { ...tensor('b', 'F32'), depth: 1, pairs: [{ role: 'base', tensor: 'old.b' }] };
    const reused: TensorRow = { ...tensor('c', 'F32'), reused: true };
    const rows = [moment, delta, renamed, reused];
    const found = (more: object): string[] => filterTensors(rows, { ...all, ...more }).map(({ name }) => name);
    expect(found({ pairing: 'keyframe' })).toEqual(['exp_avg']);
    expect(found({ pairing: 'delta' })).toEqual(['a', 'b']);
    expect(found({ pairing: 'renamed' })).toEqual(['b']);
    expect(found({ pairing: 'paired' })).toEqual(['exp_avg']);
    expect(found({ pairing: 'reused' })).toEqual(['c']);
    expect(found({ search: 'sq.7' })).toEqual(['exp_avg']);
  });
  it('are not copied where nothing is asked', () => expect(filterTensors(tensors, { ...all, search: ' ' })).toBe(tensors));
  it('of the same name in two files have keys of their own', () => expect(new Set(tensors.map(keyOfTensor)).size).toBe(3));
  it('dtypes are listed by how often they occur', () => expect(dtypesOf(tensors)).toEqual(['BF16', 'F32']));
});

describe('results of jobs', () => {
  it('are shown as far as they are understood', () => {
    const result = {
      bytesOriginal: 2048,
      seconds: 61,
      unheard: { of: 1 },
      snapshots: [{ id: 'a', run: 'r', step: 1, kind: 'delta', bytesOriginal: 2, bytesStored: 1 }, 'odd', null],
      errors: [{ code: 'io', message: 'broken' }, 7],
    };
    expect(resultFigures(result)).toEqual([
      { name: 'Original', value: '2.00 KiB' },
      { name: 'Took', value: '1 min 1 s' },
      { name: 'Snapshots', value: '3' },
    ]);
    expect(resultSnapshots(result).map(({ id }) => id)).toEqual(['a']);
    expect(resultFindings(result)).toEqual([{ code: 'io', severity: 'error', message: 'broken' }]);
  });
  it('may be anything without harm', () => {
    for (const odd of [
      { snapshots: 5, findings: null, errors: 'x' },
      { seconds: NaN, bytes: Infinity },
    ]) {
      expect(resultSnapshots(odd)).toEqual([]);
      expect(resultFindings(odd)).toEqual([]);
      expect(resultFigures(odd).every(({ value }) => !/NaN|Infinity/.test(value))).toBe(true);
    }
  });
});
