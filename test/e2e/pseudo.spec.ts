/**
 * Every view in the pseudo-locale: what is written in plain letters comes neither from the words nor from the user's data, and would
 * stay English in every translation. The words are a third longer there, and still nothing is cut off or wider than the window.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localeKey, pseudo, spoken } from '../../renderer/ui/words/locale.ts';
import { runCli } from '../cli/run-cli.ts';
import { settled, shows } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;

beforeAll(async () => {
  served = await Served.start();
  const options = { home: served.path('home') };
  for (const args of [
    ['archive', served.chain, '--store', served.path('store')],
    ['schedule', 'add', 'nightly', served.chain, '--cron', '30 2 * * *'],
    ['scan', served.chain],
  ])
    expect((await runCli(args, options)).stderr).toBe('');
  page = await served.open();
  await page.evaluate((key) => localStorage.setItem(key, 'pseudo'), localeKey);
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
});
afterAll(() => served.stop());

/** The user's own data, and what is written the same in every language: figures with their units, dates, names of formats. */
const data = (): RegExp[] => [
  new RegExp(`^Archive ${served.chain}$`), // a job's title, which is the service's
  /\b[\da-f]{8,}\b/g,
  /\bF32\b|\bBF16\b/g,
  /\btransformer\.[\w.]+|\b(gzip|brotli|zstd|LMC|Cairn|alone|delta)\b/g, // of the tensors, and as records name engines
  new RegExp(served.folder.replaceAll('/', '\\/') + '[^ ]*', 'g'),
  /\bnano-run\b|\bnightly\b|\bnumbered-folders\b|\bserver\b|\bavx512\b|\bavx2\b|\bscalar\b|\bneon\b|\.safetensors|\.npy/g,
  /[\d.,]+ [KMGT]iB(\/s)?/g,
  /[A-Z][a-z]{2} \d+, \d{4}(, [\d:]+( [AP]M)?)?|\d{4}-\d\d-\d\dT[\d:.]+Z/g,
  /\bcairn [a-z]+\b.*/g,
];

/** What is written, or said to a screen reader, that neither the words nor the data account for. */
async function plainWords(): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const given = 'code, .mono, kbd, script, style, [data-given]';
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (!node.parentElement?.closest(given)) found.push(node.textContent ?? '');
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]'))
      for (const name of ['aria-label', 'title', 'placeholder']) if (!element.closest(given)) found.push(element.getAttribute(name) ?? '');
    return [...new Set(found)];
  });
  const left = texts.map((text) => [/⟦[^⟦⟧]*(⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧/g, ...data()].reduce((rest, known) => rest.replace(known, ''), text).trim());
  return left.filter((text) => /[A-Za-z]{3}/.test(text));
}

/** Buttons whose words do not fit, and whatever makes the page wider than the window. */
const cutOff = (): Promise<string[]> =>
  page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > window.innerWidth ? ['the page'] : [];
    const buttons = [...document.querySelectorAll<HTMLElement>('button')].filter(
      (button) => button.offsetWidth > 0 && button.scrollWidth > button.clientWidth + 1,
    );
    return [...wide, ...buttons.map((button) => button.textContent ?? '')];
  });

async function expectSpoken(): Promise<void> {
  await page.locator('main h1').waitFor();
  await expect.poll(() => page.locator('main').textContent()).toContain('⟦');
  await settled(page);
  expect(await plainWords()).toEqual([]);
  expect(await cutOff()).toEqual([]);
}

async function goTo(hash: string): Promise<void> {
  await page.evaluate((to) => void (location.hash = to), hash);
  await shows(page, hash);
}

async function openNewest(): Promise<void> {
  await goTo('#/library');
  await page.getByRole('main').getByRole('link', { name: 'nano-run' }).click();
  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
}

describe('in the pseudo-locale', () => {
  it.each(['library', 'jobs', 'schedules', 'store', 'settings', 'insights'])('the view %s', async (view) => {
    await goTo(`#/${view}`);
    await expectSpoken();
  });

  it('a run, a snapshot and a comparison', async () => {
    await openNewest();
    await expectSpoken();
    await page.keyboard.press('Enter');
    await page.getByRole('grid').nth(1).waitFor();
    await expectSpoken();
    await page.keyboard.press('d');
    await page.waitForURL(/compare/);
    await expectSpoken();
  });

  it('a study that was measured, as charts and as tables', async () => {
    await goTo('#/library');
    await page.getByRole('main').getByRole('link', { name: 'nano-run' }).click();
    await page.getByRole('main').locator('a[href^="#/insights/"]').click();
    const charts = page.getByRole('main').locator('canvas');
    await expect.poll(() => charts.count()).toBeGreaterThan(4);
    await expect.poll(() => page.getByRole('main').getByRole('status').first().textContent()).toMatch(/read|réàd/);
    await expectSpoken();
    for (const table of await page.getByRole('main').getByText(pseudo('Table'), { exact: true }).all()) await table.click();
    await expectSpoken();
  });

  it.each([
    ['commands', '#/store', 'Control+k'],
    ['shortcuts', '#/store', '?'],
    ['folders', '#/library', 'n'],
    ['a schedule', '#/schedules', 'e'],
    ['a restore', '#/snapshot', 'r'],
  ])('the dialog of %s', async (_name, hash, key) => {
    if (hash === '#/snapshot') {
      await openNewest();
      await page.keyboard.press('Enter');
      await page.getByRole('grid').nth(1).waitFor();
    } else await goTo(hash);
    await expectSpoken();
    await page.keyboard.press(key);
    await page.getByRole('dialog').waitFor();
    await expectSpoken();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

describe('the pseudo-locale itself', () => {
  it('makes every word of a tree strange, and what its functions say', () => {
    const strange = spoken({ name: 'Steps', of: (n: number) => `${n} runs`, list: [['Enter', 'Open']], times: { half: 30 } }, 'pseudo');
    expect(strange.name).toBe('⟦Stéps··⟧');
    expect(strange.of(3)).toBe(pseudo('3 runs'));
    expect(strange.list).toEqual([[pseudo('Enter'), pseudo('Open')]]);
    expect(strange.times.half).toBe(30);
  });
});
