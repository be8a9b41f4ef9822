/** Manners, pauses for a time and every field of a schedule through the interface: what is chosen there is what the service keeps. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job, Manners, Schedule } from '../../core/contract/model.ts';
import { runCli } from '../cli/run-cli.ts';
import { addFolder, goTo, openRun, seriousFindings } from './doing.ts';
import { Served } from './served.ts';

let served: Served;
let page: Page;
beforeAll(async () => {
  served = await Served.start();
  page = await served.open();
});
afterAll(async () => {
  expect(served.complaints).toEqual([]);
  await served.stop();
});

const main = () => page.getByRole('main');
const detail = () => main().getByRole('region', { name: 'Job', exact: true });
const dialog = () => page.getByRole('dialog');
const summary = async (...args: string[]): Promise<Record<string, unknown>> =>
  (await runCli([...args, '--json', '--store', served.path('store')], { home: served.path('home') })).records.at(-1)!;

describe('manners', () => {
  const kept = async (): Promise<Manners> => (await summary('manners'))['manners'] as Manners;

  it('are set one by one, and kept', async () => {
    await goTo(page, 'Settings');
    await main().getByLabel('Threads of all jobs').selectOption('1');
    await main().getByLabel('Threads in the background').selectOption('1');
    await main()
      .getByLabel('Rate', { exact: true })
      .selectOption(String(50 * 2 ** 20));
    await main().getByLabel('Quiet from').fill('22:30');
    await main().getByLabel('Quiet until').fill('06:15');
    await main().getByLabel('Low battery').selectOption('30');
    await main().getByRole('radio', { name: 'Goes on' }).check({ force: true });
    await expect.poll(kept).toEqual({
      threads: 1,
      backgroundThreads: 1,
      bytesPerSecond: 50 * 2 ** 20,
      quiet: { from: '22:30', to: '06:15' },
      lowBattery: 30,
      metered: 'ignore',
    });
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('are shown as they were set when the page is opened again, and as another process sets them', async () => {
    await page.reload();
    await goTo(page, 'Settings');
    await expect.poll(() => main().getByLabel('Quiet from').inputValue()).toBe('22:30');
    await expect.poll(() => main().getByLabel('Low battery').inputValue()).toBe('30');
    await summary('manners', '--low-battery', '35', '--rate', '7');
    await expect.poll(() => main().getByLabel('Low battery').inputValue()).toBe('35');
    await expect.poll(() => main().getByLabel('Rate', { exact: true }).inputValue()).toBe(String(7 * 2 ** 20));
  });

  it('are taken back: no threads of its own, no rate, no quiet hours', async () => {
    await main().getByLabel('Threads of all jobs').selectOption('0');
    await main().getByLabel('Threads in the background').selectOption('0');
    await main().getByLabel('Rate', { exact: true }).selectOption('0');
    await main().getByLabel('Quiet from').fill('');
    await main().getByLabel('Low battery').selectOption('20');
    await main().getByRole('radio', { name: 'Waits' }).check({ force: true });
    await expect.poll(kept).toEqual({ lowBattery: 20, metered: 'wait' });
  });
});

describe('pauses for a time', () => {
  const pause = async (): Promise<number> => {
    const { until } = JSON.parse(readFileSync(served.path('home', 'schedules.json'), 'utf8')).pause as { until: string };
    return (Date.parse(until) - Date.now()) / 60_000;
  };

  it('of everything are chosen in a menu, and say when they end', async () => {
    await goTo(page, 'Jobs');
    for (const [label, minutes] of [
      ['30 minutes', 30],
      ['1 hour', 60],
      ['8 hours', 480],
    ] as const) {
      await main().getByLabel('Pause everything for…').selectOption({ label });
      await main()
        .getByText(/Everything is paused until \d+:\d\d/)
        .waitFor();
      expect(Math.abs((await pause()) - minutes)).toBeLessThan(1);
      await main().getByRole('button', { name: 'Resume everything' }).click();
      await main().getByLabel('Pause everything for…').waitFor();
    }
    await main().getByLabel('Pause everything for…').selectOption({ label: 'until tomorrow' });
    await main()
      .getByText(/Everything is paused until/)
      .waitFor();
    expect(new Date(Date.now() + (await pause()) * 60_000 + 500).getHours()).toBe(8);
  });

  it('hold what is started meanwhile, in turns that buttons change', async () => {
    await goTo(page, 'Library');
    await addFolder(page, served.chain);
    await openRun(page, 'nano-run');
    await main().getByRole('button', { name: 'Archive 4 steps' }).click();
    await goTo(page, 'Store');
    await main().getByRole('button', { name: 'Verify data' }).click();
    await goTo(page, 'Jobs');
    const turns = async (): Promise<string[]> => {
      const jobs = (await summary('jobs'))['jobs'] as Job[];
      return jobs.toSorted((a, b) => a.order! - b.order!).map(({ kind }) => kind);
    };
    await expect.poll(turns).toEqual(['archive', 'verify']);
    await main()
      .getByRole('link', { name: /Archive/ })
      .click();
    await detail().getByRole('button', { name: 'Later' }).click();
    await expect.poll(turns).toEqual(['verify', 'archive']);
    await detail().getByRole('button', { name: 'Earlier' }).click();
    await expect.poll(turns).toEqual(['archive', 'verify']);
  });

  it('of one job are chosen beside it', async () => {
    await summary('manners', '--rate', '1');
    await goTo(page, 'Settings');
    await main()
      .locator(`select[aria-label="Rate"]:has(option[value="${2 ** 20}"]:checked)`)
      .waitFor();
    await goTo(page, 'Jobs');
    await main().getByRole('button', { name: 'Resume everything' }).click();
    await main()
      .getByRole('link', { name: /Archive/ })
      .click();
    await detail().getByText('Running', { exact: true }).first().waitFor();
    await detail().getByLabel('Pause for…').selectOption({ label: '1 hour' });
    await detail().getByText('paused by the user').waitFor();
    const [paused] = ((await summary('jobs'))['jobs'] as Job[]).filter(({ state }) => state === 'paused');
    expect(Math.abs(Date.parse(paused!.until!) - Date.now() - 3_600_000)).toBeLessThan(60_000);
    await summary('manners', '--reset');
    await detail().getByRole('button', { name: 'Resume' }).click();
    await detail().getByText('Done', { exact: true }).first().waitFor();
  });
});

describe('a schedule', () => {
  const kept = (name: string): Schedule =>
    (JSON.parse(readFileSync(served.path('home', 'schedules.json'), 'utf8')) as { schedules: { schedule: Schedule }[] }).schedules.find(
      (one) => one.schedule.name === name,
    )!.schedule;
  const fill = (label: string | RegExp, value: string): Promise<void> => dialog().getByLabel(label, { exact: true }).fill(value);
  const check = (label: string): Promise<void> => dialog().getByLabel(label, { exact: true }).check();

  it('keeps every field of its editor', async () => {
    await goTo(page, 'Schedules');
    await main().getByRole('button', { name: 'Add schedule' }).click();
    await fill('Name', 'all of it');
    await fill('Folders, one a line', `${served.chain}\n${served.folder}`);
    await dialog().getByLabel('When').selectOption('idle');
    await fill('Idle for so many minutes', '1440');
    await fill('Threads', '1');
    await fill('Quiet from', '08:00');
    await fill('Quiet until', '18:00');
    await dialog().getByLabel('Wait while on battery').uncheck();
    await fill('Runs (a pattern)', 'nano-*');
    await fill('Only older than, in minutes', '5');
    await fill('Leave the newest', '2');
    await fill('Keyframe at the latest every', '4');
    await dialog().getByLabel('Method').selectOption('lmc');
    await check('Verify again afterwards');
    await check('Remove originals that are sealed');
    await fill('Keep the newest originals', '3');
    await check('Leave a text file that says how to get each back');
    await check('Move them to the trash, which frees no space until it is emptied');
    await check('Keep in the store only');
    await fill('The newest', '7');
    await fill('Command before', 'mount\n/a b');
    await fill('Command after', 'umount\n/a b');
    await fill('Minutes that each may take', '3');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(kept('all of it')).toMatchObject({
      paths: [served.chain, served.folder],
      trigger: { kind: 'idle', minutes: 1440 },
      policy: {
        runs: 'nano-*',
        olderThanMinutes: 5,
        leaveNewest: 2,
        keyframeEvery: 4,
        method: 'lmc',
        verifyAfter: true,
        release: { keepNewest: 3, placeholder: true, trash: true },
        retention: { keepLast: 7 },
        quiet: { from: '08:00', to: '18:00' },
        threads: 1,
        battery: 'ignore',
        hooks: { before: ['mount', '/a b'], after: ['umount', '/a b'], timeoutMinutes: 3 },
      },
    });
  });

  it('is shown so when it is edited, and saved again is the same but for what was changed', async () => {
    const before = kept('all of it');
    await page.keyboard.press('e');
    await fill('Leave the newest', '1');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(kept('all of it')).toEqual({ ...before, policy: { ...before.policy, leaveNewest: 1 } });
  });

  it('whose command hears of its job and fails says so there', async () => {
    const log = served.path('heard.json');
    const script = served.path('hear.js');
    writeFileSync(
      script,
      "require('fs').writeFileSync(process.argv[2], require('fs').readFileSync(0)); process.exit(Number(process.argv[3]))",
    );
    await main().getByRole('button', { name: 'Add schedule' }).click();
    await fill('Name', 'heard');
    const other = served.path('other-run');
    cpSync(served.chain, other, { recursive: true, preserveTimestamps: true });
    await fill('Folders, one a line', other);
    await dialog().getByLabel('When').selectOption('interval');
    await fill('Every so many minutes', '600');
    await dialog().getByLabel('Method').selectOption('lmc');
    await fill('Command before', [process.execPath, script, log, '3'].join('\n'));
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await main().getByRole('button', { name: 'Run now' }).click();
    await goTo(page, 'Jobs');
    await main()
      .getByRole('alert')
      .getByText(/the command before the job failed.*ended with 3; nothing was done/)
      .waitFor();
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ kind: 'archive', state: 'running' });
  });
});
