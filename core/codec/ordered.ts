/**
 * Runs the tasks that `start` makes of `inputs` with at most `limit` under way, and yields input and result in the order of the inputs, so that
 * what is written doesn't depend on which worker was faster. Where the consumer stops early or a task fails, the results
 * nobody took are handed to `discard` before the iteration ends.
 */
export async function* ordered<In, Out>(
  inputs: Iterable<In>,
  limit: number,
  start: (input: In) => Promise<Out>,
  discard?: (out: Out) => Promise<void>,
): AsyncGenerator<[In, Out]> {
  const running: { input: In; out: Promise<Out> }[] = [];
  const iterator = inputs[Symbol.iterator]();
  const fill = (): void => {
    while (running.length < limit) {
      const next = iterator.next();
      if (next.done) return;
      const out = start(next.value);
      out.catch(() => undefined); // reported where it is awaited, in order
      running.push({ input: next.value, out });
    }
  };
  try {
    for (fill(); running.length > 0; fill()) {
      const first = running[0]!;
      const out = await first.out;
      running.shift();
      yield [first.input, out];
    }
  } finally {
    const rest = await Promise.allSettled(running.map((entry) => entry.out));
    if (discard) await Promise.all(rest.filter((entry) => entry.status === 'fulfilled').map((entry) => discard(entry.value)));
  }
}
