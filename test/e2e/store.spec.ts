/** The care of a store: pruning is shown before it is done, and done as it was shown; a part is verified every week. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFolder, archiveRun, goTo, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
const name = 'nano-run';
const main = () => page.getByRole('main');
const dialog = () => page.getByRole('dialog');
const preview = () => dialog().getByRole('status');

beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
  await addFolder(page, served.chain);
  await archiveRun(page, name);
  await goTo(page, 'Store');
});
afterAll(async () => {
  expect(served.complaints).toEqual([]);
  await served.stop();
});

describe('pruning', () => {
  it('of a store in which everything is needed says that nothing comes back', async () => {
    await main().getByRole('button', { name: 'Prune…' }).click();
    await dialog().getByRole('button', { name: 'Preview' }).click();
    await preview().getByText('0 bytes come back').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('of a run asks for a rule, and says which steps would be deleted', async () => {
    await dialog().getByRole('combobox').selectOption({ label: name });
    await preview().getByText('Give at least one rule').waitFor();
    expect(await dialog().getByRole('button', { name: 'Preview' }).isDisabled()).toBe(true);
    await dialog().getByRole('spinbutton', { name: 'The newest' }).first().fill('1');
    await dialog().getByRole('button', { name: 'Preview' }).click();
    await preview().getByText('3 snapshots would be deleted, 1 snapshot stays.').waitFor();
    expect(await preview().getByRole('listitem').allTextContents()).toEqual(['400', '2,000', '2,200']);
    expect(await dialog().locator('code').textContent()).toContain('prune --run');
  });

  it('does nothing that was not shown', async () => {
    const act = dialog().getByRole('button', { name: /^(Delete|Prune)/ });
    await dialog().getByRole('spinbutton', { name: 'Every so many steps' }).fill('1000');
    expect(await act.isDisabled()).toBe(true);
    await dialog().getByRole('button', { name: 'Preview' }).click();
    await preview().getByText('2 snapshots would be deleted, 2 snapshots stay.').waitFor();
    await act.click();
    await page.getByText('Done: Prune').waitFor();
    await openRun(page, name);
    await main().getByText('2 / 4 steps').waitFor();
    await goTo(page, 'Store');
  });
});

describe('a weekly verification', () => {
  it('is a schedule after one click', async () => {
    await main().getByRole('button', { name: 'Verify weekly' }).click();
    await page.getByText('A quarter of the store is verified every week').waitFor();
    await goTo(page, 'Schedules');
    await main().getByText('Verifies 25 % of the store each time').waitFor();
    await main().getByRole('button', { name: 'Run now' }).click();
    await goTo(page, 'Jobs');
    await main().getByText('Weekly verification: Verify the store (data)').first().waitFor();
    await main().getByRole('region', { name: 'Job' }).getByText('Done', { exact: true }).first().waitFor();
  });

  it('is edited as such: no folder, no moment of a checkpoint', async () => {
    await goTo(page, 'Schedules');
    await page.keyboard.press('e');
    expect(
      await dialog()
        .getByRole('spinbutton', { name: /Percent/ })
        .inputValue(),
    ).toBe('25');
    expect(await dialog().getByRole('textbox', { name: 'Folder' }).count()).toBe(0);
    await dialog()
      .getByRole('spinbutton', { name: /Percent/ })
      .fill('10');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await main().getByText('Verifies 10 % of the store each time').waitFor();
  });

  it('is not to be mixed up with what archives keep, which the editor of those has', async () => {
    await page.keyboard.press('a');
    await dialog().getByRole('checkbox', { name: 'Keep in the store only' }).check();
    await dialog().getByText('it is gone for good').waitFor();
    await dialog().getByRole('textbox', { name: 'Name' }).fill('few');
    await dialog().getByRole('textbox', { name: 'Folder' }).fill(served.chain);
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().getByText('at least one rule').waitFor();
    await dialog().getByRole('spinbutton', { name: 'The newest', exact: true }).fill('2');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await main().getByRole('button', { name: /^few/ }).waitFor();
  });
});
