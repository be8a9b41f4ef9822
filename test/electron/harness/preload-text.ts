/** The preload as text: built from its source the way the build does, or read where it is built already. */
import { readFile } from 'node:fs/promises';
import { build } from 'vite';

const kept = globalThis as { electronHarnessPreloads?: Map<string, Promise<string>> };

async function bundle(file: string): Promise<string> {
  const rollupOptions = { input: file, external: ['electron'], output: { format: 'cjs' as const } };
  const options = { ssr: true, target: 'node24', write: false, minify: false, rollupOptions };
  const made = await build({ configFile: false, logLevel: 'error', build: options });
  const output = (Array.isArray(made) ? made[0]! : made) as { output: { code?: string }[] };
  return output.output[0]!.code!;
}

export function preloadText(file: string): Promise<string> {
  const preloads = (kept.electronHarnessPreloads ??= new Map());
  if (!preloads.has(file)) preloads.set(file, file.endsWith('.ts') ? bundle(file) : readFile(file, 'utf8'));
  return preloads.get(file)!;
}
