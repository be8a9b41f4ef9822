import type { TensorRow } from '../../../core/contract/model.ts';

/** Tensors of one dtype ('' for any) whose name or file holds every word that is searched. */
export function filterTensors(tensors: readonly TensorRow[], search: string, dtype: string): readonly TensorRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && dtype === '') return tensors;
  return tensors.filter((tensor) => {
    if (dtype !== '' && tensor.dtype !== dtype) return false;
    const where = `${tensor.name}\n${tensor.file}`.toLowerCase();
    return words.every((word) => where.includes(word));
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
