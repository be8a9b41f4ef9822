/**
 * What an archive would do and about what it would take: the same planning as the archive's own, with samples of the
 * tensors really coded, and nothing written.
 */
import type { Need, RawSource } from '../../codec/binding.ts';
import { elementWidths, neededLength, roles, tensorBlockLog2 } from '../../codec/elements.ts';
import type { CodecPool } from '../../codec/pool.ts';
import type { Plan, PlanItem } from '../../contract/model.ts';
import { estimateBytes, spread, type Sample } from '../../plan/cost.ts';
import { BaseSet } from '../../plan/pairing.ts';
import { defaultMaxDepth, planSnapshot, type PlanFile, type PlannedContent } from '../../plan/planner.ts';
import { scan } from '../../scan/scanner.ts';
import { LocalBackend } from '../../store/backends/local.ts';
import type { Store } from '../../store/store.ts';
import type { StageAccess } from '../job.ts';
import type { ArchiveParams } from './archive.ts';
import { findBase, type Ancestor } from './ancestor.ts';
import { baseSetOf, Originals } from './base-set.ts';
import { readCheckpoint, type CheckpointFile } from '../../scan/read-checkpoint.ts';
import { ArchivedSteps, refusalOf, selectCheckpoints, type Selected } from './selection.ts';

const samplesPerCheckpoint = 8;

/** The bases of a checkpoint, whether archived or only planned, with a way to read them. */
interface Bases {
  set: BaseSet;
  depth: number;
  read(content: PlannedContent, length: number): RawSource | Promise<RawSource>;
}

const planFilesOf = (files: CheckpointFile[]): PlanFile[] =>
  files.map(({ found, layout }) => ({ path: found.path, size: found.size, parts: layout.parts, tensors: layout.tensors }));

/** What a checkpoint that is about to be archived will offer the next one. */
function plannedBases(files: CheckpointFile[], depth: number): Bases {
  const set = new BaseSet();
  const paths = new Map(files.map(({ found, path }) => [found.path, path]));
  for (const { found, layout } of files) {
    const named = new Set<number>();
    for (const tensor of layout.tensors) {
      const part = layout.parts[tensor.part];
      if (!part || named.has(tensor.part)) continue;
      named.add(tensor.part);
      const { length, element, offset } = part;
      set.add(
        { file: found.path, name: tensor.name, dtype: tensor.dtype, shape: tensor.shape },
        { digest: '', length, element, blockLog2: tensorBlockLog2, depth, file: found.path, offset },
      );
    }
  }
  return { set, depth, read: ({ base }, length) => ({ file: { path: paths.get(base!.file)!, offset: base!.offset, length } }) };
}

async function archivedBases(store: Store, before: Ancestor | undefined): Promise<Bases | undefined> {
  if (!before) return undefined;
  const originals = await Originals.of(before.manifest);
  return {
    set: await baseSetOf(store, before.manifest),
    depth: before.manifest.depth,
    read: ({ base }, length) => originals.sourceOf(store, base!, true)(0, length),
  };
}

async function sampleContent(
  pool: CodecPool,
  content: PlannedContent,
  companion: PlannedContent | undefined,
  files: CheckpointFile[],
  bases: Bases | undefined,
  method: 'cairn' | 'lmc',
  cancel: Int32Array,
): Promise<Sample> {
  const { path } = files[content.file]!;
  const length = Math.min(content.length, elementWidths[content.element] * 2 ** content.blockLog2);
  const source = { path, offset: content.ranges[0]!.offset, length };
  const needs: Need[] = content.base && bases ? [{ role: roles.base, source: await bases.read(content, length) }] : [];
  if (companion) {
    const needed = neededLength(content.companion!.role, content.element, length).length;
    const file = { path: files[companion.file]!.path, offset: companion.ranges[0]!.offset, length: needed };
    needs.push({ role: content.companion!.role, source: { file } });
  }
  const rows = content.columns === undefined ? {} : { columns: content.columns, firstColumn: 0 };
  const item = { source, element: content.element, blockLog2: content.blockLog2, method, needs, firstChunk: 0, whole: true, ...rows };
  const { slot, items } = await pool.encode({ items: [item], cancel });
  await pool.release(slot);
  return { rawBytes: length, storedBytes: items[0]!.storedLength };
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
    const samples = await this.#sample(contents, files, bases);
    this.#previous = { run: run.path, bases: plannedBases(files, depth) };
    return {
      ...item,
      action: 'archive',
      kind: isDelta ? 'delta' : 'keyframe',
      depth,
      bytesEstimated: estimateBytes(bytesOriginal, samples),
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

  /** The largest tensors weigh most, so they are preferred; the same ones at every call. */
  async #sample(contents: PlannedContent[], files: CheckpointFile[], bases: Bases | undefined): Promise<Sample[]> {
    const tensors = contents.filter((content) => content.coding === 'tensor').toSorted((a, b) => b.length - a.length);
    const chosen = spread(tensors.slice(0, samplesPerCheckpoint * 4), samplesPerCheckpoint);
    const pool = this.#access.pool(this.#params.threads);
    return Promise.all(
      chosen.map((content) =>
        sampleContent(
          pool,
          content,
          content.companion && contents[content.companion.content],
          files,
          bases,
          this.#params.method,
          this.#cancel,
        ),
      ),
    );
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
