/** Folders laid out as trainers leave them, of tiny but valid files. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { scan, type ScanOptions } from '../../../core/scan/scanner.ts';
import type { FoundRun } from '../../../core/scan/found.ts';

export type Tree = Record<string, string | Uint8Array>;

/** A safetensors file with one float32 tensor. */
export function safetensors(name = 'w', elements = 4): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape: [elements], data_offsets: [0, elements * 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(elements * 4, 1)]);
}

/** A file that torch.save wrote. */
export const torchFile = readFileSync(new URL('../../fixtures/formats/zip-dtypes.pt', import.meta.url));

export function cut(bytes: Uint8Array, share = 0.5): Uint8Array {
  return bytes.subarray(0, Math.floor(bytes.length * share));
}

export function trainerState(step: number, more: Record<string, unknown> = {}): string {
  const history = [
    { loss: 3, step: step / 2 },
    { loss: 2.5, step },
    { eval_loss: 2.6, step },
  ];
  return JSON.stringify({ global_step: step, log_history: history, best_model_checkpoint: null, ...more }, null, 2);
}

/** What the Trainer leaves at a step. */
export function trainerFolder(step: number): Tree {
  return {
    'config.json': '{}',
    'model.safetensors': safetensors(),
    'optimizer.pt': torchFile,
    'scheduler.pt': torchFile,
    'rng_state.pth': torchFile,
    'training_args.bin': torchFile,
    'trainer_state.json': trainerState(step),
  };
}

/** The tree with every path below `prefix`. */
export function under(prefix: string, tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, content]) => [`${prefix}/${path}`, content]));
}

export function without(tree: Tree, ...paths: string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !paths.includes(path)));
}

export async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    const absolute = join(root, path);
    await mkdir(dirname(absolute), { recursive: true });
    if (!path.endsWith('/')) await writeFile(absolute, content);
    else await mkdir(absolute, { recursive: true });
  }
}

/** A temporary folder for a spec file; `fresh` gives an empty one inside it with the tree written. */
export function temporaryTrees(): { fresh(tree: Tree, name?: string): Promise<string> } {
  let root = '';
  let count = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'cairn-scan-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));
  return {
    async fresh(tree, name = 'run') {
      const folder = join(root, String((count += 1)), name);
      await mkdir(folder, { recursive: true });
      await writeTree(folder, tree);
      return folder;
    },
  };
}

/** Sets the modification time of files below `root`, `secondsAgo` before now. */
export async function age(root: string, paths: string[], secondsAgo: number): Promise<void> {
  const time = Date.now() / 1000 - secondsAgo;
  for (const path of paths) await utimes(join(root, path), time, time);
}

/** Scans and expects one run. */
export async function scanOne(path: string, options?: ScanOptions): Promise<FoundRun> {
  const { runs, findings } = await scan([path], options);
  if (runs.length !== 1)
    throw new Error(`${runs.length} runs: ${JSON.stringify(runs.map((run) => [run.path, run.layout]))} ${JSON.stringify(findings)}`);
  return runs[0]!;
}

/** Step, state and place of each checkpoint of a run. */
export function outline(run: FoundRun): [number, string, string][] {
  return run.checkpoints.map(({ step, state, path }) => [step, state, path.slice(run.path.length + 1)]);
}
