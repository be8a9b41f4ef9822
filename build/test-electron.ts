/**
 * Runs the end-to-end suite (test/e2e) in the desktop application itself, in Electron's own runtime. Without one it says so and fails: nothing is
 * passed over unseen.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { electronRuntime } from './runtime.ts';

const root = path.resolve(import.meta.dirname, '..');

function main(): number {
  if (electronRuntime() === undefined) {
    process.stderr.write(
      "Electron's runtime is not installed, so test/e2e is not run in it: npx electron fetches it, or ELECTRON_OVERRIDE_DIST_PATH names the folder of one\n",
    );
    return 1;
  }
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', 'build/vitest.config.ts', 'test/e2e'];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, CAIRN_E2E: 'electron' } }).status ?? 1;
}

process.exitCode = main();
