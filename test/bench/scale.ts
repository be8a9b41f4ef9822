/**
 * The interface over 100,000 snapshots and 100,000 tensors in one: a real store, the real service, a real Chromium.
 *
 *   node test/bench/scale.ts [--keep FOLDER] > test/bench/scale.csv      about 5 minutes; --keep makes the store once and uses it again
 *
 * One line a figure, in milliseconds where nothing else is said, with the target of the design beside it where there is one. Chromium runs
 * headless, without a graphics processor, so that frames are drawn by the same two cores that do everything else. The build must be up to
 * date (`npm run build`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page, type WebSocketRoute } from 'playwright-core';
import type { Job } from '../../core/contract/model.ts';
import { chromiumPath } from '../../build/chromium.ts';
import { argumentsOf, cli, longName, makeStore, wideName, type Places } from './scale-store.ts';
import { framesDuring, latenciesOf, wheel, type Spread } from './scale-page.ts';

const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const root = path.resolve(import.meta.dirname, '../..');
const eventsPerSecond = 200;

function tell(what: string, value: number | Spread, target = ''): void {
  if (typeof value === 'number') return void process.stdout.write(`${what},${Math.round(value * 10) / 10},,,${target}\n`);
  process.stdout.write(`${what},${value.median},${value.p95},${value.worst},${target}\n`);
}

interface Serving {
  server: ChildProcess;
  address: string;
}

async function serve(places: Places): Promise<Serving> {
  const server = spawn(process.execPath, [cli, 'serve', '--port', '0', ...argumentsOf(places)], { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.add(server);
  const [printed] = (await once(server.stdout, 'data')) as [Buffer];
  return { server, address: /http:\/\/\S+/.exec(printed.toString())![0] };
}

async function stop({ server }: Serving): Promise<void> {
  servers.delete(server);
  server.kill('SIGTERM');
  await once(server, 'exit');
}

/** Starts the service over the store and opens the library; a page of a browser that runs already. */
async function startAndList(
  browser: Browser,
  places: Places,
): Promise<{ serving: Serving; page: Page; served: number; painted: number; listed: number }> {
  const began = performance.now();
  const serving = await serve(places);
  const served = performance.now() - began;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const gone = performance.now();
  await page.goto(serving.address);
  await page.getByRole('main').getByRole('link', { name: longName }).waitFor();
  const listed = performance.now() - began;
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]!.startTime);
  return { serving, page, served, painted: gone - began + painted, listed };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const typed = [...'run-3', ...Array.from({ length: 5 }, () => 'Backspace')];
const main = (page: Page) => page.getByRole('main');
const grid = (page: Page, name: string | RegExp) => main(page).getByRole('grid', { name });

async function middleOf(page: Page, name: string | RegExp): Promise<{ x: number; y: number }> {
  const box = (await grid(page, name).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

async function library(page: Page): Promise<void> {
  await page.keyboard.press('/');
  tell('library: key in the search field to frame', await latenciesOf(page, typed, 120), 'filter < 50');
}

async function longRun(page: Page): Promise<void> {
  const open = async (): Promise<void> => {
    await main(page).getByRole('link', { name: longName }).click();
    await page.getByRole('listbox', { name: /Chain/ }).waitFor();
    await grid(page, /Steps/).getByRole('row').nth(5).waitFor();
  };
  tell('run of 20000 steps: click to chain and table', await timed(open));
  await page.getByRole('listbox', { name: /Chain/ }).focus();
  tell('run of 20000 steps: arrow key in the chain to frame', await latenciesOf(page, Array<string>(20).fill('ArrowRight'), 60));
  const at = await middleOf(page, /Steps/);
  tell('run of 20000 steps: frames while the table scrolls', await framesDuring(page, () => wheel(page, at, 120, 400)), 'frame rate');
  const chain = (await page.getByRole('listbox', { name: /Chain/ }).boundingBox())!;
  const sweep = async (): Promise<void> => {
    for (let x = 100; x < 900; x += 8) await page.mouse.move(chain.x + x, chain.y + 100);
  };
  tell('run of 20000 steps: frames while the pointer moves over the chain', await framesDuring(page, sweep), 'frame rate');
}

async function wideSnapshot(page: Page): Promise<void> {
  await page.evaluate(() => void (location.hash = '#/library'));
  await main(page).getByRole('link', { name: wideName }).click();
  await page.getByRole('listbox', { name: /Chain/ }).focus();
  const all = async (): Promise<void> => {
    await page.keyboard.press('Enter');
    await main(page).getByText('100,000 tensors').last().waitFor();
  };
  tell('snapshot of 100000 tensors: key to all of them listed', await timed(all));
  await page.keyboard.press('/');
  const keys = [...'experts.39', ...Array.from({ length: 10 }, () => 'Backspace')];
  tell('snapshot of 100000 tensors: key in the filter to frame', await latenciesOf(page, keys, 250), 'filter < 50');
  const at = await middleOf(page, 'Tensors');
  tell('snapshot of 100000 tensors: frames while it scrolls', await framesDuring(page, () => wheel(page, at, 120, 400)), 'frame rate');
  await grid(page, 'Tensors').focus();
  tell('snapshot of 100000 tensors: arrow key to frame', await latenciesOf(page, Array<string>(20).fill('ArrowDown'), 60));
  const sort = (): Promise<void> => grid(page, 'Tensors').getByRole('button', { name: 'Size' }).click();
  tell('snapshot of 100000 tensors: click to sorted', await timed(sort));
}

/** A job as the service tells of it, further on with every call. */
function progressed(count: number): Job {
  const bytesDone = count * 1_000_000;
  return {
    id: '5ca1e0000000',
    kind: 'archive',
    title: 'Archive run-80',
    command: 'cairn archive run-80',
    state: 'running',
    queued: new Date(0).toISOString(),
    started: new Date(0).toISOString(),
    progress: {
      phase: 'archive',
      bytesDone,
      bytesTotal: 10 ** 12,
      itemsDone: count,
      itemsTotal: 10 ** 6,
      bytesPerSecond: 2e8,
      etaMs: 60_000,
    },
  };
}

/** A view of the jobs, to which events come behind those of the service, over the same socket. */
async function busy(browser: Browser, { address }: Serving): Promise<void> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  let socket: WebSocketRoute | undefined;
  await page.routeWebSocket(/connection/, (route) => {
    socket = route;
    const server = route.connectToServer();
    route.onMessage((message) => server.send(message));
    server.onMessage((message) => route.send(message));
  });
  await page.goto(address);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Jobs' }).click();
  let count = 0;
  const send = (): void => {
    count += 1;
    socket?.send(JSON.stringify({ verb: 'event', event: 'job.changed', payload: { job: progressed(count) } }));
  };
  const began = performance.now();
  const timer = setInterval(() => {
    while (count < ((performance.now() - began) / 1000) * eventsPerSecond) send();
  }, 5);
  await main(page).getByText('Archive run-80').first().waitFor();
  tell('200 job events a second: frames', await framesDuring(page, () => page.waitForTimeout(4000)), 'frame rate');
  tell(
    '200 job events a second: key to frame',
    await latenciesOf(
      page,
      Array.from({ length: 20 }, (_, n) => (n % 2 ? 'j' : 'k')),
      100,
    ),
    '50',
  );
  clearInterval(timer);
  tell('200 job events a second: sent', count / ((performance.now() - began) / 1000), '200');
}

function bundle(): void {
  const folder = path.join(root, 'dist/renderer');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => path.join(file.parentPath, file.name));
  const scripts = paths.filter((file) => /\.(js|css)$/.test(file));
  tell('bundle of the interface: all files (KiB)', paths.reduce((sum, file) => sum + statSync(file).size, 0) / 1024);
  tell('bundle of the interface: scripts and styles (KiB)', scripts.reduce((sum, file) => sum + statSync(file).size, 0) / 1024);
  tell('bundle of the interface: scripts and styles by gzip (KiB)', scripts.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0) / 1024); // prettier-ignore
}

const residentMiB = (pid: number): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1024;

const folder = values.keep ?? mkdtempSync(path.join(tmpdir(), 'cairn-scale-'));
mkdirSync(folder, { recursive: true });
const places = { home: path.join(folder, 'home'), store: path.join(folder, 'store') };
const servers = new Set<ChildProcess>();
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
try {
  process.stdout.write(
    `# ${cpus()[0]?.model}; ${availableParallelism()} cores; Node ${process.version}; Chromium ${browser.version()} headless without a graphics processor\n`,
  );
  process.stdout.write('what,median,p95,worst,target\n');
  if (!existsSync(places.store)) await makeStore(folder, places);
  rmSync(places.home, { recursive: true, force: true });
  const first = await startAndList(browser, places);
  tell('first start with the catalogue made from 100000 manifests: to the runs listed', first.listed);
  await stop(first.serving);
  const { serving, page, served, painted, listed } = await startAndList(browser, places);
  tell('start: to the address', served);
  tell('start: to the first paint', painted);
  tell('start: to the runs listed', listed, '1000');
  await library(page);
  await longRun(page);
  await wideSnapshot(page);
  await busy(browser, serving);
  tell('most memory of the service (MiB)', residentMiB(serving.server.pid!), '512');
  await stop(serving);
  bundle();
} finally {
  await browser.close();
  for (const server of servers) server.kill('SIGTERM');
  if (values.keep === undefined) rmSync(folder, { recursive: true });
}
