import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../core/jobs/progress-meter.ts';

const total = 100_000_000;
const at = (bytesDone: number) => ({ phase: 'archive', bytesDone, bytesTotal: total, itemsDone: 0, itemsTotal: 1 });

/** A meter that was told `bytesPerSecond(second)` more ten times a second, and the time and bytes it has come to. */
function fed(seconds: number, bytesPerSecond: (second: number) => number): { meter: ProgressMeter; nowMs: number; bytes: number } {
  const meter = new ProgressMeter();
  let bytes = 0;
  meter.update(at(0), 0);
  for (let tick = 1; tick <= seconds * 10; tick++) {
    bytes += bytesPerSecond(tick / 10) / 10;
    meter.update(at(bytes), tick * 100);
  }
  return { meter, nowMs: seconds * 1000, bytes };
}

describe('rate and remaining time', () => {
  it('says nothing of the future before it has seen enough', () => {
    const { meter, nowMs } = fed(2, () => 1_000_000);
    const progress = meter.read(nowMs);
    expect(progress.bytesPerSecond).toBeCloseTo(1_000_000, -3);
    expect(progress).not.toHaveProperty('etaMs');
  });

  it('is right about steady work', () => {
    const { meter, nowMs, bytes } = fed(8, () => 1_000_000);
    expect(meter.read(nowMs).etaMs).toBeCloseTo((total - bytes) / 1000, -3);
  });

  it('forgets what is older than its window', () => {
    const { meter, nowMs } = fed(40, (second) => (second < 20 ? 3_000_000 : 1_000_000));
    expect(meter.read(nowMs).bytesPerSecond).toBeCloseTo(1_000_000, -4);
  });

  it('makes no promise while the speed changes', () => {
    const { meter, nowMs } = fed(8, (second) => (second < 4 ? 200_000 : 2_000_000));
    expect(meter.read(nowMs)).not.toHaveProperty('etaMs');
  });

  it('settles though the work goes in rounds of which a part moves no byte, and then neither jumps nor goes away', () => {
    const meter = new ProgressMeter();
    meter.update(at(0), 0);
    const roundMs = 15_000;
    const bytesAt = (ms: number): number => Math.floor(ms / roundMs) * 10_000_000 + Math.min(10_000_000, (ms % roundMs) * 1000);
    const shown: (number | undefined)[] = [];
    for (let nowMs = 100; bytesAt(nowMs) < total; nowMs += 100) {
      meter.update(at(bytesAt(nowMs)), nowMs);
      const { etaMs } = meter.read(nowMs);
      if (nowMs < 2 * roundMs) continue;
      shown.push(etaMs);
      expect(Math.abs(etaMs! - (10 * roundMs - nowMs))).toBeLessThan(0.35 * (10 * roundMs - nowMs) + 5000);
    }
    for (const [index, etaMs] of shown.slice(1).entries()) expect(Math.abs(etaMs! - shown[index]!)).toBeLessThan(1500);
  });

  it('slows down where nothing more is heard, and then promises nothing', () => {
    const { meter, nowMs } = fed(8, () => 1_000_000);
    const rates = [0, 2, 4, 8, 60].map((later) => meter.read(nowMs + later * 1000).bytesPerSecond);
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    expect(rates.at(-1)).toBeLessThan(rates[0]! / 4);
    expect(meter.read(nowMs + 60_000)).not.toHaveProperty('etaMs');
  });

  it('starts anew where the count does', () => {
    const { meter, nowMs } = fed(8, () => 1_000_000);
    meter.update(at(10), nowMs);
    expect(meter.read(nowMs + 100)).toMatchObject({ bytesDone: 10, bytesPerSecond: 0 });
  });

  it('goes on within seconds where the clock was set back', () => {
    const { meter, nowMs, bytes } = fed(8, () => 1_000_000);
    const backMs = nowMs - 86_400_000;
    expect(meter.read(backMs).bytesPerSecond).toBe(0);
    for (let tick = 0; tick <= 50; tick++) meter.update(at(bytes + tick * 100_000), backMs + tick * 100);
    const progress = meter.read(backMs + 5000);
    expect(progress.bytesPerSecond).toBeCloseTo(1_000_000, -3);
    expect(progress.etaMs).toBeCloseTo((total - progress.bytesDone) / 1000, -3);
  });

  it('is never negative, infinite or beyond the end', () => {
    const meter = new ProgressMeter();
    meter.update(at(0), 0);
    for (let tick = 0; tick < 100; tick++) meter.update(at(total), 5000);
    const progress = meter.read(5000);
    expect(Number.isFinite(progress.bytesPerSecond)).toBe(true);
    expect(progress).not.toHaveProperty('etaMs');
  });
});
