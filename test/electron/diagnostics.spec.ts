/** Diagnostics are pasted in public: they say what is worth knowing, and neither who the user is nor what opens doors. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { withoutSecrets } from '../../electron/diagnostics.ts';
import { LogFile } from '../../electron/log-file.ts';
import { closeBrowser } from './harness/chromium-context.ts';
import { endAll, launch } from './harness/launch.ts';

afterEach(endAll);
afterAll(closeBrowser);

test('a home folder, a name and tokens are taken out, and words that hold the name are left', () => {
  const hide = (text: string): string => withoutSecrets(text, '/home/ada', 'ada');
  expect(hide('/home/ada/runs: denied')).toBe('~/runs: denied');
  expect(hide('owned by ada (ada@host), see adamw and ada-3')).toBe('owned by <user> (<user>@host), see adamw and ada-3');
  expect(hide('http://127.0.0.1:4725/?token=abcDEF123456-_x')).toBe('http://127.0.0.1:4725/?token=…');
  expect(hide('{"secret":"0123456789abcdef"} Authorization: Bearer abcdefghijkl')).not.toMatch(/0123456789|abcdefghijkl/);
  expect(hide('/home/adam/runs and /home/ada-3')).toBe('/home/adam/runs and /home/ada-3');
  expect(withoutSecrets('a cat on /', '/', 'a')).toBe('a cat on /');
});

test('a home of Windows is taken out of records and addresses too', () => {
  const home = 'C:\\Users\\Ada L';
  const text = `${home}\\runs ${JSON.stringify({ store: `${home}\\store` })} file:///C:/Users/Ada%20L/x`;
  expect(withoutSecrets(text, home, 'someone')).not.toMatch(/Ada/);
});

/** Lines as trainers, clouds and servers write them; every one holds this. */
const secret = 's3cr3tS3CR3T0123456789';
const lines = [
  `HF_TOKEN=hf_${secret}`,
  `AWS_SECRET_ACCESS_KEY='${secret}'`,
  `WANDB_API_KEY: ${secret}`,
  `{"password":"two words ${secret}","next":1}`,
  `authorization: Basic ${secret}==`,
  `Authorization: Bearer ${secret}`,
  `https://ada:${secret}@example.org/bucket`,
  `https://example.org/bucket?X-Amz-Credential=${secret}&x=1`,
  `http://127.0.0.1:4725/?token=${secret}`,
  `pushed with ghp_${secret}`,
  `signed by eyJhbGciOi.${secret}.${secret}`,
];

test.each(lines)('%s: what opens doors is taken out, wherever it stands', (line) => {
  expect(withoutSecrets(line)).not.toContain(secret);
  expect(withoutSecrets(line)).toContain('…');
});

test.each(['keyframe: 8', 'tokens: 5000', 'tokenizer.json: 7', 'monkeys are 3'])('%s is no secret', (line) => {
  expect(withoutSecrets(line, '/home/ada', 'ada')).toBe(line);
});

test('nothing secret is in what is copied: not of the environment, of lines of the log, nor where the home is', async () => {
  const desktop = await launch();
  await desktop.untilServiceReady();
  const { clipboard, Menu } = desktop.harness;
  process.env['HF_TOKEN'] = secret;
  try {
    for (const message of [...lines, `${path.join(homedir(), 'runs')}: denied`])
      desktop.service.emit('message', { state: 'problem', message });
    Menu.application!.click('Copy Diagnostics');
    await expect.poll(() => clipboard.text).toContain('~/runs: denied');
    expect(clipboard.text).not.toContain(secret);
    expect(clipboard.text).not.toContain(`${homedir()}/`);
    expect(clipboard.text.match(/…/g)!.length).toBeGreaterThanOrEqual(lines.length);
  } finally {
    delete process.env['HF_TOKEN'];
  }
});

test('from the menu and from the page they tell versions, store, jobs and the last lines of the log', async () => {
  const desktop = await launch();
  const page = await desktop.connectedPage();
  await desktop.untilServiceReady();
  const { clipboard, Menu } = desktop.harness;
  Menu.application!.click('Copy Diagnostics');
  await expect.poll(() => clipboard.text).toMatch(/^Cairn \d+\.\d+\.\d+, Electron .*\n.*\d cores.*\nservice \{.*\nstore .*snapshots/);
  clipboard.text = '';
  await page.keyboard.press('Control+k');
  await page.keyboard.type('Copy diagnostics');
  await page.keyboard.press('Enter');
  await page.getByText('Diagnostics are on the clipboard').waitFor();
  expect(clipboard.text).toMatch(/\nlog .*cairn\.log:\n/);
});

test('the log is one file that does not grow for ever, and holds no line break that was not its own', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cairn-log-'));
  try {
    const log = new LogFile(path.join(folder, 'logs'));
    log.add('one\ntwo');
    expect(readFileSync(log.path, 'utf8')).toMatch(/^\S+Z one two\n$/);
    writeFileSync(log.path, 'x'.repeat(2 ** 20 + 1));
    log.add('three');
    expect([statSync(log.path).size < 100, statSync(`${log.path}.1`).size]).toEqual([true, 2 ** 20 + 1]);
    expect(log.last.map((line) => line.slice(25))).toEqual(['one two', 'three']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
