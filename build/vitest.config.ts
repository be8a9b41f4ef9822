import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  test: {
    include: ['test/**/*.spec.ts'],
    // Electron's runtime is not needed: the shell is tested over a stand-in that drives a real Chromium.
    alias: { electron: fileURLToPath(new URL('../test/electron/harness/electron.ts', import.meta.url)) },
    environment: 'node',
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', fileURLToPath(new URL('closing-line.ts', import.meta.url))],
    globalSetup: [fileURLToPath(new URL('test-setup.ts', import.meta.url))],
  },
});
