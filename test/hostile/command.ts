/** The command line on hostile input, and what must hold of how it ends. */
import { expect } from 'vitest';
import { runCli, type Ran, type RunOptions } from '../cli/run-cli.ts';
import type { Bench } from '../jobs/context.ts';

/** Runs `cairn` from its sources against the store of a bench. */
export const cairn = (bench: Bench, args: string[], options: Partial<RunOptions> = {}): Promise<Ran> =>
  runCli(['--store', bench.storePath, ...args], { home: bench.path('home'), ...options });

const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** No character that a terminal would obey. */
export function expectPlain(text: string): void {
  expect(text).not.toMatch(controls);
}

/** It failed, and said so in one line for people: no stack, no code of the machine's, nothing a terminal obeys. */
export function expectOneLine(ran: Ran, about: RegExp): void {
  expect(ran.stderr).toMatch(/^cairn: [^\n]+\n$/);
  expect(ran.stderr).toMatch(about);
  expect(ran.stderr).not.toMatch(/unexpected|please report|\bat \S+:\d+/);
  expectPlain(ran.stderr);
  expectPlain(ran.stdout);
  expect({ exitCode: ran.exitCode, signal: ran.signal }).toEqual({ exitCode: 1, signal: null });
}

/** Structure and data of the store are beyond doubt. */
export async function expectSound(bench: Bench): Promise<void> {
  expect((await bench.verify({ mode: 'structure' })).findings).toEqual([]);
  expect((await bench.verify({ mode: 'data' })).findings).toEqual([]);
}

/** The rest of the process runs without the rights of root, where it has them. */
export const unprivileged = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    "import { isMainThread } from 'node:worker_threads'; if (isMainThread && process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }",
  )}`,
];
