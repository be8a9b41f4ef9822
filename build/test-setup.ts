/** What the tests need before the first of them runs: the native core, and bundles that are newer than their sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const run = (script: string): Buffer => execFileSync(process.execPath, [path.join(import.meta.dirname, script)], { stdio: 'inherit' });

function newestBelow(folder: string): number {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return Math.max(0, ...names.filter((name) => /\.(ts|svelte|css|html|mjs|svg)$/.test(name)).map((name) => statSync(path.join(root, folder, name)).mtimeMs));
}

/** True where the bundles would differ from what is in dist/. */
function isStale(): boolean {
  const built = path.join(root, 'dist/renderer/index.html');
  return !existsSync(built) || statSync(built).mtimeMs < Math.max(...['core', 'electron', 'renderer', 'build'].map(newestBelow));
}

export default function setup(): void {
  run('native.mjs');
  if (isStale()) run('build.mjs');
}
