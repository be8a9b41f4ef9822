/** Start, second start, crash of the service, closing and quitting: in which order, and what is left. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { copyChain } from './chain.ts';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch, type Launched } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

/** Starts archiving the chain and freezes the service as soon as the shell has heard of the job. */
async function freezeInJob(desktop: Launched): Promise<() => void> {
  const page = await desktop.page();
  await page.getByText('0 of 4 archived').waitFor();
  const { tray, service } = desktop;
  const frozen = new Promise<void>((resolve) => {
    const setToolTip = tray.setToolTip.bind(tray);
    tray.setToolTip = (text) => {
      setToolTip(text);
      if (!text.startsWith('Cairn: Archive')) return;
      process.kill(service.pid!, 'SIGSTOP');
      tray.setToolTip = setToolTip;
      resolve();
    };
  });
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await frozen;
  return () => void process.kill(service.pid!, 'SIGCONT');
}

async function launchWithChain(): Promise<Launched> {
  const desktop = await launch();
  await desktop.untilServiceReady();
  const chain = await copyChain(desktop.folder);
  desktop.harness.dialogs.answers.push({ canceled: false, filePaths: [chain] });
  desktop.harness.Menu.application!.click('Add Folder…');
  return desktop;
}

test('quitting ends window, service and process in this order', async () => {
  const desktop = await launch();
  await desktop.page();
  await desktop.untilServiceReady();
  const order: string[] = [];
  desktop.window.on('closed', () => order.push('window'));
  desktop.service.on('message', (message: { state: string }) => order.push(message.state));
  desktop.service.on('exit', () => order.push('exit'));
  desktop.app.on('quit', () => order.push('quit'));
  await desktop.quit();
  expect(order).toEqual(['window', 'closed', 'exit', 'quit']);
  expect(desktop.tray.isDestroyed).toBe(true);
  expect(desktop.app.history.filter((name) => name.endsWith('quit'))).toEqual([
    'before-quit',
    'will-quit',
    'before-quit',
    'will-quit',
    'quit',
  ]);
});

test('closing the window ends the application where nothing runs', async () => {
  const desktop = await launch();
  await desktop.untilServiceReady();
  desktop.window.close();
  expect(await desktop.app.ended).toBe(0);
});

test('with a job running it stays in the tray, and ends when the job has', async () => {
  const desktop = await launchWithChain();
  const thaw = await freezeInJob(desktop);
  desktop.window.close();
  await expect.poll(() => desktop.harness.BrowserWindow.getAllWindows()).toHaveLength(0);
  expect(desktop.app.history).toContain('window-all-closed');
  expect(desktop.app.history).not.toContain('before-quit');
  thaw();
  expect(await desktop.app.ended).toBe(0);
  expect(await readdir(path.join(desktop.folder, 'store', 'snapshots'))).toHaveLength(4);
});

test('with a schedule that is on it stays in the tray and says so, and can be paused there', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  await desktop.untilServiceReady();
  const chain = await copyChain(desktop.folder);
  await page.getByRole('navigation').getByRole('link', { name: 'Schedules' }).click();
  await page.getByRole('button', { name: 'Add schedule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('nightly');
  await dialog.getByRole('textbox', { name: 'Folders' }).fill(chain);
  await dialog.getByLabel('When').selectOption('cron');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const lastTip = () => desktop.tray.toolTips.at(-1);
  await expect.poll(lastTip).toContain('Next: nightly');

  desktop.window.close();
  await expect.poll(() => desktop.harness.Notification.shown.map(({ title }) => title)).toEqual(['Cairn stays in the tray']);
  expect(desktop.app.history).not.toContain('before-quit');
  desktop.tray.menu!.click('For 1 Hour');
  await expect.poll(lastTip).toMatch(/Paused until/);
  desktop.tray.menu!.click('Resume Archiving');
  await expect.poll(lastTip).toContain('Next: nightly');
  await desktop.quit();
});

test('quitting over a running job asks first', async () => {
  const desktop = await launchWithChain();
  const { dialogs } = desktop.harness;
  const thaw = await freezeInJob(desktop);
  dialogs.answers.push({ response: 0 });
  desktop.tray.menu!.click('Quit Cairn');
  await expect.poll(() => dialogs.shown.at(-1)?.options['message']).toBe('A job is running');
  expect(desktop.app.history).not.toContain('before-quit');

  dialogs.answers.push({ response: 1 });
  desktop.harness.Menu.application!.click('Quit Cairn');
  await expect.poll(() => desktop.app.history).toContain('will-quit');
  thaw();
  expect(await desktop.app.ended).toBe(0);
  expect(desktop.service.heard).toContainEqual({ state: 'closed' });
});

test('the tray hides the window and shows it again', async () => {
  const desktop = await launch();
  await desktop.page();
  await expect.poll(() => desktop.window.isVisible()).toBe(true);
  desktop.tray.menu!.click('Hide Cairn');
  expect(desktop.window.isVisible()).toBe(false);
  desktop.tray.menu!.click('Show Cairn');
  expect(desktop.window.isVisible()).toBe(true);
  desktop.tray.emit('click');
  expect(desktop.window.isVisible()).toBe(false);
});

test.runIf(process.platform === 'linux')('opening at login is a choice of the menu, kept where desktops look for it', async () => {
  const desktop = await launch();
  await desktop.page();
  const file = path.join(desktop.app.getPath('appData'), 'autostart', 'cairn.desktop');
  desktop.harness.Menu.application!.click('Open at Login');
  expect(await readFile(file, 'utf8')).toMatch(/^\[Desktop Entry\]\nType=Application\nName=Cairn\nExec=".+" --hidden\n/);
  desktop.harness.Menu.application!.click('Open at Login');
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

test('started at login it has no window until it is asked for one, and does not end', async () => {
  const desktop = await launch({ words: ['--hidden'] });
  await desktop.untilServiceReady();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(desktop.harness.BrowserWindow.getAllWindows()).toEqual([]);
  expect(desktop.app.history).not.toContain('before-quit');
  desktop.tray.menu!.click('Show Cairn');
  await desktop.connectedPage();
});

test('a second start hands its folders over, shows the window that is there, and ends', async () => {
  const first = await launch();
  const page = await first.page();
  await first.untilServiceReady();
  first.window.hide();
  const chain = await copyChain(first.folder);
  const second = await launch({ folder: first.folder, words: [chain, path.join(first.folder, 'not-there')] });
  expect(await second.app.ended).toBe(0);
  expect(second.harness.BrowserWindow.getAllWindows()).toEqual([]);
  expect(second.harness.UtilityProcess.all).toEqual([]);
  await expect.poll(() => first.window.isVisible()).toBe(true);
  await page.getByText('0 of 4 archived').waitFor();
});

test('a link leads the window that is there to its place, without loading it anew', async () => {
  const first = await launch();
  const page = await first.connectedPage();
  await page.evaluate(() => void ((globalThis as { isSame?: boolean }).isSame = true));
  const second = await launch({ folder: first.folder, words: ['cairn://jobs'] });
  expect(await second.app.ended).toBe(0);
  await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();
  expect(await page.evaluate(() => (globalThis as { isSame?: boolean }).isSame)).toBe(true);
  first.app.emit('open-url', { preventDefault: () => undefined }, 'cairn://settings');
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
});

test('a link that starts the application is where it begins', async () => {
  const desktop = await launch({ words: ['cairn://store'] });
  await (await desktop.page()).getByRole('heading', { level: 1, name: 'Store' }).waitFor();
});

async function makeStore(store: string): Promise<string> {
  await mkdir(store, { recursive: true });
  for (const name of ['cairn.json', 'open.cairn'])
    await writeFile(path.join(store, name), JSON.stringify({ format: 1, id: 'ab'.repeat(16), created: new Date().toISOString() }));
  return store;
}

test('the file of a store opens it in place of the present one, after asking', async () => {
  const first = await launch();
  const page = await first.connectedPage();
  await first.untilServiceReady();
  const store = await makeStore(path.join(first.folder, 'other'));
  first.harness.dialogs.answers.push({ response: 1 });
  await launch({ folder: first.folder, words: [path.join(store, 'open.cairn')], keepStore: false });
  await expect.poll(() => first.harness.dialogs.shown.at(-1)?.options['message']).toBe('Open this store?');
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByText(store, { exact: true }).waitFor();
});

test.each([
  { answer: 0, opens: 'home/store' },
  { answer: 1, opens: 'other' },
])('the file of a store that starts the application is asked about too: $answer opens $opens', async ({ answer, opens }) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cairn-desktop-'));
  const store = await makeStore(path.join(folder, 'other'));
  const answered = Promise.withResolvers<{ response: number }>();
  const desktop = await launch({ folder, words: [path.join(store, 'open.cairn')], keepStore: false, answers: [answered.promise] });
  const page = await desktop.connectedPage();
  expect(desktop.harness.dialogs.shown).toMatchObject([{ options: { message: 'Open this store?' } }]);
  await page.getByRole('navigation').getByRole('link', { name: 'Settings' }).click();
  await page.getByText(path.join(folder, 'home', 'store'), { exact: true }).waitFor();
  answered.resolve({ response: answer });
  await page.getByText(path.join(folder, opens), { exact: true }).waitFor();
});

test('an application that is installed asks for its links, with switches ended before them', async () => {
  const desktop = await launch({ isPackaged: true });
  expect(desktop.app.protocolClients).toEqual([{ scheme: 'cairn', program: process.execPath, words: ['--'] }]);
  const checkout = await launch();
  expect(checkout.app.protocolClients).toEqual([]);
});

test('what a second start hands over is checked', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  for (const additional of [undefined, null, 7, { folders: 'x' }, { folders: ['relative', 5] }, { folders: [''] }]) {
    desktop.app.emit('second-instance', {}, [], '/', additional);
  }
  await page.waitForTimeout(200);
  expect(desktop.harness.dialogs.shown).toEqual([]);
  await desktop.connectedPage();
});

test('a service that crashes is started again, and the window goes on with the new one', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  const before = desktop.service;
  before.crash();
  await page.getByText('Connection to the service lost.').waitFor();
  await expect.poll(() => desktop.service !== before).toBe(true);
  await desktop.untilServiceReady();
  await page.getByText('Connection to the service lost.').waitFor({ state: 'hidden' });

  const chain = await copyChain(desktop.folder);
  desktop.harness.dialogs.answers.push({ canceled: false, filePaths: [chain] });
  await page.getByRole('button', { name: 'Add folder' }).click();
  await page.getByText('0 of 4 archived').waitFor();
});

test('a service that can not open its home is told of; trying again succeeds once the cause is gone', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cairn-desktop-'));
  const settings = path.join(folder, 'home', 'settings.json');
  await mkdir(settings, { recursive: true });
  const desktop = await launch({ folder });
  const { dialogs } = desktop.harness;
  const answer = Promise.withResolvers<{ response: number }>();
  dialogs.answers.push(answer.promise);
  await expect.poll(() => dialogs.shown.at(-1)?.options['message']).toContain('service is not running');
  await rm(settings, { recursive: true });
  answer.resolve({ response: 0 });
  await desktop.connectedPage();
  expect(dialogs.shown).toHaveLength(1);
});

test('a service that ends again and again is started three times, then the user is asked', async () => {
  const desktop = await launch();
  const { dialogs, UtilityProcess } = desktop.harness;
  dialogs.answers.push({ response: 1 });
  for (const nth of [1, 2, 3, 4]) {
    await expect.poll(() => UtilityProcess.all.length).toBe(nth);
    UtilityProcess.all[nth - 1]!.crash();
  }
  expect(await desktop.app.ended).toBe(0);
  expect(UtilityProcess.all).toHaveLength(4);
  expect(dialogs.shown).toMatchObject([
    { kind: 'message', options: { detail: expect.stringContaining('ended 4 times within a minute') as string } },
  ]);
});

test('a home that can not be made ends the start with one line', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cairn-desktop-'));
  await writeFile(path.join(folder, 'home'), 'a file where the folder should be');
  const { app, harness } = await launch({ folder });
  expect(await app.ended).toBe(1);
  expect(harness.dialogs.shown).toMatchObject([{ kind: 'error', options: { content: expect.stringContaining('home') as string } }]);
  expect(harness.BrowserWindow.getAllWindows()).toEqual([]);
});
