import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scan } from '../../../core/scan/scanner.ts';
import { safetensors, scanOne, temporaryTrees, torchFile, trainerFolder, under } from './trees.ts';
import { torchZip } from './torch-zip.ts';

const trees = temporaryTrees();

test.each([
  ['step-000200/model.safetensors', safetensors('w', 50)],
  ['checkpoint_epoch_5.pt', torchFile],
  ['ckpt.pt', torchZip({ model: { w: 1 }, optimizer: { state: { 0: { step: 7 } } } })],
])('%s cut anywhere is never complete, and never stops the scan', async (path, bytes) => {
  const folder = await trees.fresh({ [path]: bytes });
  expect((await scanOne(folder)).checkpoints[0]?.state).toBe('complete');
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (length) => {
      await writeFile(join(folder, path), bytes);
      await truncate(join(folder, path), length);
      const [checkpoint] = (await scanOne(folder, { now: Date.now() })).checkpoints;
      expect(checkpoint?.state, `${length} of ${bytes.length} bytes`).not.toBe('complete');
      expect(checkpoint?.reason).toBeTruthy();
    }),
    { numRuns: 60, examples: [[0], [1], [bytes.length - 1]] },
  );
});

test('a Trainer checkpoint without any one of its weights or its state, or with that one cut, is never complete', async () => {
  const whole = trainerFolder(5);
  for (const name of ['model.safetensors', 'trainer_state.json']) {
    for (const length of [0, 1, Math.floor(whole[name]!.length / 2), whole[name]!.length - 1]) {
      const folder = await trees.fresh({
        ...under('checkpoint-5', { ...whole, [name]: whole[name]!.slice(0, length) }),
        ...under('checkpoint-9', trainerFolder(9)),
      });
      expect(
        (await scanOne(folder)).checkpoints.map(({ state }) => state === 'complete'),
        `${name} cut to ${length}`,
      ).toEqual([false, true]);
    }
    const folder = await trees.fresh(under('checkpoint-5', Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))));
    expect((await scanOne(folder)).checkpoints[0]?.state, `without ${name}`).toBe('incomplete');
  }
});

test('whatever names a tree holds, the scan ends and every checkpoint lies below the folder', async () => {
  const part = fc.oneof(
    fc.constantFrom(
      'step-1',
      'checkpoint-2',
      'ckpt.pt',
      'latest',
      'iter_3',
      '.metadata',
      '__0_0.distcp',
      'config.json',
      'model.safetensors',
      'epoch=1.ckpt',
      '5',
      'release',
    ),
    fc.stringMatching(/^[^/\\\0]{1,12}$/).filter((name) => name !== '.' && name !== '..'),
  );
  const tree = fc.dictionary(
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    fc.constantFrom('', 'x', '{}', 'global_step1'),
    { maxKeys: 12 },
  );
  await fc.assert(
    fc.asyncProperty(tree, async (paths) => {
      const names = Object.keys(paths);
      // No path may be a file and a folder at once.
      fc.pre(names.every((name) => !names.some((other) => other.startsWith(`${name}/`))) && names.every((name) => name.isWellFormed()));
      const folder = await trees.fresh(Object.fromEntries(Object.entries(paths)));
      const { runs } = await scan([folder], { now: Date.now() });
      for (const { path, files, state, reason } of runs.flatMap((run) => run.checkpoints)) {
        expect(path.startsWith(folder)).toBe(true);
        expect(state === 'complete' || reason !== undefined).toBe(true);
        expect(files.every((file) => !file.path.startsWith('/') && !file.path.split('/').includes('..'))).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
