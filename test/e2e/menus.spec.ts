/** The menus of what is pointed at, by pointer and by keyboard: they offer what can be done, do it, and give the focus back. */
import { existsSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFolder, archiveRun, goTo, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
const name = 'nano-run';
const main = () => page.getByRole('main');
const menu = () => page.getByRole('menu');
const entries = (): Promise<string[]> => menu().locator('[role=menuitem] > span:first-child').allTextContents();
const choose = (entry: string): Promise<void> => menu().getByRole('menuitem', { name: entry }).click();
const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await addFolder(page, served.chain);
});
afterAll(async () => {
  expect(served.complaints).toEqual([]);
  await served.stop();
});

describe('the menu of a run', () => {
  it('copies its path', async () => {
    await main().getByRole('row', { name }).click({ button: 'right' });
    await expect.poll(entries).toEqual(['Open run', 'Study in Insights', 'Archive 4 steps', 'Rescan this run', 'Copy path']);
    expect(await seriousFindings(page)).toEqual([]);
    await choose('Copy path');
    await menu().waitFor({ state: 'detached' });
    await expect.poll(clipboard).toBe(served.chain);
  });

  it('opens it, by keyboard alone', async () => {
    await main().getByRole('grid').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+F10');
    await menu().waitFor();
    await page.keyboard.press('Escape');
    await menu().waitFor({ state: 'detached' });
    await expect
      .poll(() =>
        main()
          .getByRole('grid')
          .evaluate((grid) => grid === document.activeElement),
      )
      .toBe(true);
    await page.keyboard.press('Shift+F10');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/run\//);
  });
});

describe('the menu of a step', () => {
  it('is about the step pointed at, in the table and in the chain', async () => {
    await archiveRun(page, name);
    await main().getByRole('row', { name: '2,000' }).click({ button: 'right' });
    await expect.poll(entries).toEqual(expect.arrayContaining(['Verify', 'Restore…', 'Pin', 'Delete…', 'Open snapshot', 'Copy id']));
    await page.keyboard.press('Escape');
    await main().getByText('1 step selected').waitFor();
    await main().getByRole('option').nth(1).click({ button: 'right', force: true });
    await choose('Open snapshot');
    await page.waitForURL(/snapshot\//);
  });

  it('opens a restore of the one file pointed at, which then writes that file alone', async () => {
    await main().getByRole('grid', { name: 'Files' }).getByRole('row').nth(1).click({ button: 'right' });
    await choose('Restore this file…');
    const dialog = page.getByRole('dialog');
    const file = await dialog.getByRole('textbox', { name: /^Files/ }).inputValue();
    await dialog.getByRole('textbox', { name: 'Target folder' }).fill(served.path('back'));
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByText(/^Done: /).first().waitFor(); // prettier-ignore
    await expect.poll(() => existsSync(served.path('back', file))).toBe(true);
  });

  it('copies the name of a tensor', async () => {
    const row = main().getByRole('grid', { name: 'Tensors' }).getByRole('row').nth(1);
    const tensor = await row.getByRole('gridcell').first().locator('span[title]').getAttribute('title');
    await row.click({ button: 'right' });
    await choose('Copy name');
    await expect.poll(clipboard).toBe(tensor);
  });
});

describe('the menus of jobs and schedules', () => {
  it('run a job again', async () => {
    await goTo(page, 'Jobs');
    await main().getByRole('link', { name: /Archive/ }).first().click({ button: 'right' }); // prettier-ignore
    await expect.poll(entries).toEqual(['Run again', 'Copy command', 'Copy id']);
    await choose('Run again');
    await main().getByRole('link', { name: /Archive/ }).nth(1).waitFor(); // prettier-ignore
  });

  it('leave the system its own menu where there is nothing to do', async () => {
    await openRun(page, name);
    const kept = await main().getByRole('heading', { level: 1 }).evaluate((head) => head.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, button: 2 }))); // prettier-ignore
    expect(kept).toBe(true);
  });
});

describe('the menu of a table', () => {
  const heads = (): Promise<string[]> => main().getByRole('grid', { name: 'Steps' }).getByRole('columnheader').locator('.label').allTextContents(); // prettier-ignore

  it('hides columns and shows them again, which is kept', async () => {
    await expect.poll(heads).toContain('Depth');
    const before = await heads();
    await main().getByRole('columnheader', { name: 'Kind' }).click({ button: 'right' });
    await menu().getByRole('menuitemcheckbox', { name: 'Depth' }).click();
    await expect.poll(heads).toEqual(before.filter((name) => name !== 'Depth'));
    await page.reload();
    await main().getByRole('grid', { name: 'Steps' }).waitFor();
    await expect.poll(heads).toEqual(before.filter((name) => name !== 'Depth'));
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('is there for the keyboard, which shows all again', async () => {
    await main().getByRole('button', { name: /^Columns of/ }).first().focus(); // prettier-ignore
    await page.keyboard.press('Enter');
    expect(await menu().getByRole('menuitemcheckbox', { name: 'Depth' }).getAttribute('aria-checked')).toBe('false');
    await choose('Show all columns');
    await expect.poll(heads).toContain('Depth');
  });
});
