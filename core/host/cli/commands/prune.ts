/** `cairn prune`: let go of the snapshots that no rule keeps, and free the space of contents that no snapshot needs. */
import type { Command } from 'commander';
import type { ParamsOf } from '../../../contract/methods.ts';
import { notNegative, wholeNumber } from '../arguments.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { size } from '../printable.ts';
import { addRetentionOptions, retentionOf } from '../retention-options.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption } from '../wait-option.ts';

type PruneOptions = Omit<ParamsOf<'prune.start'>, 'graceSeconds'> & { grace?: number };

interface PruneResult {
  packsRemoved: number;
  packsRepacked: number;
  contentsRebased: number;
  bytesFreed: number;
  bytesLeft: number;
  contentsHeld: number;
  bytesHeld: number;
  heldFor: string[];
  removed: { id: string; run: string; step: number }[];
  thinned: { id: string; run: string; step: number; files: number; bytes: number }[];
  kept: { id: string; run: string; step: number; reasons: string[] }[];
}

const reasonWords: Record<string, string> = {
  keepLast: 'one of the newest',
  keepEvery: 'its step is kept for ever',
  keepBest: 'one of the best',
  keepDays: 'young enough',
  keepBytes: 'within the size',
  pinned: 'pinned',
};

export function addPrune(root: Command, actions: Actions): void {
  const command = addRetentionOptions(
    root
      .command('prune')
      .description('free the space of contents that no snapshot needs')
      .option('--run <name>', 'first remove the snapshots of this run that none of the rules below keeps (pinned ones stay)'),
  )
    .option('--grace <seconds>', 'how long readers are given before packs that were written anew go (default: 2)', notNegative)
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256))
    .option('--dry-run', 'only say what would go, what stays, and what would be freed');
  addWaitOption(command);
  command.action((options: PruneOptions) => {
    if ((options.run !== undefined) !== (retentionOf(options) !== undefined))
      command.error('error: --run and at least one rule (--keep-last, ...) go together', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => prune(session, options));
  });
}

async function prune(session: Session, { grace, ...rest }: PruneOptions): Promise<number> {
  const { dryRun = false, run, threads } = rest;
  const params = { dryRun, run, ...retentionOf(rest), threads, graceSeconds: grace };
  const job = await followJob(session, () => session.client.call('prune.start', params));
  tell(session, job.result as unknown as PruneResult, dryRun);
  session.out.summary(job.result);
  return exitCodes.done;
}

function tell({ out }: Session, result: PruneResult, dryRun: boolean): void {
  for (const { id, run, step } of result.removed) out.line(`${dryRun ? 'would go' : 'removed'}  ${id.slice(0, 8)}  ${run}@${step}`);
  for (const { id, run, step, files, bytes } of result.thinned)
    out.line(
      `${dryRun ? 'would lose' : 'lost'}  ${id.slice(0, 8)}  ${run}@${step}: ${files} ${files === 1 ? 'file' : 'files'} of optimizer state, ${size(bytes)} originally`,
    );
  for (const { id, run, step, reasons } of result.kept)
    out.line(`stays  ${id.slice(0, 8)}  ${run}@${step}: ${reasons.map((reason) => reasonWords[reason] ?? reason).join(', ')}`);
  const { packsRemoved, packsRepacked, contentsRebased, contentsHeld } = result;
  out.line(`${packsRemoved} packs removed, ${packsRepacked} written anew, ${contentsRebased} contents coded against another base`);
  if (contentsHeld > 0)
    out.line(
      `${contentsHeld} contents of no snapshot (${size(result.bytesHeld)}) stay, because these need them: ${result.heldFor.join(', ')}`,
    );
  if (result.bytesLeft > 0) out.line(`${size(result.bytesLeft)} that nothing needs stay in packs that are mostly needed`);
  out.line(`${size(Math.max(0, result.bytesFreed))} ${dryRun ? 'would be freed' : 'freed'}`);
}
