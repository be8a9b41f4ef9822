/** Bundles everything into dist/: command line, worker, service process, desktop shell, and the renderer. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';
import { buildNative } from './native.mjs';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

/** Packages stay outside the bundles: node_modules serves them, in a checkout as in a packaged application. */
const isPackage = (id) => !id.startsWith('.') && !path.isAbsolute(id) && !id.startsWith('\0');

/** Everything lies flat in dist/, because the worker and the addon are found beside the file that loads them. */
function bundle(input, format, name) {
  return build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      ssr: true,
      target: 'node24',
      outDir: dist,
      emptyOutDir: false,
      minify: false,
      sourcemap: false,
      rollupOptions: {
        checks: { pluginTimings: false },
        input,
        external: isPackage,
        output: { format, entryFileNames: name, chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
}

async function buildNode() {
  const entries = {
    cli: 'core/host/cli.ts',
    task: 'core/codec/task.ts',
    'service-process': 'core/host/utility.ts',
    main: 'electron/main.ts',
  };
  const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))));
  await bundle(present, 'es', '[name].js');
  if (existsSync(path.join(root, 'electron/preload.ts'))) await bundle({ preload: 'electron/preload.ts' }, 'cjs', '[name].cjs');
}

/** Bundles carry their hash in their name, so those of an earlier build would stay for ever. */
function removeStale(begunMs) {
  for (const name of readdirSync(dist)) {
    const file = path.join(dist, name);
    if (/\.c?js$/.test(name) && statSync(file).mtimeMs < begunMs) rmSync(file);
  }
}

const begunMs = Date.now() - 1000;
mkdirSync(dist, { recursive: true });
await buildNode();
removeStale(begunMs);
// Not copied in place: a process that has the old one mapped would crash.
buildNative({ copyTo: path.join(dist, 'cairn.node') });
await build({ configFile: path.join(root, 'build/vite.renderer.config.ts'), logLevel: 'warn' });
chmodSync(path.join(dist, 'cli.js'), 0o755);
