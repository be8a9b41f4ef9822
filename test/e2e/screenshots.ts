/**
 * Pictures of every view in light and dark, from the real interface over a real store; README shows some of them.
 *
 *   node test/e2e/screenshots.ts OUTPUT [RUN] [WIDTH HEIGHT]      RUN: a folder of checkpoints (default: the sample chain)
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { addFolder, archiveRun, goTo } from './doing.ts';
import { Served } from './served.ts';

const [output = 'screenshots', run, width = '1280', height = '800'] = process.argv.slice(2);

async function picture(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Dismiss' }).first().click({ timeout: 500 }).catch(() => undefined); // prettier-ignore
  await page.waitForTimeout(600);
  await page.screenshot({ path: path.join(output, `${name}.png`) });
}

async function pictures(served: Served, colorScheme: 'light' | 'dark'): Promise<void> {
  const page = await served.open({ colorScheme, width: Number(width), height: Number(height) });
  await picture(page, `library-${colorScheme}`);
  await page
    .getByRole('main')
    .getByRole('link', { name: path.basename(served.chain) })
    .click();
  await picture(page, `run-${colorScheme}`);
  await page.getByRole('listbox', { name: /Chain/ }).focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 2 }).first().waitFor({ timeout: 3000 }).catch(() => undefined); // prettier-ignore
  await picture(page, `snapshot-${colorScheme}`);
  await page.getByRole('main').getByRole('button', { name: 'Compare' }).click();
  await picture(page, `compare-${colorScheme}`);
  for (const view of ['Insights', 'Jobs', 'Schedules', 'Store', 'Settings']) {
    await goTo(page, view);
    if (view === 'Insights') await page.getByRole('button', { name: 'Measure again' }).waitFor({ timeout: 120_000 });
    await picture(page, `${view.toLowerCase()}-${colorScheme}`);
  }
}

mkdirSync(output, { recursive: true });
const served = await Served.start();
try {
  if (run !== undefined) {
    rmSync(served.chain, { recursive: true });
    cpSync(run, served.chain, { recursive: true, preserveTimestamps: true });
  }
  const page = await served.open();
  await addFolder(page, served.chain);
  await archiveRun(page, path.basename(served.chain));
  await pictures(served, 'light');
  await pictures(served, 'dark');
} finally {
  await served.stop();
}
