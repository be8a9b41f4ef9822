/** Where Electron's runtime is, which its package fetches from outside the registry. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The path of Electron's executable, or undefined where its runtime was never fetched. */
export function electronRuntime(): string | undefined {
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (override) {
    const named = path.join(override, process.platform === 'win32' ? 'electron.exe' : 'electron');
    return existsSync(named) ? named : undefined;
  }
  const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  const pointer = path.join(folder, 'path.txt');
  if (!existsSync(pointer)) return undefined;
  const runtime = path.join(folder, 'dist', readFileSync(pointer, 'utf8').trim());
  return existsSync(runtime) ? runtime : undefined;
}
