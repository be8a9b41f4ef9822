import { afterAll, afterEach, expect, test } from 'vitest';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

test('the window opens and shows the library of the running service', async () => {
  const desktop = await launch();
  const page = await desktop.page();
  await page.getByRole('button', { name: 'Add folder' }).first().waitFor();
  expect(desktop.window.webContents.getURL()).toMatch(/^cairn-app:\/\/app\/index.html/);
  await page.screenshot({ path: '/tmp/shell.png' });
});
