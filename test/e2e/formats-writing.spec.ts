/** Checkpoints that are being written while they are looked at: never archived half, and whole once they are finished. */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { archiveCheckpoint } from '../../core/jobs/archive/archive-checkpoint.ts';
import { Durable } from '../../core/jobs/archive/durable.ts';
import { CodecPool } from '../../core/codec/pool.ts';
import { hashing } from '../../core/codec/hashing.ts';
import { scan } from '../../core/scan/scanner.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Store } from '../../core/store/store.ts';
import { runCli } from '../cli/run-cli.ts';
import { Bench } from '../jobs/context.ts';
import { bytesOf, picture, safetensors, weights } from '../jobs/files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const tensors = (seed: number, ...names: string[]): Buffer =>
  safetensors(names.map((name, at) => ({ name, dtype: 'F32', shape: [500], bytes: bytesOf(weights(500, seed * 31 + at + 1)) })));
const fixture = (name: string): Buffer => readFileSync(path.resolve('test/fixtures/formats', name));
const torchFile = fixture('rng-state.pth');

/** One thing that a trainer does to a file, in the order in which it does them. */
type Act = { file: string; bytes: Buffer | string } | { rename: string; to: string };

interface Trainer {
  trainer: string;
  /** The acts of saving step `step`, paths below the run. */
  save(step: number): Act[];
  /** Where the checkpoint of a step is. */
  place(step: number): string;
}

const hfFolder = (step: number): string => `checkpoint-${step}`;
const distcp = (step: number, name: string): string => `step-${step}/${name}`;

const trainers: Trainer[] = [
  {
    trainer: 'Hugging Face Trainer: model, optimizer, scheduler, random state, trainer_state.json last',
    place: hfFolder,
    save: (step) => [
      { file: `${hfFolder(step)}/config.json`, bytes: '{"model_type":"gpt2"}' },
      { file: `${hfFolder(step)}/model.safetensors`, bytes: tensors(step, 'w', 'b') },
      { file: `${hfFolder(step)}/training_args.bin`, bytes: torchFile },
      { file: `${hfFolder(step)}/optimizer.pt`, bytes: fixture('zip-dtypes.pt') },
      { file: `${hfFolder(step)}/scheduler.pt`, bytes: torchFile },
      { file: `${hfFolder(step)}/rng_state.pth`, bytes: torchFile },
      { file: `${hfFolder(step)}/trainer_state.json`, bytes: JSON.stringify({ global_step: step, log_history: [{ step, loss: 2 }] }) },
    ],
  },
  {
    trainer: 'Hugging Face Trainer with shards, their index after them',
    place: hfFolder,
    save: (step) => [
      { file: `${hfFolder(step)}/config.json`, bytes: '{}' },
      { file: `${hfFolder(step)}/model-00001-of-00002.safetensors`, bytes: tensors(step, 'a') },
      { file: `${hfFolder(step)}/model-00002-of-00002.safetensors`, bytes: tensors(step, 'b') },
      {
        file: `${hfFolder(step)}/model.safetensors.index.json`,
        bytes: JSON.stringify({
          metadata: {},
          weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
        }),
      },
      { file: `${hfFolder(step)}/optimizer.pt`, bytes: fixture('zip-dtypes.pt') },
      { file: `${hfFolder(step)}/trainer_state.json`, bytes: JSON.stringify({ global_step: step, log_history: [] }) },
    ],
  },
  {
    trainer: 'Hugging Face Trainer with an adapter',
    place: hfFolder,
    save: (step) => [
      { file: `${hfFolder(step)}/adapter_model.safetensors`, bytes: tensors(step, 'lora_A', 'lora_B') },
      { file: `${hfFolder(step)}/adapter_config.json`, bytes: '{"peft_type":"LORA"}' },
      { file: `${hfFolder(step)}/optimizer.pt`, bytes: fixture('zip-dtypes.pt') },
      { file: `${hfFolder(step)}/trainer_state.json`, bytes: JSON.stringify({ global_step: step, log_history: [] }) },
    ],
  },
  {
    trainer: 'DeepSpeed: the tag folder, then latest',
    place: (step) => `global_step${step}`,
    save: (step) => [
      { file: `global_step${step}/zero_pp_rank_0_mp_rank_00_optim_states.pt`, bytes: fixture('zip-dtypes.pt') },
      { file: `global_step${step}/zero_pp_rank_1_mp_rank_00_optim_states.pt`, bytes: fixture('zip-views.pt') },
      { file: `global_step${step}/mp_rank_00_model_states.pt`, bytes: fixture('zip-special-values.pt') },
      { file: 'latest', bytes: `global_step${step}` },
    ],
  },
  {
    trainer: 'PyTorch distributed: pieces of the ranks, .metadata renamed into place last',
    place: (step) => `step-${step}`,
    save: (step) => [
      { file: distcp(step, '__0_0.distcp'), bytes: fixture('zip-dtypes.pt') },
      { file: distcp(step, '__1_0.distcp'), bytes: fixture('zip-views.pt') },
      {
        file: distcp(step, '.metadata.tmp'),
        bytes: Buffer.from('\x80\x02}X\x0c\x00\x00\x00__0_0.distcpX\x0c\x00\x00\x00__1_0.distcps.', 'latin1'),
      },
      { rename: distcp(step, '.metadata.tmp'), to: distcp(step, '.metadata') },
    ],
  },
  {
    trainer: 'one safetensors file a step, growing',
    place: (step) => `step-${step}`,
    save: (step) => [{ file: `step-${step}/model.safetensors`, bytes: tensors(step, 'w', 'b') }],
  },
  {
    trainer: 'one torch file that is written over, growing',
    place: () => '',
    save: () => [{ file: 'ckpt.pt', bytes: fixture('zip-dtypes.pt') }],
  },
  {
    trainer: 'Lightning: a temporary name, then its own',
    place: (step) => `epoch=0-step=${step}.ckpt`,
    save: (step) => [
      { file: `epoch=0-step=${step}.ckpt.tmp`, bytes: fixture('zip-dtypes.pt') },
      { rename: `epoch=0-step=${step}.ckpt.tmp`, to: `epoch=0-step=${step}.ckpt` },
    ],
  },
];

const pickle = Buffer.from('\x80\x04}\x94\x8c\x06python\x94K\x01s.', 'latin1');
const accelerate = (step: number, name: string): string => `checkpoint_${step}/${name}`;
const iteration = (step: number, name: string): string => `iter_${String(step).padStart(7, '0')}/${name}`;
const verl = (step: number, name: string): string => `global_step_${step}/actor/${name}`;
const olmo = (step: number, temporary: string, name: string): string => `step${step}${temporary}/${name}`;
const orbax = (step: number, temporary: string, name = ''): string => `${step}${temporary}${name}`;
const staging = '.orbax-checkpoint-tmp-1700000000000000';

trainers.push(
  {
    trainer: 'Accelerate: random states last',
    place: (step) => `checkpoint_${step}`,
    save: (step) => [
      { file: accelerate(step, 'model.safetensors'), bytes: tensors(step, 'w', 'b') },
      { file: accelerate(step, 'optimizer.bin'), bytes: fixture('zip-dtypes.pt') },
      { file: accelerate(step, 'scheduler.bin'), bytes: torchFile },
      { file: accelerate(step, 'random_states_0.pkl'), bytes: pickle },
    ],
  },
  {
    trainer: 'Megatron: ranks, then the tracker',
    place: (step) => iteration(step, '').slice(0, -1),
    save: (step) => [
      { file: iteration(step, 'mp_rank_00/model_optim_rng.pt'), bytes: fixture('zip-dtypes.pt') },
      { file: iteration(step, 'mp_rank_01/model_optim_rng.pt'), bytes: fixture('zip-views.pt') },
      { file: 'latest_checkpointed_iteration.txt', bytes: String(step) },
    ],
  },
  {
    trainer: 'verl: actor, then the tracker',
    place: (step) => `global_step_${step}`,
    save: (step) => [
      { file: verl(step, 'model_world_size_1_rank_0.pt'), bytes: fixture('zip-dtypes.pt') },
      { file: verl(step, 'optim_world_size_1_rank_0.pt'), bytes: fixture('zip-views.pt') },
      { file: verl(step, 'huggingface/config.json'), bytes: '{}' },
      { file: 'latest_checkpointed_iteration.txt', bytes: String(step) },
    ],
  },
  {
    trainer: 'OLMo: a temporary folder, then its own name',
    place: (step) => `step${step}`,
    save: (step) => [
      { file: olmo(step, '-tmp', 'config.yaml'), bytes: 'run_name: x\n' },
      { file: olmo(step, '-tmp', 'model.pt'), bytes: fixture('zip-dtypes.pt') },
      { file: olmo(step, '-tmp', 'optim.pt'), bytes: fixture('zip-views.pt') },
      { file: olmo(step, '-tmp', 'train.pt'), bytes: torchFile },
      { rename: olmo(step, '-tmp', ''), to: olmo(step, '', '') },
    ],
  },
  {
    trainer: 'Orbax: a temporary folder, then its own name',
    place: (step) => String(step),
    save: (step) => [
      { file: orbax(step, staging, '/default/manifest.ocdbt'), bytes: tensors(step, 'x') },
      { file: orbax(step, staging, '/default/_METADATA'), bytes: '{}' },
      { file: orbax(step, staging, '/_CHECKPOINT_METADATA'), bytes: '{}' },
      { rename: orbax(step, staging), to: orbax(step, '') },
    ],
  },
);

/** Does the acts one after the other, files in thirds, and looks after every write but the last. */
async function writeSlowly(run: string, acts: Act[], look: () => Promise<void>): Promise<void> {
  for (const [index, act] of acts.entries()) {
    const last = index === acts.length - 1;
    if ('rename' in act) renameSync(path.join(run, act.rename), path.join(run, act.to));
    else {
      const bytes = Buffer.from(act.bytes);
      mkdirSync(path.dirname(path.join(run, act.file)), { recursive: true });
      for (const share of [0, 1 / 3, 2 / 3]) {
        writeFileSync(path.join(run, act.file), bytes.subarray(0, Math.floor(bytes.length * share)));
        await look();
      }
      writeFileSync(path.join(run, act.file), bytes);
    }
    if (!last) await look();
  }
}

/** Archives what can be; a run of which nothing can be read yet is no failure here. */
async function archive(run: string) {
  return bench.archive({ paths: [run] }).catch((thrown: unknown) => {
    expect(thrown).toMatchObject({ code: 'not_found' });
    return { snapshots: [], skipped: [], errors: [] };
  });
}

describe('a checkpoint that is being written', () => {
  it.each(trainers)('$trainer', async ({ save, place }) => {
    const run = bench.path('run');
    mkdirSync(run);
    const sealed: string[] = [];
    for (const step of [100, 200]) {
      let looks = 0;
      await writeSlowly(run, save(step), async () => {
        looks += 1;
        const found = (await scan([run])).runs.flatMap(({ checkpoints }) => checkpoints);
        const whole = found.filter(({ state }) => state === 'complete').map(({ path: at }) => path.relative(run, at));
        expect(whole.filter((at) => at === place(step) && !sealed.includes(at))).toEqual([]);
        for (const { state, reason } of found) if (state !== 'complete') expect(reason).toMatch(/changed \d+ s ago/);
        const { snapshots } = await archive(run);
        expect(snapshots.map(({ path: at }) => at)).toEqual([]);
      });
      expect(looks).toBeGreaterThan(2);
      const { snapshots, errors } = await archive(run);
      expect(errors).toEqual([]);
      if (place(step) === '' && step === 200) break;
      expect(snapshots.map(({ step: at }) => at)).toHaveLength(1);
      const back = bench.path('back', String(step));
      await bench.restore({ snapshot: snapshots[0]!.id, to: back });
      const original = snapshots[0]!.path;
      if (statSync(original).isDirectory()) expect(picture(back)).toEqual(picture(original));
      else expect(readFileSync(path.join(back, path.basename(original))).equals(readFileSync(original))).toBe(true);
      sealed.push(place(step));
    }
    expect((await bench.verify()).findings).toEqual([]);
  });

  it('is not committed where a file came while it was archived', async () => {
    const run = bench.path('run');
    mkdirSync(path.join(run, 'step-1'), { recursive: true });
    writeFileSync(path.join(run, 'step-1/model.safetensors'), tensors(1, 'w'));
    const [found] = (await scan([run])).runs;
    const pool = new CodecPool(1);
    const store = await Store.open({ backend: new LocalBackend(bench.storePath), hashing, mode: 'write', create: true });
    const catalogue = Catalogue.open(bench.path('durable.sqlite'));
    try {
      const late = path.join(run, 'step-1/optimizer.safetensors');
      const onBytes = (): void => writeFileSync(late, tensors(1, 'm'));
      const coding = { method: 'cairn' as const, maxDepth: 8, pool, cancel: new Int32Array(1) };
      const options = {
        ...coding,
        proved: new Set<string>(),
        now: () => new Date(),
        onBytes,
        onCommit: () => undefined,
        durable: new Durable(catalogue, store, found!.checkpoints[0]!.path),
      };
      await expect(archiveCheckpoint(store, found!, found!.checkpoints[0]!, undefined, options)).rejects.toMatchObject({
        code: 'changed',
        path: late,
      });
      expect(await store.snapshotIds()).toEqual([]);
    } finally {
      catalogue.close();
      await store.close();
      await pool.close();
    }
  });

  it('is left alone by the command line while a process writes it', async () => {
    const run = bench.path('run');
    const home = bench.path('home');
    const acts = trainers[0]!.save(100);
    let writing = true;
    const written = writeSlowly(run, acts, () => new Promise((resolve) => setTimeout(resolve, 60))).finally(() => (writing = false));
    while (writing) {
      const { records } = await runCli(['archive', run, '--json'], { home });
      const archived = records.at(-1) as { snapshots?: { path: string }[] } | undefined;
      // The last write may have come between the look and here; then it must be all of it.
      if (archived?.snapshots?.length) expect(readdirSync(archived.snapshots[0]!.path)).toHaveLength(acts.length);
    }
    await written;
    await runCli(['archive', run], { home });
    const restored = await runCli(['restore', 'run@100', '--to', bench.path('back')], { home });
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(picture(bench.path('back'))).toEqual(picture(path.join(run, 'checkpoint-100')));
  });
});

describe('a torn checkpoint', () => {
  it('is shown as such, and the last good one before it is named', async () => {
    const run = bench.path('run');
    for (const step of [100, 200, 300, 400]) await writeSlowly(run, trainers[0]!.save(step), () => Promise.resolve());
    rmSync(path.join(run, 'checkpoint-300/trainer_state.json'));
    writeFileSync(path.join(run, 'checkpoint-400/model.safetensors'), tensors(4, 'w', 'b').subarray(0, 900));
    const { stdout, exitCode, records } = await runCli(['scan', run, '--json'], { home: bench.path('home') });
    expect(exitCode, stdout).toBe(0);
    const { runs } = records.at(-1) as { runs: { snapshots: { step: number; state: string; reason?: string }[] }[] };
    expect(runs[0]!.snapshots.map(({ step, state }) => [step, state])).toEqual([
      [100, 'complete'],
      [200, 'complete'],
      [300, 'incomplete'],
      [400, 'damaged'],
    ]);
    expect(runs[0]!.snapshots[2]!.reason).toMatch(
      /trainer_state\.json is missing.*; the last good one before it is step 200 \(checkpoint-200\)$/,
    );
    expect(runs[0]!.snapshots[3]!.reason).toMatch(/model\.safetensors.*; the last good one before it is step 200 \(checkpoint-200\)$/);
  });

  it('says so where none before it is whole', async () => {
    const run = bench.path('run');
    for (const step of [100, 200]) await writeSlowly(run, trainers[0]!.save(step), () => Promise.resolve());
    rmSync(path.join(run, 'checkpoint-100/model.safetensors'));
    const [torn, whole] = (await scan([run])).runs[0]!.checkpoints;
    expect(torn).toMatchObject({ state: 'incomplete', reason: expect.stringMatching(/; none before it is whole$/) as unknown });
    expect(whole).toMatchObject({ state: 'complete' });
  });
});
