/** Which checkpoints an archive is asked for, in the order in which they build on one another, and which of them are in the store already. */
import path from 'node:path';
import { CairnError, toFailure, type Failure } from '../../contract/errors.ts';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import type { Manifest } from '../../store/manifest.ts';
import { isSame } from '../../store/same-files.ts';
import type { Store } from '../../store/store.ts';

export { isSame };

export interface Selected {
  run: FoundRun;
  checkpoint: FoundCheckpoint;
}

/** When a run's first checkpoint was saved, in nanoseconds. */
function begun({ checkpoints }: FoundRun): bigint {
  const saved = checkpoints.map(({ files }) => files.reduce((newest, { mtimeNs }) => (mtimeNs > newest ? mtimeNs : newest), 0n));
  return saved.reduce((first, time) => (time < first ? time : first), saved[0] ?? 0n);
}

/**
 * Runs by the time they began, so that a model comes before what was fine-tuned from it.
 *
 * @throws CairnError `not_found` where nothing fits.
 */
export function selectCheckpoints(
  runs: readonly FoundRun[],
  run: string | undefined,
  steps: readonly number[] | undefined,
  paths: readonly string[],
): Selected[] {
  const selected = runs
    .filter((candidate) => run === undefined || candidate.name === run || candidate.path === run)
    .map((candidate) => ({ candidate, begun: begun(candidate) }))
    .toSorted((a, b) => Number(a.begun - b.begun))
    .map(({ candidate }) => candidate)
    .flatMap((candidate) => candidate.checkpoints.map((checkpoint) => ({ run: candidate, checkpoint })))
    .filter(({ checkpoint }) => steps === undefined || steps.includes(checkpoint.step));
  if (selected.length > 0) return selected;
  const wanted = [run === undefined ? undefined : `run ${run}`, steps === undefined ? undefined : `step ${steps.join(', ')}`].filter(
    (part) => part !== undefined,
  );
  const what = wanted.length > 0 ? wanted.join(', ') : 'checkpoint';
  throw new CairnError('not_found', `${paths.join(', ')}: no ${what} found there; cairn scan shows what is recognised`, { path: paths[0] });
}

/** Path of a checkpoint below its run, as manifests record it. */
export const pathInRun = (run: FoundRun, checkpoint: FoundCheckpoint): string =>
  path.relative(run.path, checkpoint.path).split(path.sep).join('/');

export interface ArchivedSnapshot {
  id: string;
  step: number;
  path: string;
  created: string;
}

/** What tells models apart: each tensor's name, dtype and shape as one text. */
export const kindOf = ({ name, dtype, shape }: { name: string; dtype: string; shape: readonly number[] }): string =>
  `${name}\0${dtype}\0${shape.join(',')}`;

/** Kinds of these many snapshots are held, because an archive of many runs asks for the same ones again and again. */
const maxHeldKinds = 512;

/** The snapshots of a store by run and place in it, kept up to date while an archive adds to them. */
export class ArchivedSteps {
  readonly #store: Store;
  readonly #byRun = new Map<string, ArchivedSnapshot[]>();
  readonly #kinds = new Map<string, ReadonlySet<string>>();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** @throws CairnError `io`, `denied` where a manifest can't be read just now: what it holds would be archived twice. */
  static async of(store: Store): Promise<ArchivedSteps> {
    const archived = new ArchivedSteps(store);
    const snapshots = await store.snapshots((_, error) => {
      // One that is damaged for good is no reason to archive nothing any more.
      if (error.code !== 'damaged' && error.code !== 'unsupported') throw error;
    });
    for (const snapshot of snapshots) archived.add(snapshot.runPath, snapshot);
    return archived;
  }

  add(runPath: string, snapshot: ArchivedSnapshot): void {
    const steps = this.#byRun.get(runPath) ?? [];
    steps.push(snapshot);
    this.#byRun.set(runPath, steps);
  }

  /** The snapshot that holds the checkpoint as it is on disk now. */
  async find(run: FoundRun, checkpoint: FoundCheckpoint): Promise<{ id: string; manifest: Manifest } | undefined> {
    const place = pathInRun(run, checkpoint);
    for (const { id } of (this.#byRun.get(run.path) ?? []).filter((candidate) => candidate.path === place)) {
      const manifest = await this.#store.manifest(id);
      if (isSame(manifest, checkpoint)) return { id, manifest };
    }
    return undefined;
  }

  /** The newest snapshot before a step, which the step's deltas are taken against. */
  async before(run: FoundRun, step: number): Promise<{ id: string; manifest: Manifest } | undefined> {
    const newest = this.ofRun(run.path).findLast((candidate) => candidate.step < step);
    return newest && { id: newest.id, manifest: await this.#store.manifest(newest.id) };
  }

  /** A run's snapshots by step, of one step the newest last. */
  ofRun(runPath: string): ArchivedSnapshot[] {
    return (this.#byRun.get(runPath) ?? []).toSorted((a, b) => a.step - b.step || a.created.localeCompare(b.created));
  }

  /** The last step of every run, of the run archived last first. */
  newestOfRuns(): ArchivedSnapshot[] {
    const newest = [...this.#byRun.keys()].map((runPath) => this.ofRun(runPath).at(-1)!);
    return newest.toSorted((a, b) => b.created.localeCompare(a.created));
  }

  /** @throws CairnError `not_found`, `damaged`, `unsupported`. */
  manifest(id: string): Promise<Manifest> {
    return this.#store.manifest(id);
  }

  /** The kinds of a snapshot's tensors; none where it can't be read. */
  async kinds(id: string): Promise<ReadonlySet<string>> {
    const held = this.#kinds.get(id);
    if (held) return held;
    const manifest = await this.manifest(id).catch(() => undefined);
    const kinds = new Set(manifest?.tensors.map(kindOf));
    this.#kinds.set(id, kinds);
    if (this.#kinds.size > maxHeldKinds) this.#kinds.delete(this.#kinds.keys().next().value!);
    return kinds;
  }
}

/** Why a checkpoint can't be archived and time won't mend that: it is damaged, or a file of it can't be read. */
export function refusalOf({ state, reason, path: place, files }: FoundCheckpoint): Failure | undefined {
  if (state === 'damaged')
    return toFailure(
      new CairnError('bad_input', `${place}: ${reason ?? 'the checkpoint is damaged'}; nothing of it was archived`, { path: place }),
    );
  if (files.some((file) => file.header?.unreadable))
    return toFailure(new CairnError('io', `${place}: ${reason ?? 'a file can not be read'}; nothing of it was archived`, { path: place }));
  return undefined;
}
