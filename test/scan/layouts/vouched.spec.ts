/** What a marker of a finished save vouches for: what was there when it was written, and only where it was written to its end itself. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { safetensors, age, outline, scanOne, temporaryTrees, torchFile, under } from './trees.ts';

const trees = temporaryTrees();
const states = async (folder: string): Promise<string[]> =>
  (await scanOne(folder, { now: Date.now() })).checkpoints.map(({ step, state }) => `${step} ${state}`);

describe('a tracker', () => {
  const bytes = Buffer.alloc(4096, 7);
  const shapes: [string, string, string, string][] = [
    ['latest_checkpointed_iteration.txt', '20', 'iter_00000', 'mp_rank_00/model_optim_rng.pt'],
    ['latest_checkpointed_iteration.txt', '20', 'global_step_', 'actor/model_world_size_1_rank_0.pt'],
    ['latest', 'global_step20', 'global_step', 'mp_rank_00_model_states.pt'],
  ];
  test.each(shapes)('%s %s vouches for the saves before it, not for one that is saved again', async (tracker, text, folderName, file) => {
    // Bytes that show no end, so that nothing but the tracker speaks for them.
    const paths = [`${folderName}10/${file}`, `${folderName}20/${file}`];
    const folder = await trees.fresh({ ...Object.fromEntries(paths.map((path) => [path, bytes])), [tracker]: text });
    await age(folder, paths, 35);
    await age(folder, [tracker], 30);
    expect(await states(folder)).toEqual(['10 complete', '20 complete']);
    await writeFile(join(folder, paths[0]!), bytes.subarray(0, 100));
    expect(await states(folder)).toEqual(['10 being-written', '20 complete']);
  });

  test('copied a little earlier than what it is about still vouches for it', async () => {
    const path = 'iter_0000010/mp_rank_00/model_optim_rng.pt';
    const folder = await trees.fresh({ [path]: bytes, 'latest_checkpointed_iteration.txt': '10' });
    await age(folder, [path], 20);
    await age(folder, ['latest_checkpointed_iteration.txt'], 25);
    expect(await states(folder)).toEqual(['10 complete']);
  });
});

describe('random states of Accelerate', () => {
  const save = (randomStates: Uint8Array) =>
    under('checkpoint_3', { 'model.bin': Buffer.alloc(4096, 7), 'optimizer.bin': torchFile, 'random_states_0.pkl': randomStates });
  const pickle = Buffer.from('\x80\x04]q\x00.', 'latin1');

  test.each([
    ['an archive of torch.save', torchFile],
    ['a pickle', pickle],
    [
      'what torch.save wrote before it wrote archives',
      readFileSync(new URL('../../fixtures/formats/legacy-nonzip-dtypes.pt', import.meta.url)),
    ],
  ])('that are %s end a save', async (_, whole) => {
    const folder = await trees.fresh(save(whole));
    expect(outline(await scanOne(folder, { now: Date.now() }))).toEqual([[3, 'complete', 'checkpoint_3']]);
  });

  test.each([
    ['half an archive', torchFile.subarray(0, torchFile.length / 2)],
    ['an archive but for its last byte', torchFile.subarray(0, -1)],
    ['a pickle without its end', pickle.subarray(0, -1)],
  ])('that are %s do not', async (_, cut) => {
    expect(await states(await trees.fresh(save(cut)))).not.toEqual(['3 complete']);
  });

  test('that are empty say so', async () => {
    const [checkpoint] = (await scanOne(await trees.fresh(save(new Uint8Array())))).checkpoints;
    expect(checkpoint).toMatchObject({ state: 'incomplete', reason: expect.stringContaining('random_states_0.pkl') as string });
    expect(checkpoint?.reason).toContain('is empty');
  });
});

test('half a .metadata of a distributed checkpoint ends no save', async () => {
  const metadata = Buffer.from('\x80\x04\x8c\x0b__0_0.distcp.', 'latin1');
  const save = (bytes: Uint8Array) => under('step-7', { '__0_0.distcp': safetensors(), '.metadata': bytes });
  expect(await states(await trees.fresh(save(metadata)))).toEqual(['7 complete']);
  expect(await states(await trees.fresh(save(metadata.subarray(0, -1))))).toEqual(['7 incomplete']);
});
