/** Insights in a real Chromium against the real server: a run is measured, read off, told as tables and saved. */
import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFolder, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

const charts = ['Stored size by part', 'Entropy by byte plane', 'Bits that flip', 'Change by layer', 'Exponents', 'Engines'];

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
  await addFolder(page, served.chain);
  await page.getByRole('main').getByRole('link', { name: 'nano-run' }).click();
});
afterAll(() => served.stop());

const card = (title: string): Locator => page.getByRole('main').getByRole('region', { name: title, exact: true });
const measured = (): Promise<void> => page.getByRole('status').getByText(/ read$/).waitFor({ timeout: 60_000 }); // prettier-ignore

/** Rows of a card's table, header first. */
async function rowsOf(title: string): Promise<string[][]> {
  await card(title).getByText('Table', { exact: true }).click();
  return card(title)
    .locator('tr')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
}

async function downloaded(title: string, button: RegExp): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), card(title).getByRole('button', { name: button }).click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** True where a canvas holds more than one colour. */
const isDrawn = (title: string): Promise<boolean> =>
  card(title)
    .locator('canvas')
    .first()
    .evaluate((canvas: HTMLCanvasElement) => {
      const pixels = new Uint32Array(canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
      return new Set(pixels).size > 8;
    });

describe('insights of a run', () => {
  it('are reached from the run, measure it, and say that nothing is archived yet', async () => {
    await page.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    expect(page.url()).toContain('#/insights/');
    await measured();
    expect(await card('Stored size by part').textContent()).toContain('No step of this run is archived yet.');
    for (const title of charts.slice(1)) expect(await isDrawn(title)).toBe(true);
  });

  it('show what the archived steps take, once there are some', async () => {
    await page.getByRole('main').getByRole('link', { name: 'nano-run' }).click();
    await page.getByRole('main').getByRole('button', { name: 'Archive 4 steps' }).click();
    await page.getByText(/^Done: /).waitFor({ timeout: 60_000 });
    await page.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    await measured();
    await card('Stored size by part').locator('canvas').waitFor();
    expect(await isDrawn('Stored size by part')).toBe(true);
  });

  it('read off what is under the pointer', async () => {
    const canvas = card('Bits that flip').locator('canvas');
    await canvas.scrollIntoViewIfNeeded();
    await canvas.hover({ position: { x: 300, y: 120 } });
    expect(await card('Bits that flip').locator('output').textContent()).toMatch(/^Step 2,\d00, bit \d+ (exponent|mantissa): 0\.\d{4}$/);
  });

  it('tell every chart as a table', async () => {
    expect((await rowsOf('Entropy by byte plane')).map(([step]) => step)).toEqual(['Step', '400', '2,000', '2,200', '2,400']);
    expect((await rowsOf('Bits that flip'))[0]).toHaveLength(17);
    expect((await rowsOf('Engines')).map((row) => row.slice(0, 2).join(' '))).toContain('Cairn delta');
    for (const title of ['Stored size by part', 'Change by layer', 'Exponents']) expect((await rowsOf(title)).length).toBeGreaterThan(1);
  });

  it('save the same numbers as CSV, and what is seen as PNG', async () => {
    const { name, bytes } = await downloaded('Entropy by byte plane', /as CSV/);
    expect(name).toBe('nano-run-entropy-by-byte-plane.csv');
    const lines = bytes.toString().trimEnd().split('\r\n');
    expect(lines[0]).toBe('Step,Byte 1,Byte 0');
    expect(lines).toHaveLength(5);
    await card('Change by layer').getByText('Chart', { exact: true }).click();
    const png = await downloaded('Change by layer', /as PNG/);
    expect(png.name).toBe('nano-run-change-by-layer.png');
    expect(png.bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(png.bytes.length).toBeGreaterThan(2000);
  });

  it('pass the accessibility check in dark and light, as charts and as tables', async () => {
    expect(await seriousFindings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    for (const title of charts) await card(title).getByText('Chart', { exact: true }).click();
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('save everything as one report that needs nothing else', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save report' }).click()]);
    expect(download.suggestedFilename()).toMatch(/-report\.html$/);
    const html = readFileSync(await download.path(), 'utf8');
    expect(html).not.toMatch(/<script|(src|href)="(?!data:)/);
    const context = await page.context().browser()!.newContext();
    const read = await context.newPage();
    const requests: string[] = [];
    read.on('request', (request) => requests.push(request.url()));
    await read.setContent(html);
    const titles = await read.getByRole('heading', { level: 2 }).allTextContents();
    expect(titles).toEqual(expect.arrayContaining(['Entropy by byte plane', 'Change by layer']));
    expect(await read.locator('img').count()).toBe(titles.length);
    expect(await read.locator('img').evaluateAll((images) => images.every((image) => (image as HTMLImageElement).naturalWidth > 300))).toBe(
      true,
    );
    expect(await read.locator('table tbody tr').count()).toBeGreaterThan(titles.length);
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([]);
    await context.close();
  });

  it('kept within the content policy, without an error', () => {
    expect(served.complaints).toEqual([]);
  });
});
