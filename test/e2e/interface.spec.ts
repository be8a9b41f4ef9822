/**
 * The main job through the interface, in a real Chromium against the real server: a folder is added, its run archived,
 * the job watched to its end, a snapshot opened and restored, and the bytes on disk compared.
 */
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picture } from '../jobs/files.ts';
import { goTo, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
});
afterAll(() => served.stop());

const main = () => page.getByRole('main');

/** By keyboard alone: the chain is a list of which the last one is opened. */
async function openNewestSnapshot(): Promise<void> {
  await main().getByRole('listbox', { name: /Chain/ }).focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await main().getByText('transformer.h.0.attn.c_attn.weight').waitFor();
}

describe('the main job through the interface', () => {
  it('adds a folder by its path, and shows the run in it', async () => {
    await main().getByRole('button', { name: 'Add folder' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Path' }).fill(served.chain);
    await dialog.getByRole('button', { name: 'Go', exact: true }).click();
    await dialog.getByText('step-002400').waitFor();
    await dialog.getByRole('button', { name: 'Choose this folder' }).click();
    const row = main().getByRole('row', { name: /nano-run/ });
    await row.waitFor();
    await row.getByText('0 of 4 archived').waitFor();
  });

  it('archives the run in one click and watches the job to its end', async () => {
    await openRun(page, 'nano-run');
    await main().getByRole('button', { name: 'Archive 4 steps' }).click();
    await main()
      .getByRole('option', { name: /Step 2,400.*[Ss]ealed/ })
      .waitFor();
    await goTo(page, 'Jobs');
    const row = main()
      .getByText(/Archive/)
      .first();
    await row.waitFor();
    await main().getByText('Done', { exact: true }).first().waitFor();
  });

  it('opens a snapshot and shows its tensors', async () => {
    await openRun(page, 'nano-run');
    await openNewestSnapshot();
    expect(page.url()).toContain('#/snapshot/');
    await main().getByText('model.safetensors').first().waitFor();
  });

  it('restores it to a folder, byte for byte', async () => {
    const to = served.path('restored');
    await main()
      .getByRole('button', { name: /Restore/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').first().fill(to);
    await dialog
      .getByRole('button', { name: /^Restore/ })
      .last()
      .click();
    await page.getByText(/^Done: Restore/).first().waitFor(); // prettier-ignore
    expect(Object.keys(picture(to)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(picture(to)).toEqual(picture(path.join(served.chain, 'step-002400')));
  });

  it('verifies the store in one click', async () => {
    await goTo(page, 'Store');
    await main().getByRole('button', { name: 'Verify data' }).click();
    await main()
      .getByText(/[Nn]othing (is )?(wrong|found)|0 findings|[Nn]o findings|[Ss]ound|[Hh]ealthy/)
      .first()
      .waitFor();
  });

  it.each(['Library', 'Jobs', 'Store', 'Settings'])('%s has no serious accessibility finding', async (view) => {
    await goTo(page, view);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('run and snapshot have no serious accessibility finding', async () => {
    await openRun(page, 'nano-run');
    await main()
      .getByRole('option', { name: /Step 2,400/ })
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await openNewestSnapshot();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('left nothing to complain about in the console', () => {
    expect(served.complaints).toEqual([]);
  });
});
