/**
 * Sizes against what the project set out to reach: each step of real chains against the step before, tensor by tensor, by Cairn and by
 * LMC, stored blocks with their length and checksum counted. Exact and repeatable; nothing is timed. Where fp32 weights have a chain, they
 * stand rounded for one in fp16 too.
 *
 *   node test/bench/targets.ts DATA      prints CSV; DATA has the folders named below
 *
 * `worst_tensor` is how much larger than by LMC the least lucky tensor is.
 */
import { cpSync, mkdtempSync, openSync, closeSync, readSync, rmSync, readdirSync, statSync, existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { elements, type ElementId } from '../../core/codec/elements.ts';
import { readCheckpoint } from '../../core/scan/read-checkpoint.ts';
import { scan } from '../../core/scan/scanner.ts';
import { code, Folder } from '../native/coding.ts';

/** What a target is about: by how much smaller than LMC, and which tensors count. */
interface Target {
  name: string;
  folder: string;
  steps: [number, number];
  smaller?: number;
  only?: RegExp;
  element: ElementId;
  /** Round fp32 to this first. */
  as?: ElementId;
}

const { bfloat16, float16, float32 } = elements;
const weight = /^(?!.*(exp_avg|attn\.(masked_)?bias$))/;
const targets: Target[] = [
  { name: 'bf16 early', folder: 'nanogpt-bf16', steps: [200, 400], smaller: 4, element: bfloat16 },
  { name: 'bf16 middle', folder: 'nanogpt-bf16', steps: [1200, 1400], smaller: 12, element: bfloat16 },
  { name: 'bf16 late', folder: 'nanogpt-bf16', steps: [2000, 2200], smaller: 20, element: bfloat16 },
  { name: 'bf16 late', folder: 'nanogpt-bf16', steps: [2200, 2400], smaller: 20, element: bfloat16 },
  { name: 'bf16 fine-tune', folder: 'ft-bf16', steps: [500, 600], smaller: 28, element: bfloat16 },
  { name: 'bf16 trained in bf16', folder: 'ft-bf16-inplace', steps: [300, 600], smaller: 40, element: bfloat16 },
  { name: 'fp16', folder: 'nanogpt-full', steps: [2000, 2200], smaller: 7, element: float32, only: weight, as: float16 },
  { name: 'fp32', folder: 'nanogpt-full', steps: [2000, 2200], smaller: 6, element: float32, only: weight },
  { name: 'exp_avg_sq', folder: 'nanogpt-full', steps: [2000, 2200], smaller: 4, element: float32, only: /exp_avg_sq/ },
  { name: 'exp_avg', folder: 'nanogpt-full', steps: [2000, 2200], element: float32, only: /exp_avg(?!_sq)/ },
  { name: 'fp32 LoRA', folder: 'third-party/lora-roberta-agnews', steps: [1000, 1200], element: float32 },
];

interface Tensor {
  name: string;
  element: ElementId;
  columns: number;
  bytes: Uint8Array;
}

function readRange(file: string, offset: number, length: number): Uint8Array {
  const [bytes, handle] = [new Uint8Array(length), openSync(file, 'r')];
  readSync(handle, bytes, 0, length, offset);
  closeSync(handle);
  return bytes;
}

async function tensorsAt(folder: string, step: number): Promise<Map<string, Tensor>> {
  const { runs } = await scan([folder], {});
  const checkpoint = runs.flatMap((run) => run.checkpoints).find((one) => one.step === step);
  if (!checkpoint) throw new Error(`${folder}: no checkpoint of step ${step}`);
  const tensors = new Map<string, Tensor>();
  for (const { path: file, layout } of await readCheckpoint(checkpoint)) {
    const seen = new Set<number>();
    for (const { name, part, shape } of layout.tensors) {
      const range = layout.parts[part];
      if (!range || seen.has(part) || range.length === 0) continue;
      seen.add(part);
      const columns = shape.length >= 2 ? shape.slice(1).reduce((product, size) => product * size, 1) : 0;
      const key = `${path.basename(file)} ${name}`;
      tensors.set(key, { name: key, element: range.element, columns, bytes: readRange(file, range.offset, range.length) });
    }
  }
  return tensors;
}

const rounded = (tensor: Tensor): Tensor => ({
  ...tensor,
  element: float16,
  bytes: new Uint8Array(Float16Array.from(new Float32Array(tensor.bytes.slice().buffer)).buffer),
});

/** Bytes that the tensor takes stored, with what a pack notes of every block. */
function storedBy(folder: Folder, method: 'cairn' | 'lmc', tensor: Tensor, base: Tensor, squares?: Tensor): number {
  const source = (bytes: Uint8Array) => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });
  const { item } = code(folder, tensor.bytes, {
    element: tensor.element,
    method,
    base: source(base.bytes),
    ...(squares && method === 'cairn' ? { secondMoment: source(squares.bytes) } : {}),
    ...(tensor.columns > 0 && method === 'cairn' ? { columns: tensor.columns } : {}),
  });
  return item.storedLength + 8 * item.lengths.length;
}

async function measure(data: string, target: Target): Promise<string> {
  const folder = new Folder();
  try {
    const [from, to] = target.steps;
    const [before, after] = [await tensorsAt(path.join(data, target.folder), from), await tensorsAt(path.join(data, target.folder), to)];
    const sum = { raw: 0, lmc: 0, cairn: 0, worst: -Infinity };
    for (const tensor of after.values()) {
      const base = before.get(tensor.name);
      if (tensor.element !== target.element || !(target.only ?? /./).test(tensor.name) || base?.bytes.length !== tensor.bytes.length)
        continue;
      const [one, other] = target.as ? [rounded(tensor), rounded(base)] : [tensor, base];
      const squares = /exp_avg(?!_sq)/.test(tensor.name) ? after.get(tensor.name.replace(/exp_avg/, 'exp_avg_sq')) : undefined;
      const [cairn, lmc] = [storedBy(folder, 'cairn', one, other, squares), storedBy(folder, 'lmc', one, other)];
      sum.raw += one.bytes.length;
      sum.lmc += lmc;
      sum.cairn += cairn;
      sum.worst = Math.max(sum.worst, (100 * (cairn - lmc)) / lmc);
    }
    return row(target.name, target.folder, `${from} -> ${to}`, sum, target.smaller, sum.worst);
  } finally {
    folder.remove();
  }
}

function row(
  name: string,
  folder: string,
  steps: string,
  { raw, lmc, cairn }: { raw: number; lmc: number; cairn: number },
  target: number | undefined,
  worst: number | undefined,
): string {
  const smaller = (100 * (lmc - cairn)) / lmc;
  const met = target === undefined ? '' : smaller >= target ? 'yes' : 'no';
  return [name, folder, steps, raw, lmc, cairn, smaller.toFixed(2), target ?? '', met, worst?.toFixed(2) ?? ''].join(',');
}

function sizeBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
  return files.reduce((sum, file) => sum + (statSync(file).isFile() ? statSync(file).size : 0), 0);
}

/** Full training state with the bf16 copy that is saved beside it, archived as a chain by the command line. */
function measureState(data: string): string {
  const scratch = mkdtempSync(path.join(tmpdir(), 'cairn-targets-'));
  try {
    const run = path.join(scratch, 'run');
    for (const step of [2000, 2200]) {
      const checkpoint = path.join(run, `checkpoint-${step}`);
      cpSync(path.join(data, 'nanogpt-full', `checkpoint-${step}`), checkpoint, { recursive: true });
      const copy = path.join(data, 'nanogpt-bf16', `step-00${step}`, 'model.safetensors');
      if (existsSync(copy)) cpSync(copy, path.join(checkpoint, 'model.safetensors'));
    }
    const stored = (method: string): number => {
      const store = path.join(scratch, method);
      const cli = path.resolve(import.meta.dirname, '../../core/host/cli.ts');
      const env = { ...process.env, CAIRN_HOME: path.join(scratch, `home-${method}`) };
      execFileSync(process.execPath, [cli, 'archive', run, '--store', store, '--method', method, '--json'], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env,
      });
      return sizeBelow(store);
    };
    return row(
      'full state',
      'nanogpt-full',
      'whole chain',
      { raw: sizeBelow(run), lmc: stored('lmc'), cairn: stored('cairn') },
      10,
      undefined,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const data = process.argv[2];
if (data === undefined) throw new Error('usage: node test/bench/targets.ts DATA');
process.stdout.write('class,folder,steps,raw,lmc,cairn,smaller_percent,target_percent,met,worst_tensor_percent\n');
for (const target of targets) process.stdout.write(`${await measure(data, target)}\n`);
process.stdout.write(`${measureState(data)}\n`);
