/**
 * Builds the interface into dist/renderer: hashed assets, relative addresses (it is served from any origin and from
 * the desktop's own protocol), and neither inline script nor inline style, so that a strict content policy holds.
 */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('../renderer/', import.meta.url));

export default defineConfig({
  root,
  base: './',
  publicDir: false,
  plugins: [
    svelte({
      configFile: false,
      compilerOptions: { runes: true },
      dynamicCompileOptions: ({ filename }) => (filename.includes('node_modules') ? { runes: undefined } : undefined),
    }),
  ],
  build: {
    outDir: fileURLToPath(new URL('../dist/renderer/', import.meta.url)),
    emptyOutDir: true,
    target: ['chrome130', 'firefox130', 'safari18'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rollupOptions: { checks: { pluginTimings: false } },
    chunkSizeWarningLimit: 1200,
  },
});
