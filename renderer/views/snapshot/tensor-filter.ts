import type { TensorRow } from '../../../core/contract/model.ts';

/** How a tensor is stored, as the filter tells them apart. */
export type Pairing = 'all' | 'keyframe' | 'delta' | 'renamed' | 'paired' | 'reused';

const fits: Record<Pairing, (tensor: TensorRow) => boolean> = {
  all: () => true,
  keyframe: ({ depth, reused }) => depth === 0 && !reused,
  delta: ({ depth }) => depth > 0,
  renamed: ({ name, pairs }) => pairs.some(({ role, tensor }) => role === 'base' && tensor !== name),
  paired: ({ pairs }) => pairs.some(({ role }) => role !== 'base'),
  reused: ({ reused }) => reused,
};

export interface TensorFilter {
  search: string;
  /** '' for any. */
  dtype: string;
  pairing: Pairing;
}

/** By row what is searched in it, so that a hundred thousand of them answer every key at once. */
const searched = new WeakMap<TensorRow, string>();

function textOf(tensor: TensorRow): string {
  const known = searched.get(tensor);
  if (known !== undefined) return known;
  const text = [tensor.name, tensor.file, ...tensor.pairs.map((pair) => pair.tensor)].join('\n').toLowerCase();
  searched.set(tensor, text);
  return text;
}

/** Tensors of one dtype and way of storing whose name, file or partner holds every word that is searched. */
export function filterTensors(tensors: readonly TensorRow[], { search, dtype, pairing }: TensorFilter): readonly TensorRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && dtype === '' && pairing === 'all') return tensors;
  return tensors.filter((tensor) => {
    if ((dtype !== '' && tensor.dtype !== dtype) || !fits[pairing](tensor)) return false;
    return words.every((word) => textOf(tensor).includes(word));
  });
}

/** The dtypes that occur, most frequent first. */
export function dtypesOf(tensors: readonly TensorRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
}

/** Names a row: a name alone may occur in several files. */
export const keyOfTensor = (tensor: TensorRow): string => `${tensor.file}\n${tensor.name}`;
