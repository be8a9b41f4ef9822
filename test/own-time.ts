/**
 * Time as this process has it. The clock on the wall also runs while others have the machine, so what it says of a piece of work says
 * as much about them.
 */

/** Milliseconds of a processor that this process took for the work, in all of its threads. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const turnMs = 10;

/** Milliseconds that passed for this process's own timers: one that had no turn, because others had the processor, doesn't count. */
export async function turnsMsOf(work: () => unknown): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), turnMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return turns * turnMs;
}
