/** Draws build/resources/icon.png from the interface's mark, with Chromium: node build/icon.ts */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { chromiumPath } from './chromium.ts';

const root = path.resolve(import.meta.dirname, '..');
const size = 1024;
/** Systems draw icons with some air around them. */
const inset = 96;

const mark = readFileSync(path.join(root, 'renderer/ui/mark.svg'), 'utf8');
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:${inset}px}svg{display:block;width:${size - 2 * inset}px}</style>${mark}`);
  await page.screenshot({ path: path.join(root, 'build/resources/icon.png'), omitBackground: true });
} finally {
  await browser.close();
}
