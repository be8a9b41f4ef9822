/**
 * A checkpoint folder whose every name and text is markup, a script, an escape sequence or a link, opened in every view: nothing of it is
 * executed, nothing becomes an element or a link, and no request leaves the machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesOf, safetensors, weights } from '../jobs/files.ts';
import { goTo, settled } from './doing.ts';
import { Served } from './served.ts';

const image = '<img src=x onerror=window.hacked=1>';
const names = [
  image,
  '<script>window.hacked=2</script>',
  '"><svg onload=window.hacked=3>',
  "javascript:window.hacked='4'",
  '<a href="https://example.invalid/">click</a>',
  '\u001b]8;;https://example.invalid\u0007link\u001b]8;;\u0007\u001b[2J',
  '\u202egnp.exe',
  '{{constructor.constructor("window.hacked=5")()}}',
  '../../../etc/passwd',
  `${'long-'.repeat(200)}end`,
];

let served: Served;
let page: Page;
const requests: string[] = [];
const dialogs: string[] = [];
let source: string;

function writeHostileRun(): void {
  source = served.path(`source ${image}`);
  for (const step of [1, 2]) {
    const checkpoint = path.join(source, `run ${image}`, `checkpoint-${step}`);
    mkdirSync(path.join(checkpoint, `folder ${image}`), { recursive: true });
    const tensors = names.map((name, index) => ({ name, dtype: 'F32', shape: [600], bytes: bytesOf(weights(600, step * 100 + index)) }));
    writeFileSync(path.join(checkpoint, 'model.safetensors'), safetensors(tensors));
    writeFileSync(path.join(checkpoint, `notes ${image}.txt`), image);
    writeFileSync(path.join(checkpoint, `folder ${image}`, 'javascript:alert(1)'), image);
    const state = { global_step: step, log_history: [{ step, loss: 1 / step, note: image }], best_model_checkpoint: image };
    writeFileSync(path.join(checkpoint, 'trainer_state.json'), JSON.stringify(state));
  }
}

beforeAll(async () => {
  served = await Served.start();
  writeHostileRun();
  page = await served.open();
  page.on('request', (request) => requests.push(request.url()));
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
});
afterAll(() => served.stop());

/** What must hold of whatever is shown now. */
async function expectHarmless(): Promise<void> {
  await settled(page);
  const seen = await page.evaluate(() => ({
    hacked: (window as { hacked?: unknown }).hacked,
    images: [...document.querySelectorAll('img')].map((image) => image.src),
    scripts: [...document.querySelectorAll('script')].map((script) => script.src).filter((src) => !src.startsWith(location.origin)),
    links: [...document.querySelectorAll('a')].map((link) => link.href).filter((href) => !href.startsWith(location.origin)),
    handlers: document.querySelectorAll('[onerror],[onload],[onclick]').length,
  }));
  expect(seen).toEqual({ hacked: undefined, images: [], scripts: [], links: [], handlers: 0 });
  expect(dialogs).toEqual([]);
  const origin = new URL(page.url()).origin;
  expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:'))).toEqual([]);
}

const main = () => page.getByRole('main');

it('is added, archived and looked at in every view, and stays text', async () => {
  await main().getByRole('button', { name: 'Add folder' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Path' }).fill(source);
  await dialog.getByRole('button', { name: 'Go', exact: true }).click();
  await expectHarmless();
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
  await main()
    .getByRole('link', { name: `run ${image}` })
    .click();
  await main().getByRole('button', { name: 'Archive 2 steps' }).click();
  await main()
    .getByRole('option', { name: /Step 2.*[Ss]ealed/ })
    .waitFor();
  await expectHarmless();
  await main().getByRole('listbox', { name: /Chain/ }).focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await main().getByText(names[1]!).first().waitFor();
  await expectHarmless();
  for (const view of ['Library', 'Insights', 'Jobs', 'Schedules', 'Store', 'Settings']) {
    await goTo(page, view);
    await expectHarmless();
  }
  await goTo(page, 'Jobs');
  await main()
    .getByText(/Archive/)
    .first()
    .click();
  await expectHarmless();
  await goTo(page, 'Store');
  await main().getByRole('button', { name: 'Verify data' }).click();
  await main().getByText('No findings').waitFor();
  await expectHarmless();
});
