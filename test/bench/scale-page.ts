/** What a page's frames and inputs take, measured in the page itself. */
import type { Page } from 'playwright-core';

/** Milliseconds. */
export interface Spread {
  median: number;
  p95: number;
  worst: number;
  count: number;
}

export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(10 * (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN)) / 10;
  return { median: at(0.5), p95: at(0.95), worst: at(1), count: sorted.length };
}

/** Times between frames while `work` goes on. */
export async function framesDuring(page: Page, work: () => Promise<void>): Promise<Spread> {
  await page.evaluate(() => {
    const kept = window as unknown as { frames: number[]; counting: boolean };
    [kept.frames, kept.counting] = [[], true];
    let last = performance.now();
    const frame = (now: number): void => {
      kept.frames.push(now - last);
      last = now;
      if (kept.counting) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await work();
  const frames = await page.evaluate(() => {
    const kept = window as unknown as { frames: number[]; counting: boolean };
    kept.counting = false;
    return kept.frames.slice(1);
  });
  return spreadOf(frames);
}

/**
 * From a key's event to the end of the frame that shows what it did, for each of the keys: when the event was sent by the system, not when
 * the page came to it.
 */
export async function latenciesOf(page: Page, keys: readonly string[], gapMs: number): Promise<Spread> {
  await page.evaluate(() => {
    const kept = window as unknown as { latencies: number[]; listening?: boolean };
    kept.latencies = [];
    if (kept.listening) return;
    kept.listening = true;
    const painted = (sent: number): void =>
      void requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => kept.latencies.push(performance.now() - sent); // the first task after the frame was painted
        port2.postMessage(undefined);
      });
    window.addEventListener('keydown', (event) => painted(event.timeStamp), { capture: true });
  });
  for (const key of keys) {
    await page.keyboard.press(key);
    await page.waitForTimeout(gapMs);
  }
  return spreadOf(await page.evaluate(() => (window as unknown as { latencies: number[] }).latencies));
}

/** Turns the wheel over an element for a while, as fast as a hand does. */
export async function wheel(page: Page, target: { x: number; y: number }, turns: number, pixels: number): Promise<void> {
  await page.mouse.move(target.x, target.y);
  for (let turn = 0; turn < turns; turn++) {
    await page.mouse.wheel(0, turn < turns / 2 ? pixels : -pixels);
    await page.waitForTimeout(16);
  }
}
