/** First launch to first sealed run: three clicks, by the keyboard too, and without a network. */
import { readdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Served } from './served.ts';

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
});
afterAll(() => served.stop());

it('tries Cairn with the sample chain until every step is sealed', async () => {
  const main = page.getByRole('main');
  await main.getByRole('button', { name: 'Try with sample chain' }).click();
  await main.getByRole('link', { name: 'sample-run' }).click();
  await main.getByRole('button', { name: 'Archive 6 steps' }).click();
  await main.getByRole('option', { name: /Step 600.*[Ss]ealed/ }).waitFor();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Library' }).click();
  const row = main.getByRole('row', { name: /sample-run/ });
  await expect.poll(() => row.textContent()).toMatch(/[1-9]\d\.\d %/);
});

it('keeps parity for what is stored, and drops it again', async () => {
  const main = page.getByRole('main');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Store' }).click();
  const parityFiles = (): number =>
    readdirSync(served.path('store', 'packs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parity')).length;
  await main.getByRole('button', { name: 'Keep parity' }).click();
  await main.getByText('Parity kept').waitFor();
  await expect.poll(parityFiles).toBe(6);
  await main.getByRole('button', { name: 'Drop parity' }).click();
  await main.getByText('No parity').waitFor();
  await expect.poll(parityFiles).toBe(0);
});
