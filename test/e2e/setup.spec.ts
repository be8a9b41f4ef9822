/** From the first launch to a folder that is archived by itself: one dialog, by keyboard alone. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { goTo, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
});
afterAll(() => served.stop());

it('a folder is set up in one dialog, which says where archives go and refuses what is not there', async () => {
  await page.getByRole('button', { name: 'Set up archiving' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Set up archiving' });
  await dialog.getByText(`Archives go to ${served.path('store')}`).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await page.keyboard.type('/not/there');
  await page.keyboard.press('Enter');
  await dialog.getByRole('alert').waitFor();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(served.chain);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Archive nano-run is on').waitFor();
});

it('and its checkpoints are archived without another word, all but the newest', async () => {
  await page.getByRole('main').getByText('3 of 4 archived').waitFor();
  await goTo(page, 'Schedules');
  await page
    .getByRole('main')
    .getByRole('button', { name: /Archive nano-run/ })
    .waitFor();
  expect(served.complaints).toEqual([]);
});
