/** What people do again and again in the interface. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { nativeFolders, unanswered } from './served.ts';

/** Waits until all that the page asked of the service is answered, and drawn. */
export async function settled(page: Page): Promise<void> {
  const isAnswered = (): boolean => (unanswered.get(page)?.size ?? 0) === 0;
  for (let quiet = 0; quiet < 2;) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    quiet = isAnswered() ? quiet + 1 : 0;
  }
}

/** Waits until the view of this address is what the page shows; until then what it showed before is there, and can be pressed. */
export async function shows(page: Page, hash: string): Promise<void> {
  const label = await page.locator(`nav a.link[href="${hash}"] > span`).first().textContent();
  await page.getByRole('heading', { level: 1, name: label! }).waitFor();
  await settled(page);
}

export async function goTo(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: view }).click();
  await page.getByRole('heading', { level: 1, name: view }).waitFor();
}

/** Adds a folder to the library by typing its path. */
export async function addFolder(page: Page, folder: string): Promise<void> {
  const choose = nativeFolders.get(page);
  await choose?.(folder);
  await page.getByRole('main').getByRole('button', { name: 'Add folder' }).first().click();
  if (choose) return;
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Path' }).fill(folder);
  await dialog.getByRole('button', { name: 'Go', exact: true }).click();
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
}

export async function openRun(page: Page, name: string): Promise<void> {
  await goTo(page, 'Library');
  await page.getByRole('main').getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Archives all of a run and waits until it is done, and the page shows that nothing is left. */
export async function archiveRun(page: Page, name: string): Promise<void> {
  await openRun(page, name);
  const main = page.getByRole('main');
  await main.getByRole('button', { name: /^Archive \d+ step/ }).click();
  await page.getByText(/^Done: /).waitFor();
  await main.getByRole('button', { name: 'Archive', exact: true, disabled: true }).waitFor();
}

/** What axe finds serious or critical of the page as it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
