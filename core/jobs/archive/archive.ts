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
import { assertRoom, LacksRoom, mostStored, type Room } from '../../store/room.ts';
import type { Store } from '../../store/store.ts';
import type { JobContext, JobResult } from '../job.ts';
import { findBase } from './ancestor.ts';
import { Durable } from './durable.ts';
import { archiveCheckpoint } from './archive-checkpoint.ts';
import { ArchivedSteps, pathInRun, refusalOf, selectCheckpoints, type Selected } from './selection.ts';

export type ArchiveParams = z.output<typeof archiveParams>;

interface ArchivedRecord {
  id: string;
  run: string;
  runPath: string;
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

  commit(): void {
    this.#report('commit');
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
    runPath: manifest.run.path,
    step,
    path,
    bytesOriginal,
    bytesStored,
    kind: depth === 0 ? 'keyframe' : 'delta',
    depth,
    sealed: true,
  };
}

/** The store's disk must hold what is asked for in the worst case, or it is not begun. */
const roomFor = (store: Store, item: Selected): Room => ({
  path: store.backend.place,
  bytesNeeded: mostStored(bytesOf(item), store.keepsParity),
  bytesFree: () => store.backend.freeBytes(),
});

const nameOf = ({ run, checkpoint }: Selected): string => `${run.name}@${checkpoint.step}`;

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
    // Where the largest doesn't fit, nothing is begun.
    const largest = wanted.toSorted((a, b) => bytesOf(b) - bytesOf(a))[0];
    if (largest) await this.#assertRoom(largest);
    for (const item of wanted) {
      await this.#assertRoom(item);
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
    const found = await this.#archived.find(run, checkpoint);
    if (!found) return true;
    return this.#isOwn(found.manifest) ? this.#count(item, found) : this.#skip(item, 'already archived');
  }

  /** Sealed by this job before it was interrupted or had to wait. */
  #isOwn({ created }: Manifest): boolean {
    const { goesOnSince } = this.#context;
    return goesOnSince !== undefined && created >= goesOnSince;
  }

  #count({ checkpoint }: Selected, { id, manifest }: { id: string; manifest: Manifest }): false {
    this.snapshots.push(recordOf(id, manifest, checkpoint.path));
    return false;
  }

  #assertRoom(item: Selected): Promise<void> {
    return assertRoom(nameOf(item), roomFor(this.#store, item));
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

  async #archive(item: Selected, progress: ArchiveProgress): Promise<void> {
    const { run, checkpoint } = item;
    try {
      const { method, threads, keyframe, maxDepth = defaultMaxDepth } = this.#params;
      const coding = { method, maxDepth, pool: this.#context.pool(threads), cancel: this.#cancel };
      const base = keyframe ? undefined : await findBase(this.#store, this.#archived, run, checkpoint, coding);
      const { id, manifest } = await archiveCheckpoint(this.#store, run, checkpoint, base, {
        ...coding,
        proved: this.#proved,
        now: () => new Date(),
        onBytes: (phase, bytes) => progress.add(phase, bytes),
        onCommit: () => progress.commit(),
        durable: new Durable(this.#context.catalogue, this.#store, checkpoint.path),
      });
      const record = recordOf(id, manifest, checkpoint.path);
      this.snapshots.push(record);
      this.#archived.add(run.path, { id, step: checkpoint.step, path: pathInRun(run, checkpoint), created: manifest.created });
      await this.#context.catalogueSnapshot(id, manifest);
      this.#context.log('info', `${nameOf(item)}: sealed as ${id.slice(0, 8)}, ${record.bytesOriginal} bytes in ${record.bytesStored}`);
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (this.#context.signal.aborted) throw this.#context.signal.reason;
      // It was there when it began, so something else took it.
      if (error.code === 'no_space') throw new LacksRoom(nameOf(item), roomFor(this.#store, item), await this.#store.backend.freeBytes());
      if (error.code === 'locked') throw error;
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
