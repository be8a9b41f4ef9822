/** The budget of all jobs, by a clock of the test's own: so many tasks at once, so many bytes a second, changed while tasks wait. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '../../core/jobs/budget.ts';
import { Gate } from '../../core/jobs/gate.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Tasks that ask to enter; `begun` are those that may. */
function ask(gate: Gate, names: string[], bytes: number, begun: string[]): void {
  for (const name of names) void gate.enter(bytes).then(() => begun.push(name));
}
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('a budget', () => {
  it('of threads is shared by all jobs, and none of them is starved', async () => {
    const budget = new Budget();
    budget.set({ threads: 2 });
    const [a, b] = [new Gate(budget), new Gate(budget)];
    const begun: string[] = [];
    ask(a, ['a1', 'a2', 'a3', 'a4'], 0, begun);
    ask(b, ['b1', 'b2'], 0, begun);
    await settle();
    expect(begun).toEqual(['a1', 'a2']);
    for (let time = 0; time < 3; time++) {
      a.leave();
      await settle();
    }
    expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'a4']);
  });

  it('changed while tasks wait holds at once: more begin, or fewer until enough have ended', async () => {
    const budget = new Budget();
    budget.set({ threads: 1 });
    const gate = new Gate(budget);
    const begun: string[] = [];
    ask(gate, ['1', '2', '3', '4', '5'], 0, begun);
    await settle();
    expect(begun.length).toBe(1);
    budget.set({ threads: 3 });
    await settle();
    expect(begun.length).toBe(3);
    budget.set({ threads: 1 });
    gate.leave();
    gate.leave();
    await settle();
    expect(begun.length).toBe(3);
    gate.leave();
    await settle();
    expect(begun.length).toBe(4);
  });

  it('of bytes a second holds over a minute, however many threads there are', async () => {
    const budget = new Budget();
    budget.set({ bytesPerSecond: 1000 });
    const gate = new Gate(budget);
    let done = 0;
    const work = async (): Promise<void> => {
      for (;;) {
        await gate.enter(100);
        done += 100;
        gate.leave();
      }
    };
    for (let thread = 0; thread < 4; thread++) void work();
    await settle(60_000);
    expect(done / 60).toBeGreaterThan(950);
    expect(done / 60).toBeLessThanOrEqual(1010);
    budget.set({});
    budget.set({ bytesPerSecond: 4000 });
    done = 0;
    await settle(60_000);
    expect(done / 60).toBeGreaterThan(3800);
    expect(done / 60).toBeLessThanOrEqual(4040);
    budget.close();
  });

  it('does not keep a job from being cancelled, or one that is paused from holding nothing', async () => {
    const budget = new Budget();
    budget.set({ bytesPerSecond: 1, threads: 1 });
    const [paused, cancelled] = [new Gate(budget), new Gate(budget)];
    const begun: string[] = [];
    ask(cancelled, ['first', 'second'], 1000, begun);
    await settle(1000);
    expect(begun).toEqual(['first']);
    cancelled.abandon();
    await settle();
    expect(begun).toEqual(['first', 'second']);
    paused.close();
    ask(paused, ['never'], 1, begun);
    await settle(10_000_000);
    expect(begun.length).toBe(2);
    budget.close();
  });
});
