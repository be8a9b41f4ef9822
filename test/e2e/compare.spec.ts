/** Two snapshots compared, from the run, from a snapshot and by address; and a torn checkpoint called one. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFolder, archiveRun, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
const main = () => page.getByRole('main');
const figure = (label: string) => main().locator('.figure', { hasText: new RegExp(`^${label}`) });

beforeAll(async () => {
  served = await Served.start();
  const torn = path.join(served.chain, 'step-002600');
  cpSync(path.join(served.chain, 'step-002400'), torn, { recursive: true });
  const model = readFileSync(path.join(torn, 'model.safetensors'));
  writeFileSync(path.join(torn, 'model.safetensors'), model.subarray(0, 100_000));
  page = await served.open();
  await addFolder(page, served.chain);
  await archiveRun(page, 'nano-run');
});
afterAll(() => served.stop());

describe('two snapshots', () => {
  it('are compared from the run, where two are selected', async () => {
    await main().getByRole('checkbox', { name: 'Step 2,200' }).click();
    await main().getByRole('checkbox', { name: 'Step 2,400' }).click();
    await main().getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: 'Step 2,200 → 2,400' }).waitFor();
    await figure('Changed').getByText('15').waitFor();
    expect(await figure('Added').textContent()).toMatch(/ 0 $/);
    const row = main().getByRole('row', { name: /h\.0\.attn\.c_attn\.weight/ });
    expect(await row.textContent()).toMatch(/Changed.*BF16.*192 × 576.*216 KiB.*\d KiB.*\d %/);
    expect(await main().getByRole('row', { name: /config\.json/ }).textContent()).toContain('Unchanged'); // prettier-ignore
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('are filtered by change, and swapped by a key', async () => {
    await main().getByRole('region', { name: 'Tensors' }).getByText('Changed 15').click();
    await main().getByText('15 tensors').waitFor();
    await page.locator('body').press('s');
    await page.getByRole('heading', { level: 1, name: 'Step 2,400 → 2,200' }).waitFor();
  });

  it('are chosen anew by step', async () => {
    await main().getByLabel('Before: step').selectOption({ label: 'Step 400' });
    await page.getByRole('heading', { level: 1, name: 'Step 400 → 2,200' }).waitFor();
    expect(page.url()).toMatch(/#\/compare\/[0-9a-f]+\/[0-9a-f]+$/);
  });

  it('lead to a tensor in its snapshot, at an address of its own', async () => {
    await main().getByRole('row', { name: /h\.0\.ln_2\.weight/ }).dblclick(); // prettier-ignore
    await page.getByRole('heading', { level: 1, name: 'Step 2,200' }).waitFor();
    expect(page.url()).toContain('?tensor=transformer.h.0.ln_2.weight');
    await page.reload();
    await main().locator('.row.active', { hasText: 'transformer.h.0.ln_2.weight' }).waitFor();
  });

  it('are compared from a snapshot with the one before it', async () => {
    await main().getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: 'Step 2,000 → 2,200' }).waitFor();
  });

  it('that are not there are told in one line', async () => {
    await page.goto(page.url().replace(/#.*/, '#/compare/0000000000/1111111111'));
    await main().getByRole('alert').waitFor();
  });
});

describe('a torn checkpoint', () => {
  it('is called one in its run, with the last good one to restore', async () => {
    await openRun(page, 'nano-run');
    const note = main().getByRole('note');
    expect(await note.textContent()).toMatch(/Step 2,600 can’t be loaded/);
    await note.getByRole('link', { name: 'Last good one: step 2,400' }).waitFor();
    await note.getByRole('button', { name: 'Restore step 2,400…' }).click();
    await page.getByRole('dialog', { name: /@ 2,400/ }).waitFor();
    await page.keyboard.press('Escape');
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('left nothing to complain about in the console', () => {
    expect(served.complaints).toEqual([]);
  });
});
