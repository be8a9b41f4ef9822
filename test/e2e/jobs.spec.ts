/** Jobs and schedules through the interface: pausing by button and by key, turns, a schedule with its reasons. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goTo, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
});
afterAll(() => served.stop());

const main = () => page.getByRole('main');
const button = (name: string | RegExp) => main().getByRole('button', { name, exact: typeof name === 'string' });

describe('schedules', () => {
  it('begin with an explanation', async () => {
    await goTo(page, 'Schedules');
    await main().getByText('No schedules yet').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('are added in the editor, which says when they would run and refuses what can not be', async () => {
    await button('Add schedule').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('nightly');
    await dialog.getByRole('textbox', { name: 'Folders' }).fill(served.chain);
    await dialog.getByLabel('When').selectOption('cron');
    await dialog.getByLabel(/Minute, hour/).fill('often');
    await dialog.getByText(/no cron expression/).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel(/Minute, hour/).fill('30 2 * * *');
    await dialog.getByLabel('Leave the newest').fill('1');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await main()
      .getByRole('button', { name: /nightly/ })
      .waitFor();
    await main().getByText('It has not been due yet.').waitFor();
  });
});

describe('jobs', () => {
  it('wait while everything is paused, and say so', async () => {
    await goTo(page, 'Jobs');
    await button('Pause everything').click();
    await main()
      .getByText(/Everything is paused/)
      .waitFor();
    await goTo(page, 'Schedules');
    await button('Run now').click();
    await goTo(page, 'Jobs');
    await main().getByText('nightly: archive 3 checkpoints').first().waitFor();
    await main().getByText('everything is paused').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('are paused and resumed by keyboard', async () => {
    await page.keyboard.press('p');
    await main().getByText('everything is paused').first().waitFor();
    await button('Resume everything').click();
    await main().getByText('Done').first().waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('p');
    await button('Resume everything').waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('p');
    await button('Pause everything').waitFor();
  });
});

describe('what a schedule did', () => {
  it('is told with its reason, and leads to the job', async () => {
    await goTo(page, 'Schedules');
    await button('Run now').click();
    await main().getByText('nothing to archive: 3 archived already, 1 among the newest 1').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await main().getByRole('link', { name: 'Show job' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
  });

  it('stays told where its folder is gone', async () => {
    rmSync(path.join(served.chain), { recursive: true });
    await goTo(page, 'Schedules');
    await button('Run now').click();
    await page
      .getByText(/no checkpoints were found|no such file|could not be run/)
      .first()
      .waitFor();
  });

  it('goes with it when it is removed', async () => {
    await button('Remove').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await main().getByText('No schedules yet').waitFor();
    expect(served.complaints).toEqual([]);
  });
});
