/**
 * The archive job: finds the checkpoints, skips what the store holds already or what is not whole, and archives the
 * rest step by step, each sealed before the next begins. One that fails doesn't keep the others from being archived.
 */
import { cancelFlag } from '../../codec/pool.ts';
import { CairnError, toCairnError, toFailure, type Failure } from '../../contract/errors.ts';
import type { archiveParams } from '../../contract/methods.ts';
import type { z } from 'zod';
import { defaultMaxDepth } from '../../plan/planner.ts';
import { scan } from '../../scan/scanner.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import type { JobContext, JobResult } from '../job.ts';
import { findBase } from './ancestor.ts';
import { archiveCheckpoint } from './archive-checkpoint.ts';
import { ArchivedSteps, pathInRun, refusalOf, selectCheckpoints, type Selected } from './selection.ts';

export type ArchiveParams = z.output<typeof archiveParams>;

interface ArchivedRecord {
  id: string;
  run: string;
  step: number;
  path: string;
  bytesOriginal: number;
  bytesStored: number;
  kind: 'keyframe' | 'delta';
  depth: number;
  sealed: boolean;
}

interface Skipped {
  run: string;
  step: number;
  path: string;
  reason: string;
}

const bytesOf = ({ checkpoint }: Selected): number => checkpoint.files.reduce((sum, file) => sum + file.size, 0);

/** Half of the work is coding, half proving: bytes count when both are done, halfway after the first. */
class ArchiveProgress {
  readonly #context: JobContext;
  #bytesTotal: number;
  #items: number;
  #done = 0;
  #itemsDone = 0;
  #base = 0;

  constructor(context: JobContext, selected: readonly Selected[]) {
    this.#context = context;
    this.#bytesTotal = selected.reduce((sum, item) => sum + bytesOf(item), 0);
    this.#items = selected.length;
  }

  add(phase: 'archive' | 'prove', bytes: number): void {
    this.#done += bytes / 2;
    this.#report(phase);
  }

  /** A checkpoint ended, whole or not: its bytes count as done. */
  end(item: Selected): void {
    this.#itemsDone += 1;
    this.#base += bytesOf(item);
    this.#done = this.#base;
    this.#report('archive');
  }

  /** A checkpoint that is in the store already is no work. */
  skip(item: Selected): void {
    this.#bytesTotal -= bytesOf(item);
    this.#items -= 1;
    this.#report('archive');
  }

  #report(phase: string): void {
    const bytesDone = Math.min(Math.floor(this.#done), this.#bytesTotal);
    this.#context.progress({ phase, bytesDone, bytesTotal: this.#bytesTotal, itemsDone: this.#itemsDone, itemsTotal: this.#items });
  }
}

function recordOf(id: string, manifest: Manifest, path: string): ArchivedRecord {
  const { bytesOriginal, bytesStored, depth, step } = manifest;
  return {
    id,
    run: manifest.run.name,
    step,
    path,
    bytesOriginal,
    bytesStored,
    kind: depth === 0 ? 'keyframe' : 'delta',
    depth,
    sealed: true,
  };
}

/** The disk must hold what is asked for in the worst case, or nothing is begun. */
async function assertSpace(store: Store, selected: readonly Selected[]): Promise<void> {
  const bytesFree = await store.backend.freeBytes();
  const largest = Math.max(0, ...selected.map(bytesOf));
  if (bytesFree >= largest) return;
  const missing = Math.ceil((largest - bytesFree) / 2 ** 20);
  throw new CairnError(
    'no_space',
    `the store's disk may lack up to ${missing} MiB for the largest checkpoint; free some space and run it again`,
  );
}

class Archive {
  readonly #context: JobContext;
  readonly #params: ArchiveParams;
  readonly #store: Store;
  readonly #archived: ArchivedSteps;
  readonly #cancel: Int32Array;
  readonly #proved = new Set<string>();
  readonly snapshots: ArchivedRecord[] = [];
  readonly skipped: Skipped[] = [];
  readonly errors: Failure[] = [];

  constructor(context: JobContext, params: ArchiveParams, store: Store, archived: ArchivedSteps) {
    this.#context = context;
    this.#params = params;
    this.#store = store;
    this.#archived = archived;
    this.#cancel = cancelFlag(context.signal);
  }

  async run(selected: Selected[]): Promise<void> {
    const progress = new ArchiveProgress(this.#context, selected);
    const wanted: Selected[] = [];
    for (const item of selected) {
      if (await this.#isWanted(item)) wanted.push(item);
      else progress.skip(item);
    }
    await assertSpace(this.#store, wanted);
    for (const item of wanted) {
      await this.#archive(item, progress);
      progress.end(item);
    }
  }

  async #isWanted(item: Selected): Promise<boolean> {
    const { run, checkpoint } = item;
    const { state, reason } = checkpoint;
    // Unlike a checkpoint that is still being written this is a failure.
    const refusal = refusalOf(checkpoint);
    if (refusal) {
      this.#fail(refusal);
      return false;
    }
    if (state !== 'complete')
      return this.#skip(item, `${state === 'incomplete' ? 'incomplete' : 'being written'}: ${reason ?? 'not all of its files are there'}`);
    return (await this.#archived.find(run, checkpoint)) === undefined || this.#skip(item, 'already archived');
  }

  #skip({ run, checkpoint }: Selected, reason: string): false {
    this.skipped.push({ run: run.name, step: checkpoint.step, path: checkpoint.path, reason });
    this.#context.log(reason === 'already archived' ? 'info' : 'warning', `${checkpoint.path}: skipped, ${reason}`);
    return false;
  }

  #fail(error: Failure): void {
    this.errors.push(error);
    this.#context.log('error', error.message);
  }

  async #archive({ run, checkpoint }: Selected, progress: ArchiveProgress): Promise<void> {
    try {
      const { method, threads, keyframe, maxDepth = defaultMaxDepth } = this.#params;
      const coding = { method, maxDepth, pool: this.#context.pool(threads), cancel: this.#cancel };
      const base = keyframe ? undefined : await findBase(this.#store, this.#archived, run, checkpoint, coding);
      const { id, manifest } = await archiveCheckpoint(this.#store, run, checkpoint, base, {
        ...coding,
        proved: this.#proved,
        now: () => new Date(),
        onBytes: (phase, bytes) => progress.add(phase, bytes),
      });
      const record = recordOf(id, manifest, checkpoint.path);
      this.snapshots.push(record);
      this.#archived.add(run.path, { id, step: checkpoint.step, path: pathInRun(run, checkpoint), created: manifest.created });
      await this.#context.catalogueSnapshot(id, manifest);
      this.#context.log(
        'info',
        `${run.name}@${checkpoint.step}: sealed as ${id.slice(0, 8)}, ${record.bytesOriginal} bytes in ${record.bytesStored}`,
      );
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (this.#context.signal.aborted) throw this.#context.signal.reason;
      if (error.code === 'no_space' || error.code === 'locked') throw error;
      this.#fail(toFailure(error));
    }
  }
}

/**
 * @returns the record that `cairn archive --json` prints as its summary, and what was skipped
 * @throws CairnError `not_found`, `no_space`, `locked`, `cancelled`; the failure of one checkpoint is among `errors` instead.
 */
export async function archiveJob(context: JobContext, params: ArchiveParams): Promise<JobResult> {
  const started = performance.now();
  const found = await scan(params.paths, { previous: context.catalogue.previousFile, signal: context.signal });
  context.catalogue.saveScan(found);
  const missing = found.findings.filter(({ path, code }) => code === 'not_found' && params.paths.includes(path));
  if (missing.length === params.paths.length) throw new CairnError('not_found', missing[0]!.message, { path: missing[0]!.path });
  const selected = selectCheckpoints(found.runs, params.run, params.steps, params.paths);
  const store = await context.writeStore();
  const archive = new Archive(context, params, store, await ArchivedSteps.of(store));
  for (const finding of found.findings) context.log(finding.severity === 'error' ? 'error' : 'warning', finding.message);
  for (const { message, path } of missing) archive.errors.push({ code: 'not_found', message, path });
  await archive.run(selected);
  const total = (member: 'bytesOriginal' | 'bytesStored'): number => archive.snapshots.reduce((sum, snapshot) => sum + snapshot[member], 0);
  return {
    snapshots: archive.snapshots,
    skipped: archive.skipped,
    bytesOriginal: total('bytesOriginal'),
    bytesStored: total('bytesStored'),
    seconds: (performance.now() - started) / 1000,
    errors: archive.errors,
  };
}
