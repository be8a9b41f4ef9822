/** Which checkpoints an archive is asked for, in the order in which they build on one another, and which of them are in the store already. */
import path from 'node:path';
import { CairnError } from '../../contract/errors.ts';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';

export interface Selected {
  run: FoundRun;
  checkpoint: FoundCheckpoint;
}

/** @throws CairnError `not_found` where nothing fits. */
export function selectCheckpoints(
  runs: readonly FoundRun[],
  run: string | undefined,
  steps: readonly number[] | undefined,
  paths: readonly string[],
): Selected[] {
  const selected = runs
    .filter((candidate) => run === undefined || candidate.name === run || candidate.path === run)
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

/** True where the snapshot holds the very files that are on disk now, by size and modification time. */
export function isSame(manifest: Manifest, checkpoint: FoundCheckpoint): boolean {
  const known = new Map(manifest.files.map((file) => [file.path, file]));
  return (
    known.size === checkpoint.files.length &&
    checkpoint.files.every((file) => {
      const before = known.get(file.path);
      return before !== undefined && before.size === file.size && before.mtimeNs === String(file.mtimeNs);
    })
  );
}

/** The snapshots of a store by run and place in it, kept up to date while an archive adds to them. */
export class ArchivedSteps {
  readonly #store: Store;
  readonly #byRun = new Map<string, { id: string; step: number; path: string; created: string }[]>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async of(store: Store): Promise<ArchivedSteps> {
    const archived = new ArchivedSteps(store);
    for (const snapshot of await store.snapshots()) archived.add(snapshot.runPath, snapshot);
    return archived;
  }

  add(runPath: string, snapshot: { id: string; step: number; path: string; created: string }): void {
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
    const earlier = (this.#byRun.get(run.path) ?? []).filter((candidate) => candidate.step < step);
    const newest = earlier.toSorted((a, b) => a.step - b.step || a.created.localeCompare(b.created)).at(-1);
    return newest && { id: newest.id, manifest: await this.#store.manifest(newest.id) };
  }
}
