/** What a tensor is in a training run, by the names of its file and its own: the study keeps unlike things apart. No I/O. */
import path from 'node:path';
import { partOf } from '../scan/layouts/file-kinds.ts';

export const parts = ['weights', 'optimizer', 'other'] as const;
export type Part = (typeof parts)[number];

const optimizerTensor =
  /(^|[./_])(optim(izer)?(_states?)?|exp_avg(_sq)?|max_exp_avg_sq|momentum_buffer|fp32_flat_groups|base_optimizer_state)([./_]|$)/i;
const moment = /(^|[./_])(max_exp_avg_sq|exp_avg_sq|exp_avg|momentum_buffer)([./_]|$)/i;

/** @param file path within the checkpoint */
export function partOfTensor(file: string, tensor: string): Part {
  const part = partOf(path.basename(file));
  if (part === 'optimizer' || optimizerTensor.test(tensor)) return 'optimizer';
  return part === 'weights' ? 'weights' : 'other';
}

/** Tensors that are measured together: weights, an optimizer's first or second moments, ..., of one dtype. */
export function kindOf(file: string, tensor: string, dtype: string): string {
  const part = partOfTensor(file, tensor);
  const named = part === 'optimizer' ? moment.exec(tensor)?.[2]?.toLowerCase() : undefined;
  return `${named ?? part} ${dtype}`;
}

/**
 * The layer that a tensor belongs to: its name up to the first number, or without its last word where it has none.
 * `model.layers.12.mlp.up_proj.weight` -> `model.layers.12`; `lm_head.weight` -> `lm_head`.
 */
export function layerOf(tensor: string): string {
  const words = tensor.split(/[./]/);
  const number = words.findIndex((word, index) => index > 0 && /^\d+$/.test(word));
  if (number > 0) return words.slice(0, number + 1).join('.');
  return words.length > 1 ? words.slice(0, -1).join('.') : tensor;
}
