/** Estimates from samples: what a whole would take, judged by the pieces of it that were coded for the purpose. */

export interface Sample {
  rawBytes: number;
  storedBytes: number;
}

/**
 * Scales what samples took to the whole.
 *
 * @param bytes original size of what is estimated
 * @param samples coded pieces of it; none means no saving is promised
 */
export function estimateBytes(bytes: number, samples: readonly Sample[]): number {
  const raw = samples.reduce((sum, sample) => sum + sample.rawBytes, 0);
  const stored = samples.reduce((sum, sample) => sum + sample.storedBytes, 0);
  return raw === 0 ? bytes : Math.ceil((bytes * stored) / raw);
}

/**
 * Chooses what to sample: at most `count` of `items`, evenly spread and always the same ones for the same input.
 */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, index) => items[Math.floor(((index + 0.5) * items.length) / count)]!);
}
