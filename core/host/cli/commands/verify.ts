/** `cairn verify`: is everything that was archived still there, whole and right? */
import type { Command } from 'commander';
import type { Finding } from '../../../contract/model.ts';
import { percentage, wholeNumber } from '../arguments.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

interface VerifyOptions {
  structure?: boolean;
  data?: boolean;
  percent?: number;
  threads?: number;
}

interface VerifyResult {
  snapshots: number;
  bytesRead: number;
  findings: Finding[];
}

export function addVerify(root: Command, actions: Actions): void {
  const command = root
    .command('verify')
    .description('decode what is stored and compare digests')
    .argument('[snapshot...]', 'id prefixes, or RUN@STEP (default: the whole store)')
    .option('--data', 'decode everything (the default)')
    .option('--structure', 'read tables and checksums only')
    .option('--percent <number>', 'only a part of the contents, going on where the last such verification ended', percentage)
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256));
  command.action((snapshots: string[], options: VerifyOptions) => {
    if (options.data && options.structure) command.error('error: --data and --structure exclude each other', { exitCode: exitCodes.usage });
    if (options.structure && options.percent !== undefined)
      command.error('error: --percent goes with --data: --structure always reads everything', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => verify(session, snapshots, options));
  });
}

async function verify(session: Session, snapshots: string[], { structure, percent, threads }: VerifyOptions): Promise<number> {
  const params = { snapshots, mode: structure ? ('structure' as const) : ('data' as const), percent, threads };
  const job = await followJob(session, () => session.client.call('verify.start', params));
  const result = job.result as unknown as VerifyResult;
  for (const finding of result.findings) session.out.finding(finding);
  const count = result.findings.length;
  const found = count === 0 ? 'nothing is wrong' : `${count} ${count === 1 ? 'finding' : 'findings'}`;
  session.out.line(
    `${result.snapshots} ${result.snapshots === 1 ? 'snapshot' : 'snapshots'} verified, ${size(result.bytesRead)} read: ${found}`,
  );
  session.out.summary(result);
  return count > 0 ? exitCodes.failed : exitCodes.done;
}
