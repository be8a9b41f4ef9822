import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, expectTypeOf, test } from 'vitest';
import type { ExposedShell } from '../../electron/preload.ts';
import type { CairnShell } from '../../renderer/bridge/shell.ts';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

test('the window opens hardened, and shows the library of the running service', async () => {
  const desktop = await launch();
  expect(desktop.window.isVisible()).toBe(false);
  const page = await desktop.connectedPage();

  expect(desktop.window.isVisible()).toBe(true);
  expect(desktop.window.webContents.getURL()).toBe('cairn-app://app/index.html');
  expect(desktop.app.isSandboxed).toBe(true);
  expect(desktop.window.options.webPreferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    webviewTag: false,
  });
  expect(desktop.service.serviceName).toBe('Cairn service');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('desktop', { exact: true }).waitFor();
  await page.getByText(path.join(desktop.folder, 'store')).waitFor();
});

test('the page has the shell that it expects, and nothing of Node or Electron', async () => {
  expectTypeOf<ExposedShell>().toEqualTypeOf<CairnShell>();
  const page = await (await launch()).page();
  const seen = await page.evaluate(() => ({
    shell: Object.keys(window.cairnShell ?? {}),
    isFrozen: Object.isFrozen(window.cairnShell),
    foreign: ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron', 'electronReceive'].filter(
      (name) => name in window,
    ),
  }));
  expect(seen).toEqual({ shell: ['pickFolder', 'copyDiagnostics', 'showRestored'], isFrozen: true, foreign: [] });
});

test('a page that is loaded again gets another port, and the one before is closed', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  expect(desktop.service.openPorts).toBe(2); // the window's and the shell's own
  desktop.window.webContents.reload();
  await page.waitForEvent('load');
  await desktop.connectedPage();
  await expect.poll(() => desktop.service.openPorts).toBe(2);
});

test('a page that crashed is loaded again once, and not again at once', async () => {
  const desktop = await launch();
  const page = await desktop.page();
  let loads = 0;
  page.on('load', () => (loads += 1));
  desktop.window.webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 });
  desktop.window.webContents.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 5 });
  await desktop.connectedPage();
  await expect.poll(() => loads).toBe(1);
});

test('the window comes back where it was, unless no screen shows that place', async () => {
  const first = await launch();
  await first.page();
  first.window.setBounds({ x: 300, y: 200, width: 1000, height: 700 });
  first.window.maximize();
  await first.quit();
  const stateFile = path.join(first.folder, 'home', 'desktop', 'window.json');
  expect(JSON.parse(await readFile(stateFile, 'utf8'))).toEqual({ x: 300, y: 200, width: 1000, height: 700, maximized: true });

  const second = await launch({ folder: first.folder });
  expect(second.window.getNormalBounds()).toEqual({ x: 300, y: 200, width: 1000, height: 700 });
  expect(second.window.isMaximized()).toBe(true);
  await second.quit();

  await writeFile(stateFile, JSON.stringify({ x: 5000, y: 200, width: 1000, height: 700, maximized: false }));
  const third = await launch({ folder: first.folder });
  expect(third.window.options.x).toBeUndefined();
  expect(third.window.options.width).toBe(1280);
});

test.each(['', '{', '[]', '{"x":1e999,"y":0,"width":-5,"height":null,"maximized":1}'])(
  'a state file of %j is passed over',
  async (text) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'cairn-window-'));
    await writeFile(path.join(folder, 'window.json'), text);
    const { readPlacement } = await import('../../electron/window-state.ts');
    expect(readPlacement(path.join(folder, 'window.json'))).toEqual({ bounds: { width: 1280, height: 820 }, maximized: false });
    await rm(folder, { recursive: true });
  },
);

test('what is built into dist/ opens its window over its own preload and service', async () => {
  const desktop = await launch({ built: true });
  await desktop.connectedPage();
  expect(desktop.window.options.webPreferences?.preload).toBe(path.resolve('dist/preload.cjs'));
});
