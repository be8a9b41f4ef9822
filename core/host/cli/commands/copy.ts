/** `cairn copy`: snapshots into another store, proved there. */
import path from 'node:path';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption } from '../wait-option.ts';

interface CopyOptions {
  all?: boolean;
  to: string;
  threads?: number;
}

interface CopyResult {
  snapshots: { id: string; run: string; step: number }[];
  skipped: { id: string; run: string; step: number }[];
  bytesCopied: number;
}

export function addCopy(root: Command, actions: Actions): void {
  const command = root
    .command('copy')
    .description('copy snapshots into another store, and prove them there')
    .argument('[snapshot...]', 'id prefixes, or RUN@STEP')
    .option('--all', 'every snapshot, as when the store moves to another disk')
    .requiredOption('--to <folder>', 'the other store; made where there is none')
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256));
  addWaitOption(command);
  command.action((snapshots: string[], options: CopyOptions) => {
    if ((options.all ?? false) === snapshots.length > 0)
      command.error('error: name the snapshots to copy, or give --all', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => copy(session, snapshots, options));
  });
}

async function copy(session: Session, snapshots: string[], { to, threads, all }: CopyOptions): Promise<number> {
  const params = { snapshots, all, to: path.resolve(to), threads };
  const job = await followJob(session, () => session.client.call('copy.start', params));
  const result = job.result as unknown as CopyResult;
  for (const { id, run, step } of result.snapshots) session.out.line(`copied ${id.slice(0, 8)}  ${run}@${step}`);
  for (const { id, run, step } of result.skipped) session.out.line(`there already ${id.slice(0, 8)}  ${run}@${step}`);
  session.out.line(`${size(result.bytesCopied)} copied to ${to}`);
  session.out.summary(job.result);
  return exitCodes.done;
}
