/** What a command's file is given, so that it can say what its action does. */
import type { Command } from 'commander';
import type { Session } from './session.ts';

/** What a command does once the service is open; returns the exit code. */
export type Work = (session: Session) => Promise<number>;

export interface Actions {
  /** Runs work against the service of this process. `stays`: for the server, which also runs jobs that others left queued. */
  run(command: Command, work: Work, stays?: boolean): Promise<void>;
}
