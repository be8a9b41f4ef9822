/** An archive job from the command line: started, followed, told. */
import type { ParamsOf } from '../../../contract/methods.ts';
import type { Finding, SnapshotKind } from '../../../contract/model.ts';
import { followJob } from '../follow-job.ts';
import type { Output } from '../output.ts';
import { duration, ratio, right, size, storedAs } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

/** The members of an archive job's result that are shown. */
interface ArchiveResult {
  snapshots: {
    id: string;
    run: string;
    step: number;
    path: string;
    bytesOriginal: number;
    bytesStored: number;
    kind: SnapshotKind;
    depth: number;
  }[];
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

export interface Performed {
  exitCode: number;
  /** Paths of the checkpoints that are sealed now. */
  sealed: ReadonlySet<string>;
}

/** Archives, and tells what became of it. */
export async function perform(session: Session, params: ParamsOf<'archive.start'>): Promise<Performed> {
  const { out, client } = session;
  const job = await followJob(session, () => client.call('archive.start', params));
  const result = job.result as unknown as ArchiveResult;
  show(session, result);
  for (const { message } of result.errors) out.error(message);
  for (const finding of result.findings ?? []) out.finding(finding);
  for (const snapshot of result.snapshots) out.record('snapshot', snapshot);
  out.summary(result);
  const exitCode = result.errors.length + (result.findings?.length ?? 0) > 0 ? exitCodes.failed : exitCodes.done;
  return { exitCode, sealed: new Set(result.snapshots.map(({ path }) => path)) };
}

function show({ out }: Session, result: ArchiveResult): void {
  const { snapshots, skipped = [], released = [], kept = [], pruned = [], bytesOriginal, bytesStored, seconds } = result;
  showSnapshots(out, snapshots);
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

function showSnapshots(out: Output, snapshots: ArchiveResult['snapshots']): void {
  out.table(
    ['snapshot', 'run', right('step'), right('original'), right('stored'), right('ratio'), 'as'],
    snapshots.map((made) => [
      made.id.slice(0, 8),
      made.run,
      String(made.step),
      size(made.bytesOriginal),
      size(made.bytesStored),
      ratio(made.bytesOriginal, made.bytesStored),
      storedAs(made),
    ]),
  );
}
