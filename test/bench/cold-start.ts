/**
 * From starting the service to a library that can be used: `cairn serve` over a home with the sample chain archived, and a page of a Chromium
 * that runs already. Each start is a new process and a new browser context; files are in the page cache but for the first.
 *
 *   node test/bench/cold-start.ts [--starts 10]
 *
 * Prints medians, in milliseconds: until the service has printed its address, until the page first painted something, and until the run's row is
 * there with what is stored of it. The build must be up to date (`npm run build`).
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { chromiumPath } from '../../build/chromium.ts';

const root = path.resolve(import.meta.dirname, '../..');
const cli = path.join(root, 'dist/cli.js');
const { values } = parseArgs({ options: { starts: { type: 'string', default: '10' } } });

interface Start {
  served: number;
  painted: number;
  useful: number;
}

async function startOnce(browser: Browser, places: string[]): Promise<Start> {
  const begun = performance.now();
  const server = spawn(process.execPath, [cli, 'serve', '--port', '0', ...places], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(server.stdout, 'data')) as [Buffer];
  const served = performance.now() - begun;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    const page = await context.newPage();
    const gone = performance.now();
    await page.goto(/http:\/\/\S+/.exec(printed.toString())![0]);
    await page.getByRole('main').getByText('All archived').waitFor();
    const useful = performance.now() - begun;
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]!.startTime);
    return { served, painted: gone - begun + paint, useful };
  } finally {
    await context.close();
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-cold-'));
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
try {
  const chain = path.join(folder, 'nano-run');
  cpSync(path.join(root, 'test/fixtures/sample-chain'), chain, { recursive: true, preserveTimestamps: true });
  const places = ['--home', path.join(folder, 'home'), '--store', path.join(folder, 'store')];
  execFileSync(process.execPath, [cli, 'archive', chain, ...places], { stdio: 'ignore' });
  const starts: Start[] = [];
  for (let number = 0; number < Number(values.starts); number++) starts.push(await startOnce(browser, places));
  const figures = (['served', 'painted', 'useful'] as const).map((name) => [name, Math.round(median(starts.map((start) => start[name])))]);
  process.stdout.write(`${JSON.stringify({ starts: starts.length, ...Object.fromEntries(figures) })}\n`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
