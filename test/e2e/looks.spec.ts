/**
 * What can be measured of how views look, at the sizes and in the themes that people have: nothing is wider than the window, no button
 * loses its words, nothing that can be pressed lies upon another, axe finds nothing serious; with one run, with many, empty, and with
 * names beyond reason.
 */
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { seriousFindings, settled, shows } from './doing.ts';
import { Served } from './served.ts';

const sizes = [
  [1280, 800],
  [2560, 1440],
] as const;
const themes = ['dark', 'light'] as const;
const views = ['library', 'jobs', 'schedules', 'store', 'settings', 'insights'];
const longName = `experiment-${'with-a-name-that-says-it-all-'.repeat(7)}end`;

let empty: Served;
let full: Served;

beforeAll(async () => {
  [empty, full] = await Promise.all([Served.start(), Served.start()]);
  const options = { home: full.path('home') };
  const runs = full.path('runs');
  mkdirSync(runs);
  for (const name of [longName, ...Array.from({ length: 40 }, (_, n) => `run-${n}`)])
    cpSync(full.chain, path.join(runs, name), { recursive: true, preserveTimestamps: true });
  const store = ['--store', full.path('store')];
  for (const args of [
    ['scan', runs],
    ['archive', path.join(runs, longName), ...store],
    ['archive', path.join(runs, 'run-7'), ...store],
    ['schedule', 'add', longName.slice(0, 190), runs, '--cron', '30 2 * * *', ...store],
  ])
    expect((await runCli(args, options)).stderr).toBe('');
});
afterAll(async () => {
  expect([...empty.complaints, ...full.complaints]).toEqual([]);
  await Promise.all([empty.stop(), full.stop()]);
});

/** What looks broken, in words. */
const faults = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    if (document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight)
      found.push('the page scrolls as a whole');
    const open = document.querySelector('[role=dialog]') ?? document; // what a dialog covers is not to be pressed
    const shown = [...open.querySelectorAll<HTMLElement>('button, a, select, input')].filter((one) => {
      const { width, height } = one.getBoundingClientRect();
      return width > 1 && height > 1 && one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    });
    for (const one of shown) {
      const box = one.getBoundingClientRect();
      if (one.tagName === 'BUTTON' && one.scrollWidth > one.clientWidth + 1) found.push(`cut off: ${one.textContent}`);
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      const over = document.elementFromPoint(x, y);
      const isInSight = x > 0 && y > 0 && x < innerWidth && y < innerHeight;
      if (isInSight && over && !one.contains(over) && !over.contains(one) && over.matches('button, a, select, input'))
        found.push(`${one.textContent || one.tagName} lies under ${over.textContent || over.tagName}`);
    }
    return found;
  });

async function expectWell(page: Page, what: string): Promise<void> {
  await page.locator('main h1').waitFor();
  await settled(page);
  expect([what, await faults(page)]).toEqual([what, []]);
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => void (location.hash = to), hash);
  await shows(page, hash);
}

describe.each(sizes)('at %d x %d', (width, height) => {
  describe.each(themes)('in %s', (colorScheme) => {
    it('empty', async () => {
      const page = await empty.open({ colorScheme, width, height });
      for (const view of views) {
        await goTo(page, `#/${view}`);
        await expectWell(page, `${view}, empty`);
      }
      expect(await seriousFindings(page)).toEqual([]);
      await page.close();
    });

    it('with many runs, one of them with an endless name', async () => {
      const page = await full.open({ colorScheme, width, height });
      for (const view of views.slice(0, 5)) {
        await goTo(page, `#/${view}`);
        await expectWell(page, view);
      }
      await goTo(page, '#/library');
      await page.getByRole('main').getByRole('searchbox').or(page.getByRole('main').getByRole('textbox')).first().fill('experiment'); // prettier-ignore
      await page.getByRole('main').locator('a.name').first().click();
      await page.getByRole('listbox').waitFor();
      await expectWell(page, 'a run');
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('listbox').focus();
      await page.keyboard.press('End');
      await page.keyboard.press('Enter');
      await page.getByRole('grid').nth(1).waitFor();
      await expectWell(page, 'a snapshot');
      await page.keyboard.press('r');
      await page.getByRole('dialog').waitFor();
      await expectWell(page, 'the dialog of a restore');
      await page.close();
    });
  });
});
