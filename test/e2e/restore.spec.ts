/** Restoring through the interface: a whole checkpoint where it came from and elsewhere, some files, one tensor; what is replaced is shown before. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { picture } from '../jobs/files.ts';
import { addFolder, archiveRun, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
let step: string;
let original: ReturnType<typeof picture>;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
  step = path.join(served.chain, 'step-002400');
  original = picture(step);
  await addFolder(page, served.chain);
  await archiveRun(page, 'nano-run');
});
afterAll(() => served.stop());

const dialog = () => page.getByRole('dialog');
/** By keyboard: the control is drawn around radio buttons that nobody sees. */
async function choose(name: string): Promise<void> {
  await dialog().getByRole('radio', { name }).focus();
  await page.keyboard.press('Space');
}

beforeEach(async () => {
  await openRun(page, 'nano-run');
  await page.getByRole('main').getByRole('link', { name: '2,400' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Step 2,400' }).waitFor();
  await page.locator('button:enabled', { hasText: 'Restore…' }).waitFor();
  await page.keyboard.press('r');
  await dialog()
    .getByText(/Writes 2 files/)
    .waitFor();
});

async function start(button = 'Restore'): Promise<void> {
  // What is told of earlier restores must not be taken for this one's.
  await page.evaluate(() => {
    for (const one of document.querySelectorAll<HTMLElement>('button[aria-label="Dismiss"]')) one.click();
  });
  await page.getByText(/^Done: Restore/).waitFor({ state: 'detached' });
  await dialog().getByRole('button', { name: button, exact: true }).click();
  await dialog().waitFor({ state: 'detached' });
  await page
    .getByText(/^Done: Restore/)
    .first()
    .waitFor();
}

it('where it came from, once it is gone there', async () => {
  rmSync(step, { recursive: true });
  await choose('Where it came from');
  await dialog().getByText(`Into ${step}, as it was.`, { exact: false }).waitFor();
  await dialog()
    .getByText(/Needs .* are free there/)
    .waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await start();
  expect(picture(step)).toEqual(original);
});

it('over what is there only when that was seen and allowed', async () => {
  writeFileSync(path.join(step, 'model.safetensors'), 'overwritten by accident');
  await choose('Where it came from');
  await dialog().getByText('2 files of these names are there already and would be replaced:').waitFor();
  expect(await dialog().getByRole('listitem').allTextContents()).toEqual(['config.json', 'model.safetensors']);
  expect(await dialog().getByRole('button', { name: 'Restore', exact: true }).isDisabled()).toBe(true);
  expect(await seriousFindings(page)).toEqual([]);
  await dialog().getByLabel('Overwrite existing files').check();
  await start('Overwrite and restore');
  expect(picture(step)).toEqual(original);
});

it('asks anew before it replaces anything in another folder than the one that was allowed', async () => {
  const [seen, unseen] = [served.path('seen'), served.path('unseen')];
  for (const folder of [seen, unseen]) {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'config.json'), 'mine');
  }
  await dialog().getByLabel('Target folder').fill(seen);
  await dialog().getByLabel('Overwrite existing files').check();
  await dialog().getByRole('button', { name: 'Overwrite and restore' }).waitFor();
  await dialog().getByLabel('Target folder').fill(unseen);
  await dialog().getByText('1 file of these names is there already and would be replaced:').waitFor();
  expect(await dialog().getByLabel('Overwrite existing files').isChecked()).toBe(false);
  expect(await dialog().getByRole('button', { name: 'Restore', exact: true }).isDisabled()).toBe(true);
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  expect(readFileSync(path.join(unseen, 'config.json'), 'utf8')).toBe('mine');
});

it('some files of it, into another folder', async () => {
  const to = served.path('some');
  await choose('Some files');
  await dialog().getByLabel('Files (a pattern').fill('*.json');
  await dialog().getByLabel('Target folder').fill(to);
  await dialog()
    .getByText(/Writes 1 file, /)
    .waitFor();
  await start();
  expect(readdirSync(to)).toEqual(['config.json']);
  expect(picture(to)).toEqual({ 'config.json': original['config.json'] });
});

it('one tensor of it, and a name that is not there is said before it begins', async () => {
  const to = served.path('one');
  await choose('One tensor');
  await dialog().getByLabel('Tensor name').fill('no.such.tensor');
  await dialog().getByLabel('Target folder').fill(to);
  await dialog()
    .getByText(/no\.such\.tensor: the snapshot has none of that name/)
    .waitFor();
  await dialog().getByLabel('Tensor name').fill('transformer.ln_f.weight');
  await dialog().getByText('Writes transformer.ln_f.weight as one .npy file.').waitFor();
  await start();
  expect(existsSync(path.join(to, 'transformer.ln_f.weight.npy'))).toBe(true);
});

it('not where the names of folders are in its way, which the job says', async () => {
  const to = served.path('blocked');
  mkdirSync(path.join(to, 'model.safetensors'), { recursive: true });
  cpSync(path.join(step, 'config.json'), path.join(to, 'config.json'));
  await dialog().getByLabel('Target folder').fill(to);
  await dialog().getByLabel('Overwrite existing files').check();
  await dialog().getByRole('button', { name: 'Overwrite and restore' }).click();
  await page
    .getByText(/a folder is there, which a file can't replace/)
    .first()
    .waitFor();
  expect(served.complaints).toEqual([]);
});
