/** The main job on the desktop: from the system's folder dialog to restored files that are equal, all through the window. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { troubledMark } from '../../electron/tray-marks.ts';
import { runCli } from '../cli/run-cli.ts';
import { bytesBelow, copyChain } from './chain.ts';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch, type Launched } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

test('a folder is picked, its chain archived, and a step restored bit for bit', async () => {
  const desktop = await launch();
  const { dialogs, powerSaveBlocker } = desktop.harness;
  const chain = await copyChain(desktop.folder);
  const page = await desktop.connectedPage();

  dialogs.answers.push({ canceled: false, filePaths: [path.dirname(chain)] });
  await page.getByRole('button', { name: 'Add folder' }).click();
  await page.getByText('0 of 4 archived').waitFor();
  expect(dialogs.shown).toMatchObject([
    { kind: 'open', window: desktop.window, options: { properties: ['openDirectory', 'createDirectory'] } },
  ]);

  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByText('All archived').first().waitFor();
  await expect.poll(() => desktop.tray.toolTips.at(-1)).toBe('Cairn: Nothing is running');
  expect(desktop.tray.toolTips.some((line) => line.startsWith('Cairn: Archive'))).toBe(true);
  expect(desktop.window.progress.at(-1)).toBe(-1);
  expect(powerSaveBlocker.running.size).toBe(0);

  await page.getByRole('link', { name: 'ft-07' }).click();
  await page.getByRole('row', { name: '2,200' }).click();
  await page.getByRole('button', { name: 'Restore…' }).click();
  const target = path.join(desktop.folder, 'restored');
  await mkdir(target);
  dialogs.answers.push({ canceled: false, filePaths: [target] });
  await page.getByRole('button', { name: 'Choose…' }).click();
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('Done: Restore', { exact: false }).first().waitFor();
  expect(await bytesBelow(target)).toEqual(await bytesBelow(path.join(chain, 'step-002200')));
});

test('a dialog that is cancelled adds nothing', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  desktop.harness.dialogs.answers.push({ canceled: true, filePaths: [] });
  await page.getByRole('button', { name: 'Add folder' }).click();
  await expect.poll(() => desktop.harness.dialogs.shown.length).toBe(1);
  await page.getByRole('heading', { name: 'Keep every checkpoint' }).waitFor();
});

test('a job that fails while nobody looks is told by notification and tray, until somebody does', async () => {
  const desktop = await launch();
  const chain = await copyChain(desktop.folder);
  const page = await desktop.connectedPage();
  desktop.harness.dialogs.answers.push({ canceled: false, filePaths: [chain] });
  await page.getByRole('button', { name: 'Add folder' }).click();
  await page.getByText('0 of 4 archived').waitFor();

  desktop.window.blur();
  await rm(chain, { recursive: true });
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await expect.poll(() => desktop.harness.Notification.shown).toHaveLength(1);
  expect(desktop.harness.Notification.shown[0]!.title).toMatch(/^Failed: Archive/);
  expect(desktop.app.badge).toBe(1);
  await expect.poll(() => desktop.tray.image.address).toBe(troubledMark);
  expect(desktop.tray.toolTips.at(-1)).toContain('failed');

  desktop.window.hide();
  desktop.harness.Notification.shown[0]!.emit('click');
  expect(desktop.window.isVisible()).toBe(true);
  expect(desktop.tray.image.address).not.toBe(troubledMark);
  expect(desktop.tray.toolTips.at(-1)).toBe('Cairn: Nothing is running');
});

/** Fails, without a window: as a schedule's job, or one of the command line, would. */
async function failElsewhere(desktop: Launched): Promise<void> {
  const words = ['archive', path.join(desktop.folder, 'nowhere'), '--store', path.join(desktop.folder, 'store')];
  const { exitCode } = await runCli(words, { home: path.join(desktop.folder, 'home') });
  expect(exitCode).toBe(1);
}

test('a job of another process that fails is told of too, and stays told over a restart until somebody looks', async () => {
  const first = await launch({ words: ['--hidden'] });
  await first.untilServiceReady();
  await failElsewhere(first);
  await expect.poll(() => first.harness.Notification.shown).toHaveLength(1);
  await expect.poll(() => first.tray.image.address).toBe(troubledMark);
  await first.quit();

  const second = await launch({ folder: first.folder, words: ['--hidden'] });
  await second.untilServiceReady();
  await expect.poll(() => second.tray.image.address).toBe(troubledMark);
  expect(second.harness.Notification.shown).toHaveLength(0);
  second.tray.menu!.click('Show Cairn');
  await expect.poll(() => second.tray.image.address).not.toBe(troubledMark);
  await second.quit();

  const third = await launch({ folder: first.folder, words: ['--hidden'] });
  await third.untilServiceReady();
  await expect.poll(() => third.tray.toolTips.at(-1)).toBe('Cairn: Nothing is running');
  expect(third.tray.image.address).not.toBe(troubledMark);
});

test('the service is told what the machine runs on, and a service that starts anew too', async () => {
  const desktop = await launch();
  await desktop.untilServiceReady();
  const told = vi.spyOn(desktop.service, 'postMessage');
  desktop.harness.powerMonitor.turn(true);
  expect(told).toHaveBeenCalledWith({ power: { onBattery: true } });
  const all = vi.spyOn(desktop.harness.UtilityProcess.prototype, 'postMessage');
  desktop.service.crash();
  await expect.poll(() => all.mock.calls).toContainEqual([{ power: { onBattery: true } }]);
});
