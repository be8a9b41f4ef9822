/** A page that is hostile, in the application's own window: what it tries, and what becomes of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch, type Launched } from './harness/launch.ts';

let desktop: Launched;
let page: Page;

beforeAll(async () => {
  desktop = await launch();
  page = await desktop.connectedPage();
});
afterAll(async () => {
  await endAll();
  await closeBrowser();
});
beforeEach(() => {
  desktop.harness.refused.length = 0;
});

const ownAddress = 'cairn-app://app/index.html';

test('it opens no window', async () => {
  await page.evaluate(() => void window.open('https://foreign.test/', '_blank'));
  await expect.poll(() => desktop.window.webContents.windowsAskedFor).toContain('https://foreign.test/');
  await expect.poll(() => page.context().pages()).toHaveLength(1);
  expect(desktop.harness.BrowserWindow.getAllWindows()).toHaveLength(1);
});

test.each(['https://foreign.test/', 'http://127.0.0.1:1/', 'cairn-app-other://app/index.html'])('it does not go to %s', async (address) => {
  await page.evaluate((to) => void (location.href = to), address);
  if (address.startsWith('http')) await expect.poll(() => desktop.harness.refused).toContain(address);
  await page.waitForTimeout(100);
  expect(desktop.window.webContents.getURL()).toBe(ownAddress);
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Library');
});

test('a form goes nowhere, and a foreign document is not taken in', async () => {
  await page.evaluate(() => {
    const form = document.body.appendChild(document.createElement('form'));
    form.action = 'https://foreign.test/form';
    form.submit();
    const inner = document.body.appendChild(document.createElement('iframe'));
    inner.src = 'https://foreign.test/inner';
  });
  await page.waitForTimeout(200);
  expect(desktop.window.webContents.getURL()).toBe(ownAddress);
  expect(await page.evaluate(() => document.querySelector('iframe')?.contentDocument)).toBeNull();
  await page.evaluate(() => document.querySelectorAll('form, iframe').forEach((element) => element.remove()));
});

test('a webview is not attached', () => {
  const event = { defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
  desktop.window.webContents.emit('will-attach-webview', event, {}, {});
  expect(event.defaultPrevented).toBe(true);
});

test('every permission is denied but that to copy', async () => {
  const states = await page.evaluate(async () => {
    const names = ['notifications', 'geolocation', 'microphone', 'clipboard-read', 'clipboard-write'] as PermissionName[];
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, (await navigator.permissions.query({ name })).state] as const)),
    );
  });
  expect(states).toEqual({
    notifications: 'denied',
    geolocation: 'denied',
    microphone: 'denied',
    'clipboard-read': 'denied',
    'clipboard-write': 'granted',
  });
  expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
  const { grants } = desktop.harness;
  expect(['media', 'usb', 'openExternal', 'fullscreen', 'unknown'].filter((name) => grants.verdict(name, ownAddress))).toEqual([]);
  expect(grants.verdict('clipboard-sanitized-write', 'https://foreign.test/')).toBe(false);
  expect(grants.device()).toBe(false);
});

test('the content policy stops inline code, code from text, inline style and connections', async () => {
  const broken = await page.evaluate(async () => {
    const directives: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) => directives.push(event.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'window.hacked = true';
    document.body.append(script);
    const style = document.createElement('style');
    style.textContent = 'body { display: none }';
    document.body.append(style);
    const remote = document.createElement('script');
    remote.src = 'https://foreign.test/code.js';
    document.body.append(remote);
    const image = document.createElement('img');
    image.src = 'https://foreign.test/pixel.png';
    document.body.append(image);
    const fetched = await fetch('https://foreign.test/').then(
      () => 'fetched',
      () => 'refused',
    );
    // From a timer: what a debugger evaluates is exempt.
    const evaluated = await new Promise((resolve) => {
      setTimeout(() => {
        try {
          resolve((0, eval)('"ran"'));
        } catch {
          resolve('refused');
        }
      });
    });
    // Without one of these this waits until the test is given up.
    const wanted = ['script-src-elem', 'style-src-elem', 'img-src', 'connect-src'];
    while (!wanted.every((directive) => directives.includes(directive))) await new Promise((resolve) => setTimeout(resolve, 10));
    [script, style, remote, image].forEach((element) => element.remove());
    return { hacked: 'hacked' in window, fetched, evaluated };
  });
  expect(broken.hacked).toBe(false);
  expect(broken.fetched).toBe('refused');
  expect(broken.evaluated).toBe('refused');
  expect(desktop.harness.refused).toEqual([]);
});

test('a foreign page in the window is answered nothing and gets no port', async () => {
  const foreign = 'https://foreign.test/page';
  desktop.harness.addForeignPage(
    foreign,
    '<script>ports = 0; addEventListener("message", (e) => (ports += e.ports.length))</script><h1>Foreign</h1>',
  );
  await desktop.window.webContents.loadURL(foreign);
  const answer = await page.evaluate(() => window.cairnShell?.pickFolder().catch((thrown: Error) => thrown.message));
  expect(answer).toContain("answered to Cairn's own pages only");
  expect(desktop.harness.dialogs.shown).toEqual([]);
  await page.waitForTimeout(200);
  expect(await page.evaluate('ports')).toBe(0);
  await desktop.window.webContents.loadURL(ownAddress);
  await desktop.connectedPage();
});
