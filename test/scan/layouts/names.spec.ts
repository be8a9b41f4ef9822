import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupFamilies } from '../../../core/scan/layouts/families.ts';
import { printable } from '../../../core/contract/printable.ts';
import { cpuMsOf } from '../../own-time.ts';
import { isTemporaryName, naturalOrder, readNumberedName, runName } from '../../../core/scan/layouts/names.ts';

describe('numbers in names', () => {
  test.each([
    ['step-000200', 200, true],
    ['checkpoint-1200', 1200, true],
    ['checkpoint_epoch_350', 350, true],
    ['epoch=1-step=4200', 4200, true],
    ['step1000-unsharded', 1000, true],
    ['iter_0002000', 2000, true],
    ['global_step_40', 40, true],
    ['model-10000-steps', 10000, true],
    ['ckpt_10k', 10000, true],
    ['42', 42, true],
    ['017-2026-01-12-e5fef3b4', 17, false],
    ['model_10', 10, false],
    ['llama-2-model-30', 30, false],
    ['StepLR7', 7, false],
  ])('%s is at %i', (name, step, sure) => {
    expect(readNumberedName(name)).toMatchObject({ step, sure });
  });

  test.each(['model', 'best', 'model_2digit', 'llama-7b', `step-${'9'.repeat(30)}`, ''])('%s has no step', (name) => {
    expect(readNumberedName(name)).toBeUndefined();
  });

  test('any name is read without harm, and a prefix and a number always give the number', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => void readNumberedName(name)));
    fc.assert(
      fc.property(fc.constantFrom('step-', 'checkpoint_', 'run1-epoch', 'a.b-iter='), fc.nat(), (prefix, step) => {
        expect(readNumberedName(`${prefix}${step}`)?.step).toBe(step);
      }),
    );
  });

  test('long hostile names take no time', async () => {
    const hostile = ['1-'.repeat(20_000), 'step'.repeat(10_000), '-'.repeat(50_000) + 'a', 'a1'.repeat(20_000)];
    expect(await cpuMsOf(() => hostile.forEach(readNumberedName))).toBeLessThan(2000);
  });
});

test('names that differ in numbers and hashes are one family, other extensions another', () => {
  const named = ['a_1.pt', 'a_2.pt', 'a_3.safetensors', 'b_1.pt', '017-e5fef3b4', '018-05da2635', 'plain.pt'].map((name) => ({ name }));
  const families = groupFamilies(named, true).map((family) => family.members.map(({ entry }) => entry.name));
  expect(families).toEqual([['a_1.pt', 'a_2.pt'], ['a_3.safetensors'], ['b_1.pt'], ['017-e5fef3b4', '018-05da2635']]);
});

test.each([
  ['/runs/ft-07', 'ft-07'],
  ['/runs/ft-07/checkpoints', 'ft-07'],
  ['/runs/exp/lightning_logs/version_3/checkpoints', 'exp/version_3'],
  ['/checkpoints', 'checkpoints'],
  ['/', '/'],
])('checkpoints in %s are of the run %s', (path, name) => {
  expect(runName(path)).toBe(name);
});

test('natural order counts', () => {
  expect(['step-1000', 'step-900', 'step-90', 'a'].sort(naturalOrder)).toEqual(['a', 'step-90', 'step-900', 'step-1000']);
});

test('temporary names', () => {
  const temporary = [
    'tmp-checkpoint-3',
    'model.safetensors.tmp',
    '.metadata.tmp',
    '5.orbax-checkpoint-tmp-17',
    'x.part',
    'x.incomplete',
    'step5-tmp',
  ];
  expect(temporary.filter((name) => !isTemporaryName(name))).toEqual([]);
  expect(['model.pt', 'template.json', 'tmpl', 'temperature-1', 'part-1.bin', 'latest'].filter(isTemporaryName)).toEqual([]);
});

test('what could disturb a line is shown escaped', () => {
  expect(printable('a\nb\u202ec\u0007<img>é')).toBe('a\\u{a}b\\u{202e}c\\u{7}<img>é');
});
