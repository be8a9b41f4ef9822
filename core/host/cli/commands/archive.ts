/** `cairn archive`: bring checkpoints into the store, or say what that would take. */
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { codingMethod, type CodingMethod, type Retention } from '../../../contract/model.ts';
import type { Actions } from '../actions.ts';
import { perform } from '../archive/perform.ts';
import { showPlan } from '../archive/plan.ts';
import { watch } from '../archive/watch.ts';
import { wholeNumber } from '../arguments.ts';
import { addReleaseOptions, releaseOf, type ReleaseOptions } from '../release-options.ts';
import { addRetentionOptions, retentionOf } from '../retention-options.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption } from '../wait-option.ts';

interface ArchiveOptions extends Retention, ReleaseOptions {
  run?: string;
  step?: number[];
  dryRun?: boolean;
  method: CodingMethod;
  threads?: number;
  keyframe?: boolean;
  maxDepth?: number;
  verify?: boolean;
  watch?: boolean;
}

/** "200", "200,400", and several of them. */
function collectSteps(text: string, before: number[] = []): number[] {
  const steps = text.split(',').map(Number);
  if (!steps.every((step) => Number.isSafeInteger(step)) || text.trim() === '')
    throw new InvalidArgumentError('it must be a step number, or several with commas');
  return [...before, ...steps];
}

export function addArchive(root: Command, actions: Actions): void {
  const command = root
    .command('archive')
    .description('find checkpoints, archive them losslessly, and prove it by decoding them again')
    .argument('<path...>', 'folders with runs, runs, or single checkpoints')
    .option('--run <name>', 'only this run')
    .option('--step <step>', 'only this step; may be given several times, or with commas', collectSteps)
    .option('--dry-run', 'only say what would be archived, and about what it would take')
    .addOption(new Option('--method <method>', 'how tensors are coded').choices(codingMethod.options).default('cairn'))
    .option('--threads <number>', 'threads to use (default: one for every core)', wholeNumber(1, 256))
    .option('--keyframe', 'store every tensor whole, without deltas')
    .option('--max-depth <deltas>', 'the longest chain of deltas (default: 8)', wholeNumber(0, 8))
    .option('--verify', 'decode every new snapshot once more at the end');
  addReleaseOptions(command);
  command.option('--watch', 'stay, and archive checkpoints as the trainer finishes them; Ctrl+C ends it');
  addRetentionOptions(command);
  addWaitOption(command);
  command.action((paths: string[], options: ArchiveOptions) => {
    if (options.watch && options.dryRun) command.error('error: --watch archives; leave --dry-run out', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => archive(session, paths, options));
  });
}

async function archive(session: Session, paths: string[], options: ArchiveOptions): Promise<number> {
  const { run, step, method, threads, keyframe, maxDepth, verify } = options;
  const folders = paths.map((name) => path.resolve(name));
  const params = {
    paths: folders,
    run,
    steps: step,
    method,
    threads,
    keyframe,
    maxDepth,
    verifyAfter: verify,
    release: releaseOf(options),
    retention: retentionOf(options),
  };
  if (options.watch) return watch(session, params);
  return options.dryRun ? showPlan(session, params) : (await perform(session, params)).exitCode;
}
