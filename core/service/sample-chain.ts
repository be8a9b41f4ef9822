/**
 * A small training run to try Cairn with, made on the spot and without a network: weights that a made-up optimizer moves from step to step,
 * less and less, as in a run that converges. The same bytes every time.
 */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const steps = [100, 200, 300, 400, 500, 600];
const layers = 4;
const width = 256;

/** Uniform in 0 ... 1 (xorshift32; Marsaglia, Xorshift RNGs, 2003). */
function uniformFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Normal with mean 0 and deviation 1, nearly: the sum of four uniform numbers (Irwin and Hall). */
const normalFrom = (uniform: () => number) => (): number => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3);

interface Weights {
  name: string;
  shape: [number, number];
  values: Float32Array;
}

function initial(normal: () => number): Weights[] {
  const shapes: [string, [number, number]][] = [['model.embed_tokens.weight', [1024, width]]];
  for (let layer = 0; layer < layers; layer++) {
    shapes.push([`model.layers.${layer}.self_attn.qkv_proj.weight`, [width, 3 * width]]);
    shapes.push([`model.layers.${layer}.mlp.up_proj.weight`, [width, 2 * width]]);
  }
  return shapes.map(([name, shape]) => ({
    name,
    shape,
    values: Float32Array.from({ length: shape[0] * shape[1] }, () => normal() * 0.02),
  }));
}

/** Moves each weight by about the learning rate, whatever its size, as Adam does. */
function train(weights: Weights[], rate: number, normal: () => number): void {
  for (const { values } of weights) for (let index = 0; index < values.length; index++) values[index]! += normal() * rate;
}

/** Rounded to bfloat16, to nearest, ties to even. */
function toBfloat16(values: Float32Array): Buffer {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = Buffer.alloc(values.length * 2);
  bits.forEach((word, index) => halves.writeUInt16LE(((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff, index * 2));
  return halves;
}

function safetensors(weights: Weights[]): Buffer {
  const tensors = weights.map(({ name, shape, values }) => ({ name, shape, bytes: toBfloat16(values) }));
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const { name, shape, bytes } of tensors) header[name] = { dtype: 'BF16', shape, data_offsets: [at, (at += bytes.length)] };
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...tensors.map(({ bytes }) => bytes)]);
}

/** The trainer's own account up to a step: a loss that falls. */
const trainerState = (step: number): string =>
  JSON.stringify(
    {
      global_step: step,
      log_history: Array.from({ length: step / 20 }, (_, index) => {
        const at = (index + 1) * 20;
        return { step: at, loss: Number((2.2 + 5.4 * Math.exp(-at / 180) + 0.06 * Math.sin(at * 1.7)).toFixed(4)) };
      }),
    },
    null,
    2,
  );

/**
 * Writes the run where it isn't yet.
 *
 * @param folder the run's folder; one that was cut off while it was written is written anew
 */
export async function writeSampleChain(folder: string): Promise<void> {
  const newest = path.join(folder, `checkpoint-${steps.at(-1)!}`, 'trainer_state.json');
  if (await stat(newest).catch(() => undefined)) return;
  await rm(folder, { recursive: true, force: true });
  const normal = normalFrom(uniformFrom(20_261_126));
  const weights = initial(normal);
  for (const [index, step] of steps.entries()) {
    train(weights, 1e-3 / 2 ** index, normal);
    const checkpoint = path.join(folder, `checkpoint-${step}`);
    await mkdir(checkpoint, { recursive: true });
    await writeFile(path.join(checkpoint, 'config.json'), `{"architectures":["SampleForCausalLM"],"num_hidden_layers":${layers}}\n`);
    await writeFile(path.join(checkpoint, 'model.safetensors'), safetensors(weights));
    await writeFile(path.join(checkpoint, 'trainer_state.json'), trainerState(step));
  }
}
