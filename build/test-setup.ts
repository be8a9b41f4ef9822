/** What the tests need before the first of them runs: the native core, the bundles, a browser. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default function setup(): void {
  execFileSync(process.execPath, [here('native.mjs')], { stdio: 'inherit' });
}
