/** The prune job: lets go of the snapshots that a policy doesn't keep, where one is given, then gives their space back. */
import { CairnError } from '../contract/errors.ts';
import type { CheckedParamsOf } from '../contract/methods.ts';
import type { Snapshot } from '../contract/model.ts';
import { retain, type RetentionReason } from '../plan/retention.ts';
import { nameOfManifest, type Store } from '../store/store.ts';
import { nameOfCopy } from '../store/redundancy.ts';
import type { JobContext, JobResult } from './job.ts';
import { prune } from './prune.ts';
import { carryOutThin, planThin, type Thinned } from './prune/thin.ts';

export type PruneParams = CheckedParamsOf<'prune.start'>;

interface Decided {
  id: string;
  run: string;
  step: number;
  bytesStored: number;
}

interface Decisions {
  removed: Decided[];
  kept: (Decided & { reasons: RetentionReason[] })[];
  /** Stay without their optimizer state. */
  thinned: (Decided & Thinned)[];
}

/** @throws CairnError `not_found` where the run has no snapshots, `ambiguous`, and what `prune` throws. */
export async function pruneJob(context: JobContext, params: PruneParams): Promise<JobResult> {
  const store = await context.writeStore();
  const { removed, kept, thinned } = await decide(context, store, params);
  const without = new Set([...removed, ...thinned].map(({ id }) => id));
  const added = thinned.reduce((sum, { manifestBytes }) => sum + manifestBytes * (store.keepsParity ? 2 : 1), 0);
  const manifestBytes = (await bytesOfManifests(store, without)) - added;
  if (!params.dryRun) {
    await removeAll(context, store, removed);
    await thinAll(context, store, thinned);
  }
  const result = await prune(store, {
    dryRun: params.dryRun,
    without,
    instead: params.dryRun ? thinned.map(({ manifest }) => manifest) : [],
    pool: context.pool(params.threads),
    ...(params.graceSeconds === undefined ? {} : { graceMs: params.graceSeconds * 1000 }),
    signal: context.signal,
    onProgress: (phase, done, total) => context.progress(progressOf(phase, done, total)),
  });
  const bytesFreed = result.bytesFreed + manifestBytes;
  context.log('info', `${bytesFreed} bytes ${params.dryRun ? 'would be freed' : 'freed'}`);
  if (!params.dryRun) context.changed();
  const told = thinned.map(({ id, run, step, files, bytes }) => ({ id, run, step, files, bytes }));
  return { dryRun: params.dryRun, ...result, bytesFreed, removed, thinned: told, kept };
}

function progressOf(phase: string, done: number, total: number): Parameters<JobContext['progress']>[0] {
  const bytes = phase === 'rebase' ? { bytesDone: done, bytesTotal: total } : { bytesDone: 0, bytesTotal: 0 };
  const items = phase === 'rebase' ? { itemsDone: 0, itemsTotal: 0 } : { itemsDone: done, itemsTotal: total };
  return { phase, ...bytes, ...items };
}

async function decide({ catalogue }: JobContext, store: Store, params: PruneParams): Promise<Decisions> {
  if (params.run === undefined) return { removed: [], kept: [], thinned: [] };
  const snapshots = await snapshotsOf(store, params.run);
  const { runPath } = snapshots[0]!;
  const known = catalogue.runSummaries(store.id).find((run) => run.path === runPath);
  const losses = (known && catalogue.run(known.id, store.id)?.losses) ?? [];
  const metric = new Map(losses.map(({ step, loss }) => [step, loss]));
  const decisions = retain(snapshots, params, { runPath, nowMs: Date.now(), metric });
  const decided: Decisions = { removed: [], kept: [], thinned: [] };
  for (const [index, { reasons, thinned }] of decisions.entries()) {
    const { id, run, step, bytesStored } = snapshots[index]!;
    if (reasons.length === 0) decided.removed.push({ id, run, step, bytesStored });
    else decided.kept.push({ id, run, step, bytesStored, reasons });
    const thin = thinned && (await planThin(store, id));
    if (thin) decided.thinned.push({ run, step, bytesStored, ...thin });
  }
  return decided;
}

async function snapshotsOf(store: Store, name: string): Promise<Snapshot[]> {
  const found = (await store.snapshots()).filter(({ run, runPath }) => run === name || runPath === name);
  const paths = [...new Set(found.map(({ runPath }) => runPath))];
  if (found.length === 0) throw new CairnError('not_found', `${name}: no run of this name or path has snapshots; see cairn ls`);
  if (paths.length > 1)
    throw new CairnError('ambiguous', `${name}: names ${paths.length} runs; use one of ${paths.slice(0, 8).join(', ')}`);
  return found;
}

async function bytesOfManifests(store: Store, ids: ReadonlySet<string>): Promise<number> {
  let bytes = 0;
  for (const id of ids) for (const name of [nameOfManifest(id), nameOfCopy(id)]) bytes += (await store.backend.stat(name))?.sizeBytes ?? 0;
  return bytes;
}

async function removeAll(context: JobContext, store: Store, removed: Decided[]): Promise<void> {
  for (const { id, run, step } of removed) {
    context.signal.throwIfAborted();
    await store.remove(id);
    context.log('info', `${run}@${step} (${id.slice(0, 8)}) removed: no rule keeps it`);
  }
}

async function thinAll(context: JobContext, store: Store, thinned: Decisions['thinned']): Promise<void> {
  for (const { run, step, id, ...thin } of thinned) {
    context.signal.throwIfAborted();
    await carryOutThin(store, { id, ...thin });
    context.log('info', `${run}@${step} (now ${thin.thinId.slice(0, 8)}) stays without its optimizer state: ${thin.files} files`);
  }
}
