/** Insights in a real Chromium against the real server: a run is measured, read off, told as tables and saved. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, safetensors, weights } from '../jobs/files.ts';
import { addFolder, goTo, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

const estimate = 'What archiving would save';
const charts = ['Stored size by part', estimate, 'Entropy by byte plane', 'Bits that flip', 'Change by layer', 'Exponents', 'Engines'];

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
const measured = (): Promise<void> => page.getByRole('status').getByText(/ read$/).waitFor(); // prettier-ignore

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

/** What the estimate said before anything was archived. */
let estimated: number;
const bytesIn = (row: readonly string[], index: number): number => Number(row[index]!.replaceAll(',', ''));

/** What a browser makes of the text of an SVG: as an image, and as a document. */
async function opened(page: Page, svg: string) {
  const context = await page.context().browser()!.newContext();
  const read = await context.newPage();
  const size = await read.evaluate(async (text) => {
    const image = document.body.appendChild(new Image());
    image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  }, svg);
  const parsed = await read.evaluate((text) => {
    const document = new DOMParser().parseFromString(text, 'image/svg+xml');
    const shapes = ['svg', 'title', 'desc', 'g', 'rect', 'path', 'circle', 'text', 'clipPath'];
    const words = (tag: string): string[] => [...document.querySelectorAll(tag)].map((element) => element.textContent);
    return {
      root: document.documentElement.tagName,
      title: words('title').join(),
      description: words('desc').join(),
      texts: words('text'),
      foreign: [...document.querySelectorAll('*')].map(({ tagName }) => tagName).filter((tag) => !shapes.includes(tag)),
    };
  }, svg);
  await context.close();
  return { size, parsed };
}

describe('insights of a run', () => {
  it('are reached from the run, measure it, and say that nothing is archived yet', async () => {
    await page.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    expect(page.url()).toContain('#/insights/');
    await measured();
    await card('Stored size by part').getByText('No step of this run is archived yet.').waitFor();
    for (const title of charts.slice(1)) await expect.poll(() => isDrawn(title)).toBe(true);
  });

  it('say about what archiving would save, of the run and of the library', async () => {
    const said =
      /^4 steps not archived, 3\.\d+ MiB: would take about 1\.\d+ MiB in the store, and about 1\.\d+ MiB would be free once originals are released\. /;
    const note = card(estimate).locator('p').first();
    await expect.poll(() => note.textContent()).toMatch(said);
    expect(await note.textContent()).toMatch(/Estimated from samples of 4 steps, 3\.\d+ MiB\.$/);
    await card(estimate).getByText('Whole library', { exact: true }).click();
    await expect.poll(() => note.textContent()).toMatch(/From 1 of 1 runs\.$/);
    expect(await note.textContent()).toMatch(said);
    const [header, row] = await rowsOf(estimate);
    expect(header).toEqual(['Part', 'Steps', 'Original', 'In the store', 'Less', 'From']);
    expect(row!.slice(0, 2)).toEqual(['nano-run', '4']);
    estimated = bytesIn(row!, 3);
    expect(bytesIn(row!, 2) - estimated).toBe(bytesIn(row!, 4));
    await card(estimate).getByText('Chart', { exact: true }).click();
    await card(estimate).getByText('This run', { exact: true }).click();
  });

  it('show what the archived steps take, once there are some', async () => {
    await page.getByRole('main').getByRole('link', { name: 'nano-run' }).click();
    await page.getByRole('main').getByRole('button', { name: 'Archive 4 steps' }).click();
    await page.getByText(/^Done: /).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    await measured();
    await card('Stored size by part').locator('canvas').waitFor();
    await expect.poll(() => isDrawn('Stored size by part')).toBe(true);
    await expect.poll(() => card(estimate).locator('p').first().textContent()).toBe('Every whole step of this run is archived.');
    const [, row] = await rowsOf(estimate);
    expect(row![0]).toBe('Archived');
    expect(Math.abs(estimated / bytesIn(row!, 3) - 1)).toBeLessThan(0.05);
    await card(estimate).getByText('Chart', { exact: true }).click();
  });

  it('read off what is under the pointer', async () => {
    const canvas = card('Bits that flip').locator('canvas');
    await canvas.scrollIntoViewIfNeeded();
    await canvas.hover({ position: { x: 300, y: 120 } });
    await expect
      .poll(() => card('Bits that flip').locator('output').textContent())
      .toMatch(/^Step 2,\d00, bit \d+ (exponent|mantissa): (< )?\d+\.\d+ %$/);
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
    // Twice the size of a page, whatever the window's.
    expect(png.bytes.readUInt32BE(16)).toBe(1920);
  });

  it.each(charts)('save %s as SVG that a browser opens as an image', async (title) => {
    const { name, bytes } = await downloaded(title, /as SVG/);
    expect(name).toBe(`nano-run-${title.toLowerCase().replaceAll(' ', '-')}.svg`);
    const { size, parsed } = await opened(page, bytes.toString());
    expect(size).toEqual([960, expect.any(Number)]);
    expect(parsed).toMatchObject({ root: 'svg', title: `nano-run – ${title}`, foreign: [] });
    expect(parsed.description).toMatch(/ rows? of: \w+/);
    expect(parsed.texts).toContain(`nano-run – ${title}`);
  });

  it('save from the palette too', async () => {
    await page.keyboard.press('Control+k');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox').fill('exponents as svg');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(download.suggestedFilename()).toBe('nano-run-exponents.svg');
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

describe('insights of a run whose tensors are called like markup', () => {
  const names = ['<img src=x onerror=alert(1)>', '"&<>', 'a\u001b\u0007b'];

  it('are saved as SVG in which the names are words', async () => {
    const run = served.path('marked <b>run');
    for (const step of [1, 2]) {
      mkdirSync(path.join(run, `checkpoint-${step}`), { recursive: true });
      const tensors = names.map((name, index) => ({ name, dtype: 'F32', shape: [600], bytes: bytesOf(weights(600, step * 100 + index)) }));
      writeFileSync(path.join(run, `checkpoint-${step}`, 'model.safetensors'), safetensors(tensors));
    }
    const other = await served.open();
    await addFolder(other, run);
    await other.getByRole('main').getByRole('link', { name: 'marked <b>run' }).click();
    await other.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    await other
      .getByRole('status')
      .getByText(/ read$/)
      .waitFor();
    const button = other.getByRole('main').getByRole('button', { name: 'Save change by layer as SVG' });
    const [download] = await Promise.all([other.waitForEvent('download'), button.click()]);
    expect(download.suggestedFilename()).toBe('marked-b-run-change-by-layer.svg');
    const { size, parsed } = await opened(other, readFileSync(await download.path(), 'utf8'));
    expect(size[0]).toBe(960);
    expect(parsed).toMatchObject({ title: 'marked <b>run – Change by layer', foreign: [] });
    expect(parsed.description).toContain('"&<>, <img src=x onerror=alert(1)>, a\uFFFD\uFFFDb');
    expect(parsed.texts).toContain('"&<>');
    expect(parsed.texts.some((words) => words.startsWith('<img'))).toBe(true);
    await other.close();
  });
});

describe('insights of a run of many steps', () => {
  const steps = 600;
  let long: Page;
  beforeAll(async () => {
    const run = served.path('long-run');
    let before: Float32Array | undefined;
    for (let step = 1; step <= steps; step++) {
      before = weights(300, step, before);
      mkdirSync(path.join(run, `checkpoint-${step}`), { recursive: true });
      const tensors = [{ name: 'model.layers.0.weight', dtype: 'F32', shape: [300], bytes: bytesOf(before) }];
      writeFileSync(path.join(run, `checkpoint-${step}`, 'model.safetensors'), safetensors(tensors));
    }
    long = await served.open();
    await addFolder(long, run);
    await long.getByRole('main').getByRole('link', { name: 'long-run' }).click();
    await long.getByRole('main').getByRole('link', { name: 'Insights' }).click();
    await long
      .getByRole('status')
      .getByText(/ read$/)
      .waitFor();
  });
  afterAll(() => long.close());

  it('make only the table rows in sight, down to the last', async () => {
    const card = long.getByRole('main').getByRole('region', { name: 'Entropy by byte plane', exact: true });
    await card.getByText('Table', { exact: true }).click();
    const table = card.getByRole('region', { name: 'Entropy by byte plane, table' });
    expect(await table.getByRole('rowheader').first().textContent()).toBe('1');
    expect(await table.locator('tr').count()).toBeLessThan(150);
    const height = await table.evaluate((element) => element.scrollHeight);
    expect(height).toBeGreaterThan(steps * 21);
    await table.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await table.getByRole('rowheader', { name: String(steps), exact: true }).waitFor();
    expect(await table.locator('tr').count()).toBeLessThan(150);
    expect(Math.abs((await table.evaluate((element) => element.scrollHeight)) - height)).toBeLessThan(4);
  });

  it('are saved as SVG in which every step has its place', async () => {
    const button = long.getByRole('main').getByRole('button', { name: 'Save bits that flip as SVG' });
    const [download] = await Promise.all([long.waitForEvent('download'), button.click()]);
    const { size, parsed } = await opened(long, readFileSync(await download.path(), 'utf8'));
    expect(size[0]).toBe(960);
    expect(parsed.description).toContain(`${steps - 1} rows of: Step, Bit 31`);
  });
});

describe('a connection that comes back', () => {
  let sockets: WebSocketRoute[];
  let asked: string[];
  let held: boolean;
  /** Calls over the present connection that are not answered yet. */
  let called: number[];
  let lost: Page;
  beforeAll(async () => {
    lost = await served.open();
    [sockets, asked, held, called] = [[], [], false, []];
    await lost.routeWebSocket(/./, (socket) => {
      const server = socket.connectToServer();
      sockets.push(socket);
      called = [];
      socket.onMessage((message) => {
        asked.push(String(message));
        called.push(...idsIn(message, 'call'));
        if (!(held && String(message).includes('analyse.step'))) server.send(message);
      });
      server.onMessage((message) => {
        const told = [...idsIn(message, 'answer'), ...idsIn(message, 'failure')];
        called = called.filter((id) => !told.includes(id));
        socket.send(message);
      });
    });
    await lost.reload();
    await goTo(lost, 'Insights');
    await lost.getByRole('combobox', { name: 'Run' }).selectOption('nano-run');
    await lost
      .getByRole('status')
      .getByText(/ read$/)
      .waitFor();
  });
  afterAll(() => lost.close());

  const measurements = (): number => asked.filter((message) => message.includes('analyse.step')).length;

  /** The ids in a message of this verb: one or none. */
  function idsIn(message: string | Buffer, verb: string): number[] {
    const read = JSON.parse(String(message)) as { verb: string; id?: number };
    return read.verb === verb && read.id !== undefined ? [read.id] : [];
  }

  /** Waits until the page knows all that it asked since the connection came back, and has done what follows. */
  async function answered(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await lost.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      quiet = called.length === 0 ? quiet + 1 : 0;
    }
  }

  /** Cuts the connection; the page has a new one and knows what the run's steps are now. */
  async function reconnect(): Promise<void> {
    asked.length = 0;
    await sockets.at(-1)!.close();
    await expect.poll(() => asked.some((message) => message.includes('service.about'))).toBe(true);
  }

  it('measures nothing again that was measured in full', async () => {
    await lost.getByRole('button', { name: 'Measure everything' }).click();
    await lost.getByRole('button', { name: 'Measure everything', disabled: true }).waitFor();
    await reconnect();
    await expect.poll(() => asked.some((message) => message.includes('analyse.outline'))).toBe(true);
    await answered();
    expect(measurements()).toBe(0);
    expect(await lost.getByRole('button', { name: 'Measure everything', disabled: true }).count()).toBe(1);
  });

  it('goes on with what it cut off, as it was asked for', async () => {
    held = true;
    await lost.getByRole('button', { name: 'Measure again' }).click();
    await expect.poll(measurements).toBeGreaterThan(0);
    held = false;
    await reconnect();
    await expect.poll(measurements).toBe(4);
    expect(asked.filter((message) => message.includes('analyse.step')).every((message) => message.includes('"full":true'))).toBe(true);
  });

  it('measures nothing after Stop', async () => {
    await lost.getByRole('button', { name: 'Measure again' }).waitFor();
    held = true;
    asked.length = 0;
    await lost.getByRole('button', { name: 'Measure again' }).click();
    await expect.poll(measurements).toBeGreaterThan(0);
    await lost.getByRole('button', { name: 'Stop', exact: true }).click();
    await reconnect();
    await answered();
    expect(measurements()).toBe(0);
  });
});
