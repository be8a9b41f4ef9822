/**
 * Which elements of a checkpoint the study looks at: windows of `windowElements` (each is one entropy block of every byte
 * plane), at even distances, the same ones at every step, shared out so that no group of tensors goes without. No I/O.
 */

export const windowElements = 65_536;

export interface Sampled {
  /** Tensors of one group share its windows. */
  group: string;
  elements: number;
  width: number;
}

/** `count` elements of a tensor from `start`. */
export interface Window<T> {
  tensor: T;
  start: number;
  count: number;
}

/** All windows of a group, tensor by tensor. */
function* windowsOf<T extends Sampled>(tensors: readonly T[], elements: number): Generator<Window<T>> {
  for (const tensor of tensors) {
    for (let start = 0; start < tensor.elements; start += elements) {
      yield { tensor, start, count: Math.min(elements, tensor.elements - start) };
    }
  }
}

const countOf = (tensors: readonly Sampled[], elements: number): number =>
  tensors.reduce((sum, tensor) => sum + Math.ceil(tensor.elements / elements), 0);

/** Every n-th of a group, so that `wanted` are left; all where there are no more. */
function* spread<T>(windows: Iterable<T>, total: number, wanted: number): Generator<T> {
  const distance = Math.max(1, total / wanted);
  let [index, next] = [0, 0];
  for (const window of windows) {
    if (index++ < Math.floor(next)) continue;
    next += distance;
    yield window;
  }
}

const bytesOf = (tensors: readonly Sampled[]): number => tensors.reduce((sum, { elements, width }) => sum + elements * width, 0);

/**
 * @param budgetBytes about how much to read; absent: everything. Each group gets its part of it by size, and one window at least.
 * @param elements of a window
 */
export function sample<T extends Sampled>(tensors: readonly T[], budgetBytes?: number, elements = windowElements): Window<T>[] {
  const all = bytesOf(tensors);
  return [...Map.groupBy(tensors, ({ group }) => group).values()].flatMap((group) => {
    const total = countOf(group, elements);
    const share = budgetBytes === undefined || all <= budgetBytes ? 1 : budgetBytes / all;
    return [...spread(windowsOf(group, elements), total, Math.max(1, Math.floor(total * share)))];
  });
}
