/** Processes of the real command line that are killed at moments spread over all of their work. */
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { randomSource } from '../native/contents.ts';
import { startCli } from '../cli/run-cli.ts';

/** `count` moments over 0 ... `spanMs`, one at random in each of as many equal parts, from a seed. */
export function momentsOver(spanMs: number, count: number, seed: number): number[] {
  const random = randomSource(seed);
  return Array.from({ length: count }, (_, index) => ((index + random() / 2 ** 32) * spanMs) / count);
}

/** What a command does to what it works on; `begun` looks for the first sign of that. */
export interface Killable {
  args: string[];
  home: string;
  begun(): boolean;
}

const polledMs = 2;

/** Starts a command and waits until it has begun its work, or is over. @returns the process, and when it began */
async function untilBegun({ args, home, begun }: Killable): Promise<{ running: ReturnType<typeof startCli>; atMs: number }> {
  const running = startCli(args, { home });
  while (!begun() && running.child.exitCode === null && running.child.signalCode === null)
    await new Promise((resolve) => setTimeout(resolve, polledMs));
  return { running, atMs: performance.now() };
}

/** @returns how long the command works from its first sign on, and how it ended. */
export async function measured(killable: Killable): Promise<{ workMs: number; exitCode: number | null }> {
  const { running, atMs } = await untilBegun(killable);
  const { exitCode } = await running.ended;
  return { workMs: performance.now() - atMs, exitCode };
}

/** Kills the command that long after it began. @returns true where it was still running. */
export async function killed(killable: Killable, afterMs: number): Promise<boolean> {
  const { running, atMs } = await untilBegun(killable);
  await new Promise((resolve) => setTimeout(resolve, atMs + afterMs - performance.now()));
  running.child.kill('SIGKILL');
  return (await running.ended).signal === 'SIGKILL';
}

/** Names below a folder; none where it is missing. */
export const namesBelow = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];

export const isLocked = (store: string): boolean => existsSync(path.join(store, 'lock'));

/** As if a minute had passed: a lock that was cut off while it was written is replaced then. */
export function ageLock(store: string): void {
  const past = Date.now() / 1000 - 120;
  if (isLocked(store)) utimesSync(path.join(store, 'lock'), past, past);
}
