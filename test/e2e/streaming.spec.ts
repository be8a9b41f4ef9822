/** While figures stream in, nothing moves that somebody may be about to press. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { bytesOf, weights, writeStep } from '../jobs/files.ts';
import { addFolder, goTo } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;

beforeAll(async () => {
  served = await Served.start();
  const run = served.path('run');
  for (const step of [100, 200, 300]) {
    const values = weights(4_000_000, step);
    writeStep(run, step, [{ name: 'weight', dtype: 'F32', shape: [values.length], bytes: bytesOf(values) }]);
  }
  await runCli(['manners', '--rate', '3'], { home: served.path('home') });
  page = await served.open();
  await goTo(page, 'Settings'); // the service follows what another process changed
  await page.locator(`select[aria-label="Rate"]:has(option[value="${3 * 2 ** 20}"]:checked)`).waitFor();
  await goTo(page, 'Library');
  await addFolder(page, run);
}, 60_000);
afterAll(() => served.stop());

/** How much what is on the page moved by itself, as Chromium sums it up: 1 is a whole window by a whole window. */
async function shiftDuring(work: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const kept = window as unknown as { shift: number };
    kept.shift = 0;
    const add = (list: PerformanceObserverEntryList): void =>
      list.getEntries().forEach((entry) => (kept.shift += (entry as PerformanceEntry & { value: number }).value));
    new PerformanceObserver(add).observe({ type: 'layout-shift' });
  });
  await work();
  return page.evaluate(() => (window as unknown as { shift: number }).shift);
}

describe('while an archive runs', () => {
  it.each(['Jobs', 'Library', 'Store'])('%s stands still', async (view) => {
    if (view === 'Jobs') await page.getByRole('main').getByRole('button', { name: /^Archive/ }).click(); // prettier-ignore
    await goTo(page, view);
    await page.waitForTimeout(800); // what the view itself has to fetch
    expect(await shiftDuring(() => page.waitForTimeout(2000))).toBeLessThan(0.005);
  });

  it('and what does move is seen to', async () => {
    const push = (): Promise<void> =>
      page.evaluate(() => {
        const block = document.createElement('div');
        block.id = 'pushing';
        block.style.height = '200px';
        document.querySelector('main')!.prepend(block);
      });
    expect(await shiftDuring(() => push().then(() => page.waitForTimeout(300)))).toBeGreaterThan(0.01);
    await page.evaluate(() => document.querySelector('#pushing')!.remove());
  });

  it('which is still at work then', async () => {
    await goTo(page, 'Jobs');
    await page.getByRole('main').getByText('Running', { exact: true }).first().waitFor();
    await page.keyboard.press('c');
    await page.getByRole('main').getByText('Cancelled', { exact: true }).first().waitFor();
    expect(served.complaints).toEqual([]);
  });
});
