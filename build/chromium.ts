/** Finds a Chromium for the end-to-end tests, and installs Debian's where there is none and that is possible. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { installPackages } from './debian.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const usual = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'];

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function find(): string | undefined {
  if (process.env['CAIRN_CHROMIUM']) return process.env['CAIRN_CHROMIUM'];
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return [...folders.flatMap((folder) => names.map((name) => path.join(folder, name))), ...usual].find(isExecutable);
}

/**
 * @returns path of an executable Chromium
 * @throws Error in one line saying what to install
 */
export function chromiumPath(): string {
  const found = find() ?? (installPackages(['chromium']), find());
  if (found !== undefined) return found;
  throw new Error('The end-to-end tests need Chromium: install it (on Debian: apt-get install chromium) or set CAIRN_CHROMIUM to its path');
}
