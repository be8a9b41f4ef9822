/** The option to wait for a store that another process writes to, instead of ending: for commands that write. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { toCairnError } from '../../contract/errors.ts';
import type { Session } from './session.ts';

const lookAgainMs = 500;

export const addWaitOption = (command: Command): Command =>
  command.option('--wait', 'where another process writes to the store, or room is lacking: wait instead of failing; Ctrl+C ends it');

/** For what is no job, which waits by itself. @throws CairnError what `call` gives; the signal's reason */
export async function onceUnlocked<T>({ out, interrupt }: Session, wait: boolean, call: () => Promise<T>): Promise<T> {
  for (let isTold = false; ;) {
    try {
      return await call();
    } catch (thrown) {
      const { code, message } = toCairnError(thrown);
      if (!wait || code !== 'locked') throw thrown;
      if (!isTold) out.error(`waiting, ${message}`);
      isTold = true;
    }
    await sleep(lookAgainMs, undefined, { signal: interrupt }).catch(() => interrupt.throwIfAborted());
  }
}
