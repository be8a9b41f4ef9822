/** High contrast, where the system asks for it or the user chose it, in light and dark: every text keeps 7 to 1 in every view. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFolder, archiveRun, goTo, openRun, settled } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
const name = 'nano-run';
const views = ['Library', 'Jobs', 'Schedules', 'Store', 'Settings'];

beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
  await addFolder(page, served.chain);
  await archiveRun(page, name);
});
afterAll(() => served.stop());

const contrastOf = (): Promise<string | null> => page.locator('html').getAttribute('data-contrast');

async function tooFaint(): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withRules(['color-contrast-enhanced']).analyze();
  return violations.flatMap(({ nodes }) => nodes.map(({ html, any }) => `${html.slice(0, 100)} ${any[0]?.message ?? ''}`));
}

async function expectContrastEverywhere(): Promise<void> {
  for (const view of views) {
    await goTo(page, view);
    await settled(page);
    expect([view, await tooFaint()]).toEqual([view, []]);
  }
  await openRun(page, name);
  await settled(page);
  expect(await tooFaint()).toEqual([]);
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  expect(await tooFaint()).toEqual([]);
  await page.keyboard.press('Escape');
}

describe('high contrast', () => {
  it.each(['dark', 'light'] as const)('is on where the system asks for it, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme, contrast: 'no-preference' });
    await expect.poll(contrastOf).toBe(null);
    expect(await tooFaint()).not.toEqual([]); // the usual colours keep 4.5 to 1, so the rule sees something
    await page.emulateMedia({ colorScheme, contrast: 'more' });
    await expect.poll(contrastOf).toBe('more');
    await expectContrastEverywhere();
  });

  it('can be chosen, and is kept', async () => {
    await page.emulateMedia({ contrast: 'no-preference' });
    await goTo(page, 'Settings');
    await page.getByRole('radio', { name: 'High' }).click({ force: true });
    await expect.poll(contrastOf).toBe('more');
    await page.reload();
    await expect.poll(contrastOf).toBe('more');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Contrast of the system');
    await page.keyboard.press('Enter');
    await expect.poll(contrastOf).toBe(null);
  });

  it('leaves the chain and meters their colours where the system puts its own on everything', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    await openRun(page, name);
    const fill = await page.locator('svg[role=listbox] .stored, svg[role=listbox] rect[class*=key]').first().evaluate((stone) => getComputedStyle(stone).fill); // prettier-ignore
    expect(fill).not.toMatch(/^rgb\(0, 0, 0\)$|^rgb\(255, 255, 255\)$/);
    await goTo(page, 'Settings');
    const groundOf = (choice: string): Promise<string> =>
      page.getByText(choice, { exact: true }).last().evaluate((label) => getComputedStyle(label).backgroundColor); // prettier-ignore
    expect(await groundOf('Dense')).not.toBe(await groundOf('Roomy'));
    await page.emulateMedia({ forcedColors: 'none' });
  });
});
