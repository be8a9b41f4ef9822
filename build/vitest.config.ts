import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { patienceMs } from '../test/patience.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  test: {
    include: ['test/**/*.spec.ts'],
    // Electron's runtime is not needed: the shell is tested over a stand-in that drives a real Chromium.
    alias: { electron: fileURLToPath(new URL('../test/electron/harness/electron.ts', import.meta.url)) },
    environment: 'node',
    pool: 'forks',
    expect: { poll: { timeout: patienceMs } },
    testTimeout: 3 * patienceMs,
    hookTimeout: 3 * patienceMs,
    reporters: ['default', fileURLToPath(new URL('closing-line.ts', import.meta.url))],
    globalSetup: [fileURLToPath(new URL('test-setup.ts', import.meta.url))],
  },
});
