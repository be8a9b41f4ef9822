/**
 * Commands that a schedule runs before and after its job. A command is a program and its arguments, started as they are: no shell
 * reads them. The job's record is on its standard input as JSON; what it says on standard error is told where it fails. It has so long,
 * and is killed with all that it started where it needs longer.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { CairnError, toCairnError, toFailure } from '../contract/errors.ts';
import type { Hooks } from '../contract/model.ts';
import { canBeWaitedFor } from './lack.ts';
import { FailedWith, type JobContext, type JobResult } from './job.ts';

const minuteMs = 60_000;
const maxWordsBytes = 4096;
/** After its end for what it said last to arrive. */
const lastWordsMs = 500;

export interface HookRun {
  command: readonly string[];
  /** Plain JSON. */
  record: unknown;
  timeoutMs: number;
  signal: AbortSignal;
}

/** The whole group, where the system has such: a command may have started others. */
function end(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

function lastLine(words: string): string {
  const line = words.trim().split('\n').at(-1)?.trim();
  return line ? `: ${line}` : '';
}

/** @throws CairnError `not_found`, `denied` or `io` where it can't be started, fails or takes too long; the signal's reason */
export function runHook({ command, record, timeoutMs, signal }: HookRun): Promise<void> {
  const [program, ...args] = command as [string, ...string[]];
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const child = spawn(program, args, { shell: false, detached: process.platform !== 'win32', stdio: ['pipe', 'ignore', 'pipe'] });
    let words = '';
    let stopped: unknown;
    const stop = (reason: unknown): void => {
      stopped ??= reason;
      end(child);
    };
    const timer = setTimeout(() => stop(new CairnError('io', `${program}: it took longer than ${timeoutMs / 1000} s`)), timeoutMs);
    const onAbort = (): void => stop(signal.reason);
    signal.addEventListener('abort', onAbort);
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (stopped ?? error) reject((stopped ?? error) as Error);
      else resolve();
    };
    child.stderr.on('data', (bytes: Buffer) => (words = (words + bytes.toString()).slice(-maxWordsBytes)));
    child.on('error', (thrown) => settle(toCairnError(thrown, program)));
    child.on('exit', (code, killedBy) => {
      const ended = (): void =>
        settle(code === 0 ? undefined : new CairnError('io', `${program}: it ended with ${code ?? killedBy}${lastLine(words)}`));
      child.on('close', ended);
      // What it left behind may have its standard error for ever: that is read on, but nobody waits for it.
      setTimeout(ended, stopped ? 0 : lastWordsMs);
      (child.stderr as Socket).unref();
    });
    child.stdin.on('error', () => undefined); // one that doesn't read it is none the worse for that
    child.stdin.end(`${JSON.stringify(record)}\n`);
  });
}

/**
 * Does the work between the two commands. Where the first fails nothing is done; the second hears how the work ended, also where that
 * is badly. A job of which a command failed has failed.
 *
 * @throws CairnError what the work or the commands give
 */
export async function withHooks(context: JobContext, hooks: Hooks | undefined, work: () => Promise<JobResult>): Promise<JobResult> {
  if (!hooks) return work();
  const run = async (when: 'before' | 'after', more: object): Promise<void> => {
    const command = hooks[when];
    if (!command) return;
    const timeoutMs = hooks.timeoutMinutes * minuteMs;
    try {
      await runHook({ command, record: { ...context.record(), ...more }, timeoutMs, signal: context.signal });
    } catch (thrown) {
      if (context.signal.aborted) throw context.signal.reason;
      const { code, message } = toCairnError(thrown);
      throw new CairnError(code, `the command ${when} the job failed, ${message}${when === 'before' ? '; nothing was done' : ''}`);
    }
    context.log('info', `the command ${when} the job ended well`);
  };
  await run('before', {});
  const result = await work().catch(async (thrown: unknown) => {
    if (!context.signal.aborted && !canBeWaitedFor(thrown)) await tellFailure(context, run, thrown);
    throw thrown;
  });
  try {
    await run('after', { state: 'done', result });
  } catch (thrown) {
    if (context.signal.aborted) throw thrown;
    throw new FailedWith(toFailure(thrown), result);
  }
  return result;
}

/** The work's own failure is what the job ends with; that of the command is in its log. */
async function tellFailure(context: JobContext, run: (when: 'after', more: object) => Promise<void>, thrown: unknown): Promise<void> {
  const result = thrown instanceof FailedWith ? { result: thrown.result } : {};
  await run('after', { state: 'failed', error: toFailure(thrown), ...result }).catch((failed: unknown) => {
    if (!context.signal.aborted) context.log('error', toFailure(failed).message);
  });
}
