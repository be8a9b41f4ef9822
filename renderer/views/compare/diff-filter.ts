import type { DiffTensor } from '../../../core/contract/model.ts';

export type ChangeFilter = 'all' | DiffTensor['change'];

/** Tensors of one kind of change whose name or file holds every word that is searched. */
export function filterDiff(tensors: readonly DiffTensor[], search: string, change: ChangeFilter): readonly DiffTensor[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && change === 'all') return tensors;
  return tensors.filter((tensor) => {
    if (change !== 'all' && tensor.change !== change) return false;
    const where = `${tensor.name}\n${tensor.file}`.toLowerCase();
    return words.every((word) => where.includes(word));
  });
}

/** Of a changed tensor, what the deltas to it take by its size: 0 is equal, 1 as good as new. Undefined where no delta tells. */
export const distanceOf = ({ bytes, bytesDelta }: DiffTensor): number | undefined =>
  bytesDelta === undefined || bytes === 0 ? undefined : bytesDelta / bytes;

/** Both where they differ: "BF16 → F32". */
export const beforeAndAfter = (before: string | undefined, after: string): string =>
  before === undefined || before === after ? after : `${before} → ${after}`;
