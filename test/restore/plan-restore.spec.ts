/** What a restore says before it does anything is what it then does. */
import { lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Served } from '../service/served.ts';

let served: Served;
let step: string;
let snapshot: string;
beforeEach(async () => {
  served = await Served.open();
  step = path.join(await served.copyChain(), 'step-002400');
  symlinkSync('model.safetensors', path.join(step, 'latest'));
  const job = await served.ended(served.client.call('archive.start', { paths: [step] }));
  [{ id: snapshot }] = job.result?.['snapshots'] as [{ id: string }];
});
afterEach(() => served.release());

const plan = (more: object = {}) => served.client.call('restore.plan', { snapshot, ...more });
const bytesOf = (name: string): number => lstatSync(path.join(step, name)).size;

it('goes where the checkpoint came from unless another folder is given, and makes nothing', async () => {
  expect((await plan()).to).toBe(step);
  const to = path.join(served.folder, 'new', 'deep');
  const { bytesFree, ...rest } = await plan({ to });
  expect(rest).toEqual({ to, files: 2, bytes: bytesOf('config.json') + bytesOf('model.safetensors'), overwrites: [], overwritesTotal: 0 });
  expect(bytesFree).toBeGreaterThan(0);
  expect(readdirSync(served.folder)).not.toContain('new');
});

it('counts the symbolic links that it would replace', async () => {
  const { overwrites, overwritesTotal } = await plan();
  expect(overwritesTotal).toBe(3);
  expect(overwrites.toSorted()).toEqual(['config.json', 'latest', 'model.safetensors']);
  const to = path.join(served.folder, 'other');
  mkdirSync(to);
  symlinkSync('nowhere', path.join(to, 'latest'));
  expect((await plan({ to })).overwrites).toEqual(['latest']);
  const refused = await served.ended(served.client.call('restore.start', { snapshot, to }));
  expect(refused.error?.code).toBe('exists');
  expect(readlinkSync(path.join(to, 'latest'))).toBe('nowhere');
});

it('says before that no file fits', async () => {
  await expect(plan({ files: '*.none' })).rejects.toMatchObject({ code: 'not_found' });
  expect(await plan({ files: '*.json', to: path.join(served.folder, 'x') })).toMatchObject({ files: 1, bytes: bytesOf('config.json') });
});

it('of a tensor needs room for its storage too, and sees the file of that name', async () => {
  const name = 'transformer.ln_f.weight';
  const { tensors } = await served.client.call('snapshots.tensors', { snapshot });
  const to = path.join(served.folder, 'one');
  mkdirSync(to);
  writeFileSync(path.join(to, `${name}.npy`), 'mine');
  const wish = await plan({ to, tensor: name });
  expect(wish).toMatchObject({ files: 1, overwrites: [`${name}.npy`], overwritesTotal: 1 });
  expect(wish.bytes).toBe(2 * tensors.find((tensor) => tensor.name === name)!.bytes);
});
