/** What a command works with: the service in this process, a client of it, and where its words go. */
import path from 'node:path';
import { createClient, type Client } from '../../contract/client.ts';
import { inProcessPair } from '../../contract/connections/in-process.ts';
import { CairnError } from '../../contract/errors.ts';
import { cairnHome } from '../../catalogue/home.ts';
import type { Service } from '../../service/service.ts';
import type { Output } from './output.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export interface GlobalOptions {
  home?: string;
  store?: string;
  json?: boolean;
  /** Of commands that write: jobs wait for what they lack. */
  wait?: boolean;
  /** So do those of a command that stays. */
  watch?: boolean;
}

export interface Session {
  service: Service;
  client: Client;
  out: Output;
  /** Aborted by SIGINT and SIGTERM. */
  interrupt: AbortSignal;
}

/** A second signal within this time is the same keystroke arriving twice: from the terminal and from a parent process. */
const sameKeystrokeMs = 500;

/** Aborts at the first signal; at a later one the process ends at once. What was being written is cleaned up by the next run. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const interrupted = (): void => {
    const nowMs = performance.now();
    firstAtMs ??= nowMs;
    if (nowMs - firstAtMs > sameKeystrokeMs) process.exit(exitCodes.interrupted);
    controller.abort(new CairnError('cancelled', 'interrupted'));
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  return controller.signal;
}

const stayingMs = 60_000;

function storePathOf(options: GlobalOptions, home: string): string {
  return path.resolve(options.store || process.env['CAIRN_STORE'] || path.join(home, 'store'));
}

/** Opens the service for one command and closes it when the command is done. */
export async function withSession(
  options: GlobalOptions,
  out: Output,
  interrupt: AbortSignal,
  work: (session: Session) => Promise<number>,
  stays = false,
): Promise<number> {
  const home = path.resolve(options.home ?? cairnHome());
  const onProblem = (message: string): void => out.error(message);
  // Loaded here, so that help and wrong usage don't wait for all of Cairn.
  const { Service } = await import('../../service/service.ts');
  const service = await Service.open({
    home,
    storePath: storePathOf(options, home),
    host: stays ? 'server' : 'command line',
    stays,
    waits: options.wait ?? options.watch ?? false,
    onProblem,
  });
  // Work that is paused or waits leaves nothing else that would keep the process.
  const staying = setInterval(() => undefined, stayingMs);
  try {
    const [clientEnd, serviceEnd] = inProcessPair();
    service.serve(serviceEnd);
    return await work({ service, client: createClient(clientEnd), out, interrupt });
  } finally {
    clearInterval(staying);
    await service.close();
  }
}
