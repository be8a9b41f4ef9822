/** What the command line does beside the service is seen in the interface while it happens, and can be paused and cancelled there. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli, startCli, type Running } from '../cli/run-cli.ts';
import { bytesOf, weights, writeStep } from '../jobs/files.ts';
import { goTo } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
let archive: Running;
let run: string;
beforeAll(async () => {
  served = await Served.start();
  run = served.path('run');
  // At a mebibyte a second it lasts for longer than anybody here needs.
  const values = weights(24_000_000, 1);
  writeStep(run, 100, [{ name: 'weight', dtype: 'F32', shape: [values.length], bytes: bytesOf(values) }]);
  page = await served.open();
  await runCli(['manners', '--rate', '1'], { home: served.path('home') });
  await goTo(page, 'Jobs');
});
afterAll(() => served.stop());

const detail = () => page.getByRole('main').getByRole('region', { name: 'Job', exact: true });
const state = (words: string): Promise<void> => detail().getByText(words, { exact: true }).first().waitFor();

it('a job of the command line appears, with its place, phase and bytes', async () => {
  archive = startCli(['archive', run, '--store', served.path('store')], { home: served.path('home') });
  await state('Running');
  await state('Another process of this home');
  await detail().getByText('Coding', { exact: true }).waitFor();
  await detail()
    .getByText(/\d MiB \/ \d/)
    .waitFor();
});

it('is paused, resumed and cancelled by keys, and the command says so', async () => {
  await page.keyboard.press('p');
  await state('Paused');
  await page.keyboard.press('p');
  await state('Running');
  await page.keyboard.press('c');
  await state('Cancelled');
  const { exitCode, stderr } = await archive.ended;
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/cancelled; run it again to go on/);
  expect(served.complaints).toEqual([]);
});
