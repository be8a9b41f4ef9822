/** `cairn archive`: bring checkpoints into the store, or say what that would take. */
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { toCairnError } from '../../../contract/errors.ts';
import type { ParamsOf } from '../../../contract/methods.ts';
import { codingMethod, type CodingMethod, type Finding, type Retention } from '../../../contract/model.ts';
import type { Candidate } from '../../../plan/policy.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../main.ts';
import { duration, ratio, size } from '../printable.ts';
import { addRetentionOptions, retentionOf } from '../retention-options.ts';
import { exitCodes, type Session } from '../session.ts';
import { wholeNumber } from '../arguments.ts';

interface ArchiveOptions extends Retention {
  run?: string;
  step?: number[];
  dryRun?: boolean;
  method: CodingMethod;
  threads?: number;
  keyframe?: boolean;
  maxDepth?: number;
  verify?: boolean;
  watch?: boolean;
  release?: boolean;
  keepNewest: number;
  placeholder?: boolean;
  trash?: boolean;
}

/** The members of an archive job's result that are shown. */
interface ArchiveResult {
  snapshots: { id: string; run: string; step: number; bytesOriginal: number; bytesStored: number; kind: string; depth: number }[];
  skipped?: { run: string; step: number; reason: string }[];
  bytesOriginal: number;
  bytesStored: number;
  seconds: number;
  errors: { code: string; path?: string; message: string }[];
  /** Of the verification that --verify asks for. */
  findings?: Finding[];
  released?: { path: string; bytes: number }[];
  /** By run, of the rules that say what stays in the store. */
  pruned?: { removed: { run: string; step: number }[]; thinned: { run: string; step: number }[]; bytesFreed: number }[];
  kept?: { path: string; reason: string }[];
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
    .option('--verify', 'decode every new snapshot once more at the end')
    .option('--release', 'remove originals whose snapshots are sealed and that are still what was archived')
    .option('--keep-newest <number>', 'with --release: leave the newest so many of every run', wholeNumber(0, 1_000_000), 1)
    .option('--placeholder', 'with --release: leave a text file that says how to get each back')
    .option('--trash', 'with --release: move originals to the trash instead of removing them')
    .option('--watch', 'stay, and archive checkpoints as the trainer finishes them; Ctrl+C ends it');
  addRetentionOptions(command);
  command.action((paths: string[], options: ArchiveOptions) => {
    if (options.watch && options.dryRun) command.error('error: --watch archives; leave --dry-run out', { exitCode: exitCodes.usage });
    return actions.run(command, (session) => archive(session, paths, options));
  });
}

function archive(session: Session, paths: string[], options: ArchiveOptions): Promise<number> {
  const { run, step, method, threads, keyframe, maxDepth, verify } = options;
  const { keepNewest, placeholder, trash } = options;
  const release = options.release ? { keepNewest, placeholder, trash, below: undefined } : undefined;
  const retention = retentionOf(options);
  const folders = paths.map((name) => path.resolve(name));
  const params = { paths: folders, run, steps: step, method, threads, keyframe, maxDepth, verifyAfter: verify, release, retention };
  if (options.watch) return watch(session, params);
  return options.dryRun ? plan(session, params) : perform(session, params);
}

async function plan({ client, out, interrupt }: Session, params: ParamsOf<'archive.plan'>): Promise<number> {
  const { plan } = await client.call('archive.plan', params, { signal: interrupt });
  out.table(
    [
      { title: 'run' },
      { title: 'step', align: 'right' },
      { title: 'original', align: 'right' },
      { title: 'about', align: 'right' },
      { title: 'as' },
    ],
    plan.items.map((item) => [
      item.run,
      String(item.step),
      size(item.bytesOriginal),
      item.action === 'skip' ? '' : size(item.bytesEstimated),
      item.action === 'skip' ? `skipped: ${item.reason ?? ''}` : item.kind === 'delta' ? `delta, depth ${item.depth}` : 'keyframe',
    ]),
  );
  out.line(`${size(plan.bytesOriginal)} would take about ${size(plan.bytesEstimated)}; ${size(plan.bytesFree)} are free`);
  const errors = plan.items.flatMap(({ error }) => error ?? []);
  for (const { message } of errors) out.error(message);
  for (const item of plan.items) out.record('item', item);
  out.summary({ dryRun: true, ...plan, errors });
  return errors.length > 0 ? exitCodes.failed : exitCodes.done;
}

/** Of what is seen, what is to be archived: whole, asked for and not in the store as it is now. */
const wantedOf = (candidates: readonly Candidate[], { run, steps }: ParamsOf<'archive.start'>): Candidate[] =>
  candidates.filter(
    (found) =>
      found.state === 'complete' &&
      !found.archived &&
      (run === undefined || found.run === run || found.runPath === run) &&
      (steps === undefined || steps.includes(found.step)),
  );

/**
 * Archives what is there and then whatever a trainer finishes, until it is interrupted. Beside a trainer, so its threads stay behind.
 * What fails is said and tried again at the next look; what was cancelled (in the interface, say) is left until there is something new.
 */
async function watch(session: Session, params: ParamsOf<'archive.start'>): Promise<number> {
  const { service, out, interrupt } = session;
  const { watchCandidates } = await import('../../../jobs/watch.ts');
  let failed = false;
  const cancelled = new Set<string>();
  const archiveNew = async (candidates: Candidate[]): Promise<void> => {
    const wanted = wantedOf(candidates, params);
    if (wanted.every(({ path }) => cancelled.has(path)) || interrupt.aborted) return;
    const {
      run: _run,
      steps: _steps,
      ...rest
    } = { ...params, ...(params.release ? { release: { ...params.release, below: params.paths } } : {}) };
    const paths = wanted.map((found) => found.path);
    const exitCode = await perform(session, { ...rest, paths, background: true }).catch((thrown: unknown) => {
      if (toCairnError(thrown).code === 'cancelled') for (const path of paths) cancelled.add(path);
      throw thrown;
    });
    failed ||= exitCode === exitCodes.failed;
  };
  const onError = (thrown: unknown): void => {
    if (interrupt.aborted) return;
    failed = true;
    out.error(toCairnError(thrown).message);
  };
  const watching = watchCandidates(service.stages, params.paths, { onCandidates: archiveNew, onError });
  out.line(`watching ${params.paths.join(', ')}; Ctrl+C ends it`);
  out.record('watching', { paths: params.paths });
  if (!interrupt.aborted) await new Promise((resolve) => interrupt.addEventListener('abort', resolve));
  await watching.close();
  return failed ? exitCodes.failed : exitCodes.interrupted;
}

async function perform(session: Session, params: ParamsOf<'archive.start'>): Promise<number> {
  const { out, client } = session;
  const job = await followJob(session, () => client.call('archive.start', params));
  const result = job.result as unknown as ArchiveResult;
  show(session, result);
  for (const { message } of result.errors) out.error(message);
  for (const finding of result.findings ?? []) out.finding(finding);
  for (const snapshot of result.snapshots) out.record('snapshot', snapshot);
  out.summary(result);
  return result.errors.length + (result.findings?.length ?? 0) > 0 ? exitCodes.failed : exitCodes.done;
}

function show(
  { out }: Session,
  { snapshots, skipped = [], released = [], kept = [], pruned = [], bytesOriginal, bytesStored, seconds }: ArchiveResult,
): void {
  if (snapshots.length > 0) {
    out.table(
      [
        { title: 'snapshot' },
        { title: 'run' },
        { title: 'step', align: 'right' },
        { title: 'original', align: 'right' },
        { title: 'stored', align: 'right' },
        { title: 'ratio', align: 'right' },
        { title: 'as' },
      ],
      snapshots.map((made) => [
        made.id.slice(0, 8),
        made.run,
        String(made.step),
        size(made.bytesOriginal),
        size(made.bytesStored),
        ratio(made.bytesOriginal, made.bytesStored),
        made.kind === 'delta' ? `delta, depth ${made.depth}` : 'keyframe',
      ]),
    );
  }
  if (released.length > 0) {
    const bytes = released.reduce((sum, original) => sum + original.bytes, 0);
    out.line(`${released.length} originals released, ${size(bytes)}; cairn restore gives them back`);
  }
  for (const { path: at, reason } of kept) out.line(`original kept: ${at}, ${reason}`);
  for (const { removed, thinned, bytesFreed } of pruned)
    out.line(
      `${removed.length} snapshots that no rule keeps removed, ${thinned.length} without optimizer state now, ${size(Math.max(0, bytesFreed))} freed`,
    );
  const known = skipped.filter(({ reason }) => reason === 'already archived').length;
  if (known > 0) out.line(`${known} archived already`);
  const stored = snapshots.length > 0 ? `, ${size(bytesOriginal)} in ${size(bytesStored)}` : '';
  out.line(`${snapshots.length} sealed${stored}, ${duration(seconds * 1000)}`);
}
