/** What every test needs before the first of them runs: the native core. (`npm test` also makes the bundles anew.) */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export default function setup(): void {
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'native.mjs')], { stdio: 'inherit' });
}
