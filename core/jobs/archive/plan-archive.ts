/**
 * What an archive would do and about what it would take: the same planning as the archive's own, with samples of the
 * tensors really coded, and nothing written.
 */
import { estimateContents, plannedBases, planFilesOf, type Bases, type ContentsEstimate } from '../../analysis/sampled-contents.ts';
import type { Plan, PlanItem } from '../../contract/model.ts';
import { defaultMaxDepth, planSnapshot, type PlannedContent } from '../../plan/planner.ts';
import { scan } from '../../scan/scanner.ts';
import { LocalBackend } from '../../store/backends/local.ts';
import type { Store } from '../../store/store.ts';
import type { StageAccess } from '../job.ts';
import type { ArchiveParams } from './archive.ts';
import { findBase, type Ancestor } from './ancestor.ts';
import { baseSetOf, Originals } from './base-set.ts';
import { readCheckpoint, type CheckpointFile } from '../../scan/read-checkpoint.ts';
import { ArchivedSteps, refusalOf, selectCheckpoints, type Selected } from './selection.ts';

async function archivedBases(store: Store, before: Ancestor | undefined): Promise<Bases | undefined> {
  if (!before) return undefined;
  const originals = await Originals.of(before.manifest);
  return {
    set: await baseSetOf(store, before.manifest),
    depth: before.manifest.depth,
    read: ({ base }, offset, length) => originals.sourceOf(store, base!, true)(offset, length),
  };
}

class Estimate {
  readonly #access: StageAccess;
  readonly #params: ArchiveParams;
  readonly #store: Store | undefined;
  readonly #archived: ArchivedSteps | undefined;
  readonly #cancel = new Int32Array(new SharedArrayBuffer(4));
  #previous: { run: string; bases: Bases } | undefined;

  constructor(access: StageAccess, params: ArchiveParams, store: Store | undefined, archived: ArchivedSteps | undefined) {
    this.#access = access;
    this.#params = params;
    this.#store = store;
    this.#archived = archived;
  }

  async of(selected: Selected): Promise<PlanItem> {
    const { run, checkpoint } = selected;
    const bytesOriginal = checkpoint.files.reduce((sum, file) => sum + file.size, 0);
    const item = { run: run.name, step: checkpoint.step, path: checkpoint.path, bytesOriginal };
    const skip = (reason: string): PlanItem => ({ ...item, action: 'skip', reason, kind: 'keyframe', depth: 0, bytesEstimated: 0 });
    const error = refusalOf(checkpoint);
    if (error) return { ...skip(checkpoint.reason ?? checkpoint.state), error };
    if (checkpoint.state !== 'complete') return skip(checkpoint.reason ?? checkpoint.state);
    if (await this.#archived?.find(run, checkpoint)) return skip('already archived');
    const bases = await this.#basesFor(selected);
    const files = await readCheckpoint(checkpoint);
    const { contents } = planSnapshot(planFilesOf(files), {
      bases: bases?.set,
      maxDepth: this.#params.maxDepth ?? defaultMaxDepth,
      companions: this.#params.method === 'cairn',
    });
    const isDelta = contents.some((content) => content.base);
    const depth = isDelta ? bases!.depth + 1 : 0;
    const { bytesEstimated } = await this.#sample(contents, files, bases);
    this.#previous = { run: run.path, bases: plannedBases(files, depth) };
    return {
      ...item,
      action: 'archive',
      kind: isDelta ? 'delta' : 'keyframe',
      depth,
      bytesEstimated,
    };
  }

  async #basesFor({ run, checkpoint }: Selected): Promise<Bases | undefined> {
    if (this.#params.keyframe) return undefined;
    if (this.#previous?.run === run.path) return this.#previous.bases;
    if (!this.#store || !this.#archived) return undefined;
    const { method, threads, maxDepth = defaultMaxDepth } = this.#params;
    const coding = { method, maxDepth, pool: this.#access.pool(threads), cancel: this.#cancel };
    return archivedBases(this.#store, await findBase(this.#store, this.#archived, run, checkpoint, coding));
  }

  #sample(contents: PlannedContent[], files: CheckpointFile[], bases: Bases | undefined): Promise<ContentsEstimate> {
    const { method, threads } = this.#params;
    return estimateContents(contents, files, { pool: this.#access.pool(threads), method, bases, cancel: this.#cancel });
  }
}

/**
 * Plans an archive.
 *
 * @throws CairnError `not_found` where no checkpoint fits, `bad_input` where one is damaged.
 */
export async function planArchive(access: StageAccess, params: ArchiveParams): Promise<Plan> {
  const { runs } = await scan(params.paths, {});
  const selected = selectCheckpoints(runs, params.run, params.steps, params.paths);
  const store = (await access.storeExists()) ? await access.readStore() : undefined;
  const estimate = new Estimate(access, params, store, store && (await ArchivedSteps.of(store)));
  const items: PlanItem[] = [];
  for (const item of selected) items.push(await estimate.of(item));
  const total = (member: 'bytesOriginal' | 'bytesEstimated'): number =>
    items.filter((item) => item.action === 'archive').reduce((sum, item) => sum + item[member], 0);
  return {
    items,
    bytesOriginal: total('bytesOriginal'),
    bytesEstimated: total('bytesEstimated'),
    bytesFree: await new LocalBackend(access.storePath).freeBytes(),
  };
}
