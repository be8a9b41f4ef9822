/** Since when the machine has had little to do. */
import { describe, expect, it } from 'vitest';
import { Idleness, readWorked } from '../../core/jobs/idleness.ts';

const minuteMs = 60_000;

/** Four cores, looked at every ten seconds, of which others and this process use so many. */
class Machine {
  nowMs = 1_000_000;
  #worked = { busyMs: 0, wholeMs: 0, ownMs: 0 };
  readonly #idleness = new Idleness(() => ({ ...this.#worked }));

  /** @returns since when it is idle at the end of these minutes */
  pass(minutes: number, others: number, own = 0): number | undefined {
    let sinceMs: number | undefined;
    for (let tick = 0; tick < minutes * 6; tick++) {
      this.nowMs += 10_000;
      const { busyMs, wholeMs, ownMs } = this.#worked;
      this.#worked = { busyMs: busyMs + (others + own) * 10_000, wholeMs: wholeMs + 40_000, ownMs: ownMs + own * 10_000 };
      sinceMs = this.#idleness.sinceMs(this.nowMs);
    }
    return sinceMs;
  }
}

describe('a machine', () => {
  it('is idle from the moment on when it has little to do, until somebody uses it', () => {
    const machine = new Machine();
    expect(machine.pass(5, 3)).toBeUndefined();
    const sinceMs = machine.pass(10, 0.2)!;
    expect(machine.nowMs - sinceMs).toBeGreaterThan(8 * minuteMs);
    expect(machine.pass(10, 0.2)).toBe(sinceMs);
    expect(machine.pass(2, 3)).toBeUndefined();
  });

  it('stays idle while only this process works, and is busy where others do beside it', () => {
    const machine = new Machine();
    const sinceMs = machine.pass(5, 0.2);
    expect(sinceMs).toBeDefined();
    expect(machine.pass(30, 0.2, 3)).toBe(sinceMs);
    expect(machine.pass(2, 2, 2)).toBeUndefined();
  });

  it.each([86_400_000, -86_400_000])('that slept, or whose clock was set (%i ms), begins anew', (jumpMs) => {
    const machine = new Machine();
    machine.pass(5, 0.2);
    machine.nowMs += jumpMs;
    expect(machine.pass(2, 0.2)! - machine.nowMs).toBeGreaterThan(-2 * minuteMs);
  });
});

it('what the system counts grows, and is never less than what this process did', () => {
  const before = readWorked();
  const begun = process.cpuUsage();
  while (process.cpuUsage(begun).user < 300_000);
  const now = readWorked();
  expect(now.ownMs - before.ownMs).toBeGreaterThan(50);
  expect(now.wholeMs).toBeGreaterThan(before.wholeMs);
  expect(now.busyMs).toBeGreaterThan(before.busyMs);
});
