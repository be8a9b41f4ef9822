/** Pausing, resuming and cancelling a job in each of its phases, by keyboard alone. A rate makes every phase last. */
import { existsSync, readdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { bytesOf, weights, writeStep } from '../jobs/files.ts';
import { addFolder, goTo } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
let run: string;
const cli = async (...args: string[]): Promise<void> => {
  const ran = await runCli([...args, '--store', served.path('store')], { home: served.path('home') });
  expect([ran.stderr, ran.exitCode]).toEqual(['', 0]);
};

beforeAll(async () => {
  served = await Served.start();
  run = served.path('run');
  for (const step of [100, 200]) {
    const values = weights(8_000_000, step);
    writeStep(run, step, [{ name: 'weight', dtype: 'F32', shape: [values.length], bytes: bytesOf(values) }]);
  }
  await cli('archive', run, '--step', '100');
  await cli('schedule', 'add', 'release', run, '--cron', '0 0 29 2 *', '--release', '--keep-newest', '0', '--on-battery');
  await cli('manners', '--rate', '10');
  page = await served.open();
  await goTo(page, 'Settings'); // the service follows what another process changed
  await page.locator(`select[aria-label="Rate"]:has(option[value="${10 * 2 ** 20}"]:checked)`).waitFor();
  await goTo(page, 'Library');
  await addFolder(page, run);
});
afterAll(() => served.stop());

const namesIn = (folder: string): string[] => (existsSync(served.path('store', folder)) ? readdirSync(served.path('store', folder)) : []);
const main = () => page.getByRole('main');
const press = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};
const heading = (name: string): Promise<void> => page.getByRole('heading', { level: 1, name }).waitFor();
const detail = () => main().getByRole('region', { name: 'Job', exact: true });

/** Starts something with the keys of a view, once what they act on is there. */
async function start(go: string[], view: string, subject: string | RegExp, ...keys: string[]): Promise<void> {
  await press(...go);
  await heading(view);
  await main().getByText(subject).first().waitFor();
  await press(...keys);
  await press('g', 'j');
  await heading('Jobs');
}

/** Chooses a command in the palette by typing. */
async function choose(command: string): Promise<void> {
  await press('Control+k');
  await page.keyboard.type(command);
  await page.getByRole('option', { name: command }).first().waitFor();
  await press('Enter');
}

const startArchive = (): Promise<void> => start(['g', 'l'], 'Library', run, 'a');
const startRelease = (): Promise<void> => start(['g', 'c'], 'Schedules', run, 'r');
async function startVerify(): Promise<void> {
  await choose('Store: Verify data');
  await press('g', 'j');
  await heading('Jobs');
}

async function expectState(state: string): Promise<void> {
  await detail().getByText(state, { exact: true }).first().waitFor();
}

describe('by keyboard alone', () => {
  it('a job that waits is paused, resumed and cancelled', async () => {
    await press('g', 'j');
    await heading('Jobs');
    await press('a', 'p');
    await main().getByText('Everything is paused.').waitFor();
    await startArchive();
    await expectState('Paused');
    await press('a', 'p');
    await expectState('Running');
    await press('p');
    await expectState('Paused');
    await press('c');
    await expectState('Cancelled');
  });

  const phases: [string, () => Promise<void>][] = [
    ['Coding', startArchive],
    ['Proving', startArchive],
    ['Decoding and comparing', startVerify],
    ['Releasing originals', startRelease],
  ];
  it.each(phases)('a job in its phase %s is paused, resumed and cancelled', async (phase, begin) => {
    await begin();
    await expectState('Running');
    await main()
      .locator('.job.shown .phase', { hasText: new RegExp(`^${phase}$`) })
      .waitFor();
    await press('p');
    await expectState('Paused');
    await press('p');
    await expectState('Running');
    await press('c');
    await expectState('Cancelled');
    for (const folder of ['temporary', 'locks']) await expect.poll(() => namesIn(folder)).toEqual([]);
    expect(readdirSync(run)).toEqual(['step-000100', 'step-000200']);
  });

  it('and what was cancelled is done in full afterwards', async () => {
    await cli('manners', '--reset');
    await startRelease();
    await expectState('Done');
    expect(readdirSync(run)).toEqual([]);
    expect(served.complaints).toEqual([]);
  });
});
