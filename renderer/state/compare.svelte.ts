import type { ResultOf } from '../../core/contract/methods.ts';
import type { DiffTensor, Snapshot, SnapshotDiff } from '../../core/contract/model.ts';
import { Loaded } from './loaded.svelte.ts';
import { Paged } from './paged.svelte.ts';
import { service } from './service.svelte.ts';

/** Two snapshots side by side: both records, what became of their files, and of their tensors in pages. */
export class ComparePage {
  readonly before: Loaded<ResultOf<'snapshots.get'>>;
  readonly after: Loaded<ResultOf<'snapshots.get'>>;
  readonly tensors: Paged<DiffTensor>;
  summary = $state.raw<Pick<SnapshotDiff, 'counts' | 'files'>>();

  /** @param a name of the one before, `b` of the one after: an id or its first characters, or RUN@STEP */
  constructor(a: string, b: string) {
    this.before = new Loaded(() => service.call('snapshots.get', { snapshot: a }));
    this.after = new Loaded(() => service.call('snapshots.get', { snapshot: b }));
    this.tensors = new Paged(async (offset, limit, signal) => {
      const { diff } = await service.call('snapshots.diff', { a, b, offset, limit }, { signal });
      this.summary ??= { counts: diff.counts, files: diff.files };
      return { total: diff.total, rows: diff.tensors };
    });
  }

  /** Reads everything, again with each new connection; returns what ends it. */
  follow(): () => void {
    const end = service.whenConnected(() => this.read());
    return () => {
      this.tensors.stop();
      end();
    };
  }

  read(): void {
    for (const side of [this.before, this.after]) void side.reload();
    void this.tensors.read();
  }
}

/** The snapshots of a run, by its path, in the order of their steps. */
export async function snapshotsOf(runPath: string): Promise<Snapshot[]> {
  const { snapshots } = await service.call('snapshots.list', { run: runPath });
  return snapshots.toSorted((a, b) => a.step - b.step);
}

/** The one to compare a snapshot with first: the step before it, or else the one after. */
export function neighbourOf(snapshot: Snapshot, all: readonly Snapshot[]): Snapshot | undefined {
  const others = all.filter(({ id }) => id !== snapshot.id);
  return others.findLast(({ step }) => step <= snapshot.step) ?? others[0];
}
