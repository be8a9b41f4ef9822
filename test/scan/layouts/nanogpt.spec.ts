import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scan } from '../../../core/scan/scanner.ts';
import { knownFiles } from '../../../core/scan/watch.ts';
import { outline, scanOne, temporaryTrees, torchFile } from './trees.ts';
import { torchZip } from './torch-zip.ts';

const trees = temporaryTrees();
const saved = (step: number): Buffer => torchZip({ model: { w: 0.5 }, optimizer: { state: { 0: { exp_avg: 0.25, step }, 1: { step } } } });

test('the step of ckpt.pt is what its optimizer counts, also when the file is written over', async () => {
  const folder = await trees.fresh({ 'ckpt.pt': saved(2000) }, 'out');
  const first = await scanOne(folder);
  expect(first).toMatchObject({
    layout: 'nanogpt',
    name: 'out',
    checkpoints: [{ step: 2000, stepFrom: 'state', state: 'complete', alone: true }],
  });
  const known = knownFiles(await scan([folder]));
  expect(known.get(join(folder, 'ckpt.pt'))?.header.facts).toEqual({ 'optimizer-step': 2000 });
  await writeFile(join(folder, 'ckpt.pt'), saved(2250));
  expect(outline(await scanOne(folder, { previous: (path) => known.get(path) }))).toEqual([[2250, 'complete', 'ckpt.pt']]);
});

test.each([
  ['no optimizer', torchFile],
  ['a step that is no count', saved(0.5)],
  ['a negative step', saved(-3)],
])('with %s the file stands by its time', async (_title, bytes) => {
  expect(await scanOne(await trees.fresh({ 'ckpt.pt': bytes }))).toMatchObject({
    checkpoints: [{ step: 0, stepFrom: 'mtime', state: 'complete' }],
  });
});
