#!/usr/bin/env node
/**
 * The command line's entry. It looks at the version of Node before anything is imported that an older one lacks, so it
 * may itself use nothing newer than Node 18. Where an older Node started it and the checkout has brought a newer one along
 * (an optional dependency), that one takes over.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
/** Set for the process that takes over, so that it doesn't look for another. */
const mark = 'CAIRN_NODE_TAKEN_OVER';

function broughtAlong(): string | undefined {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const places = [`../node_modules/.bin/${name}`, `../../.bin/${name}`, `../../node_modules/.bin/${name}`];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((place) => existsSync(place));
}

function handOver(node: string): void {
  const options = { stdio: 'inherit' as const, env: { ...process.env, [mark]: '1' } };
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], options);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', refuse);
  child.on('exit', (code, signal) => (process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function refuse(): void {
  process.stderr.write(`cairn: Node ${process.versions.node} is too old; install Node ${neededMajor} or newer and run it again\n`);
  process.exitCode = 1;
}

/** Whatever was not foreseen ends in one line; CAIRN_TRACE=1 tells where it came from. */
async function run(): Promise<void> {
  try {
    const { main } = await import('./cli/main.ts');
    process.exitCode = await main(process.argv.slice(2));
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    // Loading may fail with one of our own errors (the native core is missing), which says what to do.
    const line = error.name === 'CairnError' ? error.message : `unexpected: ${error.message}; please report it`;
    process.stderr.write(`cairn: ${process.env['CAIRN_TRACE'] ? error.stack : line}\n`);
    process.exitCode = 1;
  }
}

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  await run();
} else {
  const node = process.env[mark] ? undefined : broughtAlong();
  if (node) handOver(node);
  else refuse();
}
