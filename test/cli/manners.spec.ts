/** `cairn manners`: shown, changed, put back, and refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli, type Ran } from './run-cli.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(path.join(tmpdir(), 'cairn-manners-'))));
afterEach(() => rmSync(home, { recursive: true }));

const manners = (...args: string[]): Promise<Ran> => runCli(['manners', ...args], { home });
const kept = async (...args: string[]): Promise<unknown> =>
  (JSON.parse((await manners(...args, '--json')).stdout.trim().split('\n').at(-1)!) as { manners: unknown }).manners;

it('are kept from one call to the next, one by one', async () => {
  expect(await kept()).toEqual({ lowBattery: 20, metered: 'wait' });
  expect(await kept('--threads', '3', '--rate', '50')).toEqual({
    threads: 3,
    bytesPerSecond: 50 * 2 ** 20,
    lowBattery: 20,
    metered: 'wait',
  });
  const quiet = { from: '22:30', to: '06:00' };
  expect(await kept('--quiet', '22:30-06:00', '--low-battery', '40')).toMatchObject({ threads: 3, quiet, lowBattery: 40 });
  expect(await kept('--threads', '0', '--quiet', 'never', '--metered', 'ignore')).toEqual({
    bytesPerSecond: 50 * 2 ** 20,
    lowBattery: 40,
    metered: 'ignore',
  });
  expect(await kept('--reset')).toEqual({ lowBattery: 20, metered: 'wait' });
});

it('are shown with what stands for nothing chosen', async () => {
  const { stdout, exitCode } = await manners();
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`threads +${availableParallelism()}, one for every core`));
  expect(stdout).toMatch(/rate +no cap/);
});

it.each([
  ['--quiet', 'at night'],
  ['--threads', '-1'],
  ['--low-battery', '101'],
  ['--metered', 'sometimes'],
])('%s %s is a mistake', async (...args) => {
  const { exitCode, stderr } = await manners(...args);
  expect([exitCode, stderr.trim().split('\n')[0]]).toEqual([2, expect.stringMatching(/^cairn: option '--/) as string]);
});
