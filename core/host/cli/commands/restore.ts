/** `cairn restore`: the exact files again, or one tensor of them. */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { duration, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

interface RestoreOptions {
  to: string;
  tensor?: string;
  format: 'npy' | 'safetensors';
  files?: string;
  force?: boolean;
  threads?: number;
}

interface RestoreResult {
  files: number;
  bytes: number;
  seconds: number;
  to?: string;
}

export function addRestore(root: Command, actions: Actions): void {
  const command = root
    .command('restore')
    .description('give back the exact files of a snapshot')
    .argument('<snapshot>', 'an id prefix, or RUN@STEP')
    .requiredOption('--to <folder>', 'where to')
    .option('--tensor <name>', 'only this tensor, as a file of its own')
    .addOption(new Option('--format <format>', 'of the file that --tensor makes').choices(['npy', 'safetensors']).default('npy'))
    .option('--files <glob>', 'only files whose path below the checkpoint fits')
    .option('--force', 'overwrite what is there')
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256));
  command.action((snapshot: string, options: RestoreOptions) => actions.run(command, (session) => restore(session, snapshot, options)));
}

async function restore(session: Session, snapshot: string, options: RestoreOptions): Promise<number> {
  const { tensor, format, files, force, threads } = options;
  const params = { snapshot, to: path.resolve(options.to), tensor, tensorFormat: format, files, force, threads };
  const job = await followJob(session, () => session.client.call('restore.start', params));
  const result = job.result as unknown as RestoreResult;
  session.out.line(
    `${result.files} ${result.files === 1 ? 'file' : 'files'}, ${size(result.bytes)} restored to ${result.to ?? params.to} in ${duration(result.seconds * 1000)}`,
  );
  session.out.summary(result);
  return exitCodes.done;
}
