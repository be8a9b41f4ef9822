/**
 * nanoGPT: `ckpt.pt` in an output folder, written over at every evaluation. The name has no step, but AdamW's state
 * in the file counts its own steps, which is nanoGPT's `iter_num`.
 */
import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { TreeFile } from '../folder-tree.ts';
import { readLayout } from '../formats/registry.ts';
import { fileNamed, type Question, type Recogniser, type Recognised } from './recogniser.ts';

const stepName = /^optimizer\.state\.\d+\.step$/;

/** The step count of the first parameter's optimizer state: one float32 of the file. */
async function readOptimizerStep(file: TreeFile): Promise<number | undefined> {
  const layout = await readLayout(file.path);
  const tensor = layout.tensors.find((candidate) => stepName.test(candidate.name) && candidate.dtype === 'F32');
  const part = tensor && layout.parts[tensor.part];
  if (!tensor || !part || tensor.offset + 4 > part.length) return undefined;
  const handle = await open(file.path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, part.offset + tensor.offset);
    const step = buffer.readFloatLE(0);
    return bytesRead === 4 && Number.isSafeInteger(step) && step >= 0 ? step : undefined;
  } finally {
    await handle.close();
  }
}

async function recognise({ folder, facts }: Question): Promise<Recognised | undefined> {
  const file = fileNamed(folder, 'ckpt.pt');
  if (!file) return undefined;
  const step = await facts.fact(
    file,
    'optimizer-step',
    z.number(),
    async (entry) => (await readOptimizerStep(entry)) ?? Promise.reject(new Error('no step')),
  );
  return { claims: [{ entry: file, step: step ?? 0, stepFrom: step === undefined ? 'mtime' : 'state' }] };
}

export const nanogpt: Recogniser = { name: 'nanogpt', recognise };
