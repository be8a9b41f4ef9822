/** Folders dropped on the window are added; what a page makes up, or passes on by itself, is not. */
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { copyChain } from './chain.ts';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

/** Drags a file of the system over the window and lets it go, as Chromium gets it from the system. */
async function drop(page: Page, file: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver'] as const) await devtools.send('Input.dispatchDragEvent', { type, x: 400, y: 300, data });
  await page.getByText('Drop folders to add them').waitFor();
  await devtools.send('Input.dispatchDragEvent', { type: 'drop', x: 400, y: 300, data });
  await page.getByText('Drop folders to add them').waitFor({ state: 'detached' });
}

const saidToLie = (page: Page, places: Record<string, string>): Promise<void> =>
  page.evaluate((detail) => void dispatchEvent(new CustomEvent('electron-dropped', { detail })), JSON.stringify(places));

test('a folder that is dropped is added and scanned', async () => {
  const desktop = await launch();
  const chain = await copyChain(desktop.folder);
  const page = await desktop.connectedPage();
  await saidToLie(page, { [path.basename(chain)]: chain });
  await drop(page, chain);
  await page.getByText('0 of 4 archived').waitFor();
  expect(page.url()).not.toContain('file:');
});

test('a drop that a script made up has no path and adds nothing', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['x'], 'etc'));
    dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
  });
  await page.waitForTimeout(300);
  await page.getByRole('heading', { name: 'Keep every checkpoint' }).waitFor();
  expect(desktop.harness.dialogs.shown).toEqual([]);
});

test('what a restore wrote is shown by the id of its job, and nothing else is', async () => {
  const desktop = await launch();
  const chain = await copyChain(desktop.folder);
  const page = await desktop.connectedPage();
  await saidToLie(page, { [path.basename(chain)]: chain });
  await drop(page, chain);
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByText('All archived').first().waitFor();
  await page.getByRole('link', { name: path.basename(chain) }).click();
  await page.getByRole('row', { name: '2,200' }).click();
  await page.getByRole('button', { name: 'Restore…' }).click();
  const target = path.join(desktop.folder, 'restored');
  await page.getByRole('textbox', { name: 'Target folder' }).fill(target);
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('Done: Restore', { exact: false }).first().waitFor();
  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('button', { name: 'Show in folder' }).click();
  const { shell } = desktop.harness;
  await expect.poll(() => shell.shown).toEqual([target]);
  const refused = (job: unknown): Promise<string> =>
    page.evaluate((id) => window.cairnShell!.showRestored(id as string).then(String, (thrown: Error) => thrown.message), job);
  expect(await refused('/etc')).toContain('no id of a job');
  expect(await refused({ to: '/etc' })).toContain('shell:show-restored');
  expect(await refused('0123456789ab')).not.toBe('undefined');
  expect(shell.shown).toEqual([target]);
});
