/** Runs work on every item, at most `width` at a time; the first failure ends it, after what has started is done. */
export async function forEachBounded<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed: { reason: unknown } | undefined;
  const lane = async () => {
    for (let next = queue.next(); !next.done && !failed; next = queue.next()) {
      await work(next.value).catch((reason: unknown) => (failed ??= { reason }));
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failed) throw failed.reason;
}
