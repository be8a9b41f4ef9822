import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  outline,
  safetensors,
  scanOne,
  temporaryTrees,
  torchFile,
  trainerFolder,
  trainerState,
  cut,
  under,
  without,
  type Tree,
} from './trees.ts';

const trees = temporaryTrees();

const run: Tree = { ...under('checkpoint-900', trainerFolder(900)), ...under('checkpoint-1000', trainerFolder(1000)) };

describe('Hugging Face Trainer', () => {
  test('orders by global_step, and reads losses and the best checkpoint from the newest state', async () => {
    const state = trainerState(1000, { best_model_checkpoint: '/elsewhere/out/checkpoint-900' });
    const folder = await trees.fresh({ ...run, 'checkpoint-1000/trainer_state.json': state, 'runs/events.log': 'x' }, 'ft-07');
    const found = await scanOne(folder);
    expect(found).toMatchObject({ path: folder, name: 'ft-07', layout: 'hf-trainer' });
    expect(outline(found)).toEqual([
      [900, 'complete', 'checkpoint-900'],
      [1000, 'complete', 'checkpoint-1000'],
    ]);
    expect(found.checkpoints.map(({ best, stepFrom }) => [best, stepFrom])).toEqual([
      [true, 'state'],
      [undefined, 'state'],
    ]);
    expect(found.losses).toEqual([
      { step: 500, loss: 3 },
      { step: 1000, loss: 2.5 },
    ]);
    expect(found.checkpoints[0]?.parts).toEqual(['configuration', 'optimizer', 'random', 'scheduler', 'weights']);
  });

  test('takes a state with NaN, as Python writes it', async () => {
    const state = '{"global_step": 900, "log_history": [{"loss": NaN, "step": 1}, {"loss": 1.5, "grad_norm": -Infinity, "step": 2}]}';
    const found = await scanOne(
      await trees.fresh({
        ...run,
        'checkpoint-900/trainer_state.json': state,
        'checkpoint-1000/trainer_state.json': state.replace('900', '1000'),
      }),
    );
    expect(outline(found).map(([step, verdict]) => [step, verdict])).toEqual([
      [900, 'complete'],
      [1000, 'complete'],
    ]);
    expect(found.losses).toEqual([{ step: 2, loss: 1.5 }]);
  });

  test('a save without its last file, with a cut one, or under a staging name is incomplete', async () => {
    const torn: Tree = {
      ...run,
      ...without(under('checkpoint-1100', trainerFolder(1100)), 'checkpoint-1100/trainer_state.json'),
      ...under('checkpoint-1200', { ...trainerFolder(1200), 'trainer_state.json': trainerState(1200).slice(0, 40) }),
      ...under('tmp-checkpoint-1300', trainerFolder(1300)),
      ...under('checkpoint-1400', { 'trainer_state.json': '' }),
      'checkpoint-1500/': '',
    };
    const found = await scanOne(await trees.fresh(torn), { now: Date.now() });
    expect(outline(found).map(([step, state]) => [step, state])).toEqual([
      [900, 'complete'],
      [1000, 'complete'],
      [1100, 'incomplete'],
      [1200, 'incomplete'],
      [1300, 'incomplete'],
      [1400, 'incomplete'],
      [1500, 'incomplete'],
    ]);
    expect(found.checkpoints[2]?.reason).toContain('trainer_state.json is missing');
    expect(found.checkpoints[3]?.reason).toContain('is cut');
  });

  test('missing shards of an index or by name make it incomplete, cut and empty ones damaged', async () => {
    const index = JSON.stringify({
      metadata: {},
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    });
    const sharded = (more: Tree): Tree => ({
      ...without(trainerFolder(1), 'model.safetensors'),
      'model.safetensors.index.json': index,
      'model-00001-of-00002.safetensors': safetensors('a'),
      ...more,
    });
    const torn: Tree = {
      ...under('checkpoint-1', sharded({ 'trainer_state.json': trainerState(1), 'model-00002-of-00002.safetensors': safetensors('b') })),
      ...under('checkpoint-2', sharded({ 'trainer_state.json': trainerState(2) })),
      ...under(
        'checkpoint-3',
        sharded({ 'trainer_state.json': trainerState(3), 'model-00002-of-00002.safetensors': cut(safetensors('b'), 0.9) }),
      ),
      ...under('checkpoint-4', sharded({ 'trainer_state.json': trainerState(4), 'model-00002-of-00002.safetensors': '' })),
      ...under(
        'checkpoint-5',
        sharded({ 'trainer_state.json': trainerState(5), 'model-00002-of-00002.safetensors': safetensors('other') }),
      ),
      ...under('checkpoint-6', { ...trainerFolder(6), 'optimizer.pt': cut(torchFile) }),
      ...under('checkpoint-7', { ...trainerFolder(7), 'optimizer.pt': '' }),
    };
    const found = await scanOne(await trees.fresh(torn));
    expect(found.checkpoints.map(({ step, state }) => `${step} ${state}`)).toEqual([
      '1 complete',
      '2 incomplete',
      '3 damaged',
      '4 damaged',
      '5 incomplete',
      '6 damaged',
      '7 damaged',
    ]);
    expect(found.checkpoints[1]?.reason).toContain('model-00002-of-00002.safetensors is missing');
    expect(found.checkpoints[4]?.reason).toContain('promises the tensor b');
  });

  test('a checkpoint folder given by itself is its run with that checkpoint alone', async () => {
    const folder = await trees.fresh(run);
    const found = await scanOne(join(folder, 'checkpoint-900'));
    expect(found).toMatchObject({ path: folder, layout: 'hf-trainer' });
    expect(outline(found)).toEqual([[900, 'complete', 'checkpoint-900']]);
  });

  test('the final model beside the checkpoints is one of its own, without their files', async () => {
    const folder = await trees.fresh({ ...run, 'model.safetensors': safetensors(), 'trainer_state.json': trainerState(1050) });
    const found = await scanOne(folder);
    const last = found.checkpoints.at(-1)!;
    expect([last.step, last.stepFrom, last.path]).toEqual([1050, 'state', folder]);
    expect(last.files.map((file) => file.path)).toEqual(['model.safetensors', 'trainer_state.json']);
  });
});
