import { describe, expect, test } from 'vitest';
import { scan } from '../../../core/scan/scanner.ts';
import { cut, outline, safetensors, scanOne, temporaryTrees, torchFile, under, without, type Tree } from './trees.ts';

const trees = temporaryTrees();
const files = (names: string[], content: string | Uint8Array = torchFile): Tree => Object.fromEntries(names.map((name) => [name, content]));
const distributed: Tree = { '__0_0.distcp': 'x', '__1_0.distcp': 'y', '.metadata': 'pickle __0_0.distcp and __1_0.distcp.' };
const zero = ['mp_rank_00_model_states.pt', 'zero_pp_rank_0_mp_rank_00_optim_states.pt', 'zero_pp_rank_1_mp_rank_00_optim_states.pt'];
const megatronRanks = ['mp_rank_00/model_optim_rng.pt', 'mp_rank_01/model_optim_rng.pt'];
const accelerateFiles = { ...files(['optimizer.bin', 'scheduler.bin']), 'model.safetensors': safetensors(), 'random_states_0.pkl': 'N.' };
const olmoFiles = { ...files(['model.pt', 'optim.pt', 'train.pt']), 'config.yaml': 'a: 1' };
const orbaxFiles: Tree = { _CHECKPOINT_METADATA: '{}', 'params/_METADATA': '{}', 'params/manifest.ocdbt': 'x', 'params/d/0a': 'y' };

interface Case {
  layout: string;
  tree: Tree;
  expected: [number, string, string][];
  /** Part of the reason of each checkpoint that is not complete. */
  reasons?: string[];
}

const cases: Case[] = [
  {
    layout: 'deepspeed',
    tree: {
      latest: 'global_step200\n',
      'zero_to_fp32.py': '',
      ...under('global_step90', files(zero)),
      ...under('global_step200', files(zero)),
    },
    expected: [
      [90, 'complete', 'global_step90'],
      [200, 'complete', 'global_step200'],
    ],
  },
  {
    layout: 'deepspeed',
    tree: {
      latest: 'global_step200',
      ...under('global_step100', files(zero.filter((name) => !name.includes('rank_0_mp')))),
      ...under('global_step200', files(zero)),
      ...under('global_step300', files(zero)),
      ...under('global_step400', files([zero[1]!])),
    },
    expected: [
      [100, 'incomplete', 'global_step100'],
      [200, 'complete', 'global_step200'],
      [300, 'incomplete', 'global_step300'],
      [400, 'incomplete', 'global_step400'],
    ],
    reasons: ['zero_pp_rank_0_mp_rank_00_optim_states.pt is missing', 'latest still names step 200', 'no model states'],
  },
  {
    layout: 'deepspeed',
    tree: under('global_step5', files(zero)),
    expected: [[5, 'incomplete', 'global_step5']],
    reasons: ['latest beside it is missing'],
  },
  {
    layout: 'megatron',
    tree: {
      'latest_checkpointed_iteration.txt': '2000',
      ...under('iter_0001000', files(megatronRanks)),
      ...under('iter_0002000', files(megatronRanks.slice(1))),
      ...under('iter_0003000', files(megatronRanks)),
    },
    expected: [
      [1000, 'complete', 'iter_0001000'],
      [2000, 'incomplete', 'iter_0002000'],
      [3000, 'incomplete', 'iter_0003000'],
    ],
    reasons: ['model_optim_rng.pt is missing', 'still names step 2000'],
  },
  {
    layout: 'megatron',
    tree: { 'latest_checkpointed_iteration.txt': 'release', ...under('release', files(megatronRanks)) },
    expected: [[0, 'complete', 'release']],
  },
  {
    layout: 'megatron',
    tree: {
      'latest_checkpointed_iteration.txt': '20',
      ...under('iter_0000010', { ...distributed, 'common.pt': torchFile }),
      ...under('iter_0000020', { ...without(distributed, '.metadata'), 'common.pt': torchFile }),
    },
    expected: [
      [10, 'complete', 'iter_0000010'],
      [20, 'incomplete', 'iter_0000020'],
    ],
    reasons: ['.metadata is missing'],
  },
  {
    layout: 'verl',
    tree: {
      'latest_checkpointed_iteration.txt': '40',
      ...under('global_step_20', files(['actor/model_world_size_2_rank_0.pt', 'actor/model_world_size_2_rank_1.pt', 'data.pt'])),
      ...under('global_step_40', files(['actor/model_world_size_2_rank_1.pt', 'data.pt'])),
      ...under('global_step_60', files(['actor/model_world_size_2_rank_0.pt'])),
    },
    expected: [
      [20, 'complete', 'global_step_20'],
      [40, 'incomplete', 'global_step_40'],
      [60, 'incomplete', 'global_step_60'],
    ],
    reasons: ['model_world_size_2_rank_0.pt is missing', 'still names step 40'],
  },
  {
    layout: 'lightning',
    tree: {
      ...files(['epoch=0-step=90.ckpt', 'epoch=1-step=200.ckpt', 'epoch=1-step=200-v1.ckpt']),
      'epoch=2-step=300.ckpt': cut(torchFile),
      'hparams.yaml': '',
    },
    expected: [
      [90, 'complete', 'epoch=0-step=90.ckpt'],
      [200, 'complete', 'epoch=1-step=200-v1.ckpt'],
      [200, 'complete', 'epoch=1-step=200.ckpt'],
      [300, 'damaged', 'epoch=2-step=300.ckpt'],
    ],
    reasons: [''],
  },
  {
    layout: 'lightning',
    tree: { ...files(['epoch=3-val_loss=0.25.ckpt', 'epoch=12-val_loss=0.19.ckpt']) },
    expected: [
      [3, 'complete', 'epoch=3-val_loss=0.25.ckpt'],
      [12, 'complete', 'epoch=12-val_loss=0.19.ckpt'],
    ],
  },
  {
    layout: 'lightning',
    tree: { ...under('epoch=0-step=5.ckpt', { ...distributed, 'meta.pt': torchFile }), ...under('epoch=1-step=10.ckpt', distributed) },
    expected: [
      [5, 'complete', 'epoch=0-step=5.ckpt'],
      [10, 'incomplete', 'epoch=1-step=10.ckpt'],
    ],
    reasons: ['meta.pt is missing'],
  },
  {
    layout: 'accelerate',
    tree: {
      ...under('checkpoint_9', accelerateFiles),
      ...under('checkpoint_10', accelerateFiles),
      ...under('checkpoint_11', without(accelerateFiles, 'random_states_0.pkl')),
    },
    expected: [
      [9, 'complete', 'checkpoint_9'],
      [10, 'complete', 'checkpoint_10'],
      [11, 'incomplete', 'checkpoint_11'],
    ],
    reasons: ['random_states_0.pkl'],
  },
  {
    layout: 'accelerate',
    tree: under('checkpoint-500', {
      ...files(['optimizer.bin', 'scheduler.bin']),
      'random_states_0.pkl': 'N.',
      'unet/diffusion_pytorch_model.safetensors': safetensors(),
    }),
    expected: [[500, 'complete', 'checkpoint-500']],
  },
  {
    layout: 'torchtitan',
    tree: {
      ...under('step-500', distributed),
      ...under('step-1000', distributed),
      ...under('step-1500', without(distributed, '.metadata')),
      ...under('step-2000', without(distributed, '__1_0.distcp')),
    },
    expected: [
      [500, 'complete', 'step-500'],
      [1000, 'complete', 'step-1000'],
      [1500, 'incomplete', 'step-1500'],
      [2000, 'incomplete', 'step-2000'],
    ],
    reasons: ['.metadata', '__1_0.distcp is missing'],
  },
  {
    layout: 'torchtune',
    tree: {
      ...under('epoch_0', {
        'ft-model-00001-of-00002.safetensors': safetensors('a'),
        'ft-model-00002-of-00002.safetensors': safetensors('b'),
      }),
      ...under('epoch_1', { 'ft-model-00001-of-00002.safetensors': safetensors('a') }),
    },
    expected: [
      [0, 'complete', 'epoch_0'],
      [1, 'incomplete', 'epoch_1'],
    ],
    reasons: ['ft-model-00002-of-00002.safetensors is missing'],
  },
  {
    layout: 'olmo',
    tree: {
      ...under('step900-unsharded', olmoFiles),
      ...under('step1000-unsharded', without(olmoFiles, 'train.pt')),
      ...under('step1100-unsharded-tmp', olmoFiles),
    },
    expected: [
      [900, 'complete', 'step900-unsharded'],
      [1000, 'incomplete', 'step1000-unsharded'],
      [1100, 'incomplete', 'step1100-unsharded-tmp'],
    ],
    reasons: ['train.pt is missing', 'temporary name'],
  },
  {
    layout: 'orbax',
    tree: {
      ...under('9', orbaxFiles),
      ...under('10', orbaxFiles),
      ...under('11.orbax-checkpoint-tmp-1700000000', orbaxFiles),
      ...under('12', without(orbaxFiles, '_CHECKPOINT_METADATA')),
    },
    expected: [
      [9, 'complete', '9'],
      [10, 'complete', '10'],
      [11, 'incomplete', '11.orbax-checkpoint-tmp-1700000000'],
      [12, 'incomplete', '12'],
    ],
    reasons: ['temporary name', '_CHECKPOINT_METADATA is missing'],
  },
  {
    layout: 'numbered-folders',
    tree: {
      'config.json': '{}',
      ...under('step-000200', { 'model.safetensors': safetensors() }),
      ...under('step-000400', { 'model.safetensors': cut(safetensors(), 0.8) }),
      ...under('step-000600', { 'config.json': '{}' }),
    },
    expected: [
      [200, 'complete', 'step-000200'],
      [400, 'damaged', 'step-000400'],
      [600, 'incomplete', 'step-000600'],
    ],
    reasons: ['', 'holds no weights'],
  },
  {
    layout: 'numbered-folders',
    tree: {
      '017-2026-01-12-e5fef3b4/model_2digit.safetensors': safetensors(),
      '018-2026-01-12-d910e01b/model_2digit.safetensors': safetensors(),
    },
    expected: [
      [17, 'complete', '017-2026-01-12-e5fef3b4'],
      [18, 'complete', '018-2026-01-12-d910e01b'],
    ],
  },
  {
    layout: 'numbered-files',
    tree: {
      ...files(['checkpoint_epoch_5.pt', 'checkpoint_epoch_10.pt']),
      'checkpoint_epoch_15.pt': cut(torchFile),
      'checkpoint_epoch_20.pt': '',
      'notes.txt': 'x',
    },
    expected: [
      [5, 'complete', 'checkpoint_epoch_5.pt'],
      [10, 'complete', 'checkpoint_epoch_10.pt'],
      [15, 'damaged', 'checkpoint_epoch_15.pt'],
      [20, 'damaged', 'checkpoint_epoch_20.pt'],
    ],
    reasons: ['', 'is empty'],
  },
  {
    layout: 'numbered-files',
    tree: files(['model_10.safetensors', 'model_9.safetensors', 'model_100.safetensors'], safetensors()),
    expected: [
      [9, 'complete', 'model_9.safetensors'],
      [10, 'complete', 'model_10.safetensors'],
      [100, 'complete', 'model_100.safetensors'],
    ],
  },
  {
    layout: 'single',
    tree: { 'config.json': '{}', 'model.safetensors': safetensors(), 'original/consolidated.00.pth': torchFile, '.hidden': 'x' },
    expected: [[0, 'complete', '']],
  },
  { layout: 'single', tree: files(['a.pt', 'b7_final.pt', 'silero.jit']), expected: [[0, 'complete', '']] },
  {
    layout: 'single',
    tree: {
      'model_index.json': '{}',
      ...under('unet', { 'config.json': '{}', 'diffusion_pytorch_model.safetensors': safetensors() }),
      ...under('vae', { 'config.json': '{}', 'diffusion_pytorch_model.bin': torchFile }),
    },
    expected: [[0, 'complete', '']],
  },
  { layout: 'dcp', tree: distributed, expected: [[0, 'complete', '']] },
  { layout: 'dcp', tree: without(distributed, '.metadata'), expected: [[0, 'incomplete', '']], reasons: ['.metadata is missing'] },
  { layout: 'nanogpt', tree: { 'ckpt.pt': cut(torchFile) }, expected: [[0, 'damaged', 'ckpt.pt']], reasons: [''] },
];

describe('layouts', () => {
  test.each(cases.map((entry, at) => ({ ...entry, title: `${at} ${entry.layout}` })))(
    '$title',
    async ({ layout, tree, expected, reasons = [] }) => {
      const folder = await trees.fresh(tree, 'outputs');
      const run = await scanOne(folder, { now: Date.now() });
      expect({ layout: run.layout, name: run.name, path: run.path }).toEqual({ layout, name: 'outputs', path: folder });
      expect(outline(run)).toEqual(expected);
      const bad = run.checkpoints.filter((checkpoint) => checkpoint.state !== 'complete');
      expect(bad.length).toBe(reasons.length);
      for (const [at, checkpoint] of bad.entries()) {
        expect(checkpoint.reason).toContain(reasons[at]);
        expect(checkpoint.reason).toMatch(/^.{10,300}$/);
      }
    },
  );

  test('each complete checkpoint is found alone when it is given itself, as the same step of the same run', async () => {
    for (const { tree, layout } of cases.filter((entry) => !['single', 'dcp'].includes(entry.layout))) {
      const folder = await trees.fresh(tree, 'outputs');
      const whole = await scanOne(folder);
      for (const checkpoint of whole.checkpoints) {
        const alone = await scanOne(checkpoint.path);
        expect(alone.layout).toBe(layout);
        expect(alone.path).toBe(folder);
        expect(alone.checkpoints.map(({ path, step, state }) => ({ path, step, state }))).toEqual([
          { path: checkpoint.path, step: checkpoint.step, state: checkpoint.state },
        ]);
      }
    }
  });

  test.each([
    ['nanoGPT outputs', { 'out-1/ckpt.pt': torchFile, 'out-2/ckpt.pt': torchFile, 'x1/ckpt.pt': torchFile, 'x2/ckpt.pt': torchFile }],
    [
      'numbered runs of numbered files',
      under('a', Object.assign({}, ...[1, 2].map((run) => under(`model-${run}`, files(['epoch_1.pt', 'epoch_2.pt']))))),
    ],
    [
      'numbered runs of step folders',
      Object.assign(
        {},
        ...[1, 2].map((run) => ({ [`x${run}/step-1/model.safetensors`]: safetensors(), [`x${run}/model.safetensors`]: safetensors() })),
      ),
    ],
    ['seeds', { 'seed-1/model.safetensors': safetensors(), 'seed-2/model.safetensors': safetensors() }],
  ])('%s are runs of their own, also when one is given by itself', async (_title, tree) => {
    const root = await trees.fresh(tree);
    const folders = [...new Set(Object.keys(tree).map((path) => path.match(/^(a\/)?[^/]+/)![0]))];
    const { runs } = await scan([root]);
    expect(runs.map((run) => run.path.slice(root.length + 1))).toEqual(folders);
    for (const folder of folders) expect((await scanOne(`${root}/${folder}`)).path).toBe(`${root}/${folder}`);
  });

  test('a folder of several runs gives each of them, and every file of a checkpoint belongs to it', async () => {
    const all: Tree = Object.assign({}, ...cases.map(({ tree }, at) => under(`source/${at}-x/outputs`, tree)));
    const root = await trees.fresh(all);
    const { runs, findings } = await scan([root]);
    expect(findings).toEqual([]);
    expect(runs.map((run) => run.layout).sort()).toEqual(cases.map((entry) => entry.layout).sort());
    const paths = runs.flatMap((run) =>
      run.checkpoints.flatMap((checkpoint) => checkpoint.files.map((file) => `${checkpoint.path}/${file.path}`)),
    );
    expect(new Set(paths).size).toBe(paths.length);
  });
});
