/**
 * The snapshot that a run was started from. A run without an earlier snapshot of its own may be a fine-tune of something
 * that the store holds: then its first checkpoint has the same tensors, and bits like theirs. So:
 * 1. of every run's newest snapshot, see how much of the checkpoint pairs by name, dtype and shape;
 * 2. code some blocks with and without those that fit best, and take the smallest;
 * 3. within its run, try other steps in the same way.
 * Bits that are no nearer than strangers' save nothing, and the checkpoint stays a keyframe.
 */
import type { RawSource } from '../../codec/binding.ts';
import { elementWidths, roles } from '../../codec/elements.ts';
import type { CodecPool } from '../../codec/pool.ts';
import { toCairnError } from '../../contract/errors.ts';
import type { CodingMethod } from '../../contract/model.ts';
import { spread } from '../../plan/cost.ts';
import { planSnapshot, type PlanFile, type PlannedContent } from '../../plan/planner.ts';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import { readCheckpoint, type CheckpointFile } from '../../scan/read-checkpoint.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import { baseSetOf, Originals } from './base-set.ts';
import { kindOf, type ArchivedSteps } from './selection.ts';

/** Runs whose newest snapshot is looked at, and coded against. */
const mostRuns = 256;
const mostCodedRuns = 8;
const mostSteps = 6;
const samples = 6;
/** Less of the checkpoint's tensor bytes in common, and it is another model. */
const leastShare = 0.5;
/** A base must save this much of what the samples take without it: it costs a level of depth, and ties two runs together. */
const worthwhile = 0.95;

export interface AncestorOptions {
  method: CodingMethod;
  maxDepth: number;
  pool: CodecPool;
  cancel: Int32Array;
}

export interface Ancestor {
  id: string;
  manifest: Manifest;
}

interface Candidate extends Ancestor {
  /** Samples' bytes coded with this base, over those without. */
  ratio: number;
}

/** The block in the middle: ends of tensors are more often padding. */
function middleBlock(content: PlannedContent): { offset: number; length: number } {
  const blockBytes = elementWidths[content.element] * 2 ** content.blockLog2;
  const offset = Math.floor(Math.floor(content.length / blockBytes) / 2) * blockBytes;
  return { offset, length: Math.min(blockBytes, content.length - offset) };
}

/** Of the largest, because they decide; the same ones at every call. */
function chooseSamples(paired: readonly PlannedContent[]): PlannedContent[] {
  const largest = paired.toSorted((a, b) => b.length - a.length).slice(0, samples * 4);
  return spread(largest, samples);
}

class Search {
  readonly #store: Store;
  readonly #files: CheckpointFile[];
  readonly #planFiles: PlanFile[];
  readonly #options: AncestorOptions;

  constructor(store: Store, files: CheckpointFile[], options: AncestorOptions) {
    this.#store = store;
    this.#files = files;
    this.#planFiles = files.map(({ found, layout }) => ({
      path: found.path,
      size: found.size,
      parts: layout.parts,
      tensors: layout.tensors,
    }));
    this.#options = options;
  }

  /** Share of the checkpoint's tensor bytes that are of these kinds. */
  shareOf(kinds: ReadonlySet<string>): number {
    let [paired, all] = [0, 0];
    for (const { parts, tensors } of this.#planFiles) {
      const seen = new Set<number>();
      for (const tensor of tensors) {
        if (seen.has(tensor.part)) continue;
        seen.add(tensor.part);
        const bytes = parts[tensor.part]?.length ?? 0;
        all += bytes;
        if (kinds.has(kindOf(tensor))) paired += bytes;
      }
    }
    return all === 0 ? 0 : paired / all;
  }

  /** The candidate coded against; undefined where too little of it may serve as base, or it can't be read. */
  async weigh({ id, manifest }: Ancestor): Promise<Candidate | undefined> {
    try {
      const bases = await baseSetOf(this.#store, manifest);
      const { contents } = planSnapshot(this.#planFiles, { bases, maxDepth: this.#options.maxDepth });
      const tensors = contents.filter((content) => content.coding === 'tensor' && content.length > 0);
      const paired = tensors.filter((content) => content.base);
      const bytes = (list: readonly PlannedContent[]): number => list.reduce((sum, content) => sum + content.length, 0);
      if (paired.length === 0 || bytes(paired) < leastShare * bytes(tensors)) return undefined;
      return { id, manifest, ratio: await this.#ratio(chooseSamples(paired), await Originals.of(manifest)) };
    } catch (thrown) {
      // A snapshot that can't be read is no base; that it is damaged is for verify to say.
      if (toCairnError(thrown).code === 'cancelled') throw thrown;
      return undefined;
    }
  }

  async #ratio(chosen: readonly PlannedContent[], originals: Originals): Promise<number> {
    const { pool, method, cancel } = this.#options;
    const items = await Promise.all(
      chosen.map(async (content) => {
        const { offset, length } = middleBlock(content);
        const base: RawSource = await originals.sourceOf(this.#store, content.base!, true)(offset, length);
        const source = { path: this.#files[content.file]!.path, offset: content.ranges[0]!.offset + offset, length };
        const { element, blockLog2 } = content;
        return { source, element, blockLog2, method, firstChunk: 0, whole: true, needs: [{ role: roles.base, source: base }] };
      }),
    );
    const sizes = await Promise.all(
      [items, items.map((item) => ({ ...item, needs: [] }))].map(async (request) => {
        const { slot, items: coded } = await pool.encode({ items: request, cancel });
        await pool.release(slot);
        return coded.reduce((sum, item) => sum + item.storedLength, 0);
      }),
    );
    return sizes[0]! / sizes[1]!;
  }
}

function best(candidates: readonly (Candidate | undefined)[]): Candidate | undefined {
  return candidates.filter((candidate) => candidate !== undefined).toSorted((a, b) => a.ratio - b.ratio)[0];
}

async function weighAll(search: Search, snapshots: readonly Ancestor[]): Promise<Candidate | undefined> {
  const weighed: (Candidate | undefined)[] = [];
  for (const snapshot of snapshots) weighed.push(await search.weigh(snapshot));
  return best(weighed);
}

async function read(archived: ArchivedSteps, ids: readonly string[]): Promise<Ancestor[]> {
  const found: Ancestor[] = [];
  for (const id of ids) {
    const manifest = await archived.manifest(id).catch(() => undefined);
    if (manifest) found.push({ id, manifest });
  }
  return found;
}

/** Newest snapshots of runs that have most of the checkpoint's tensors, the best first. */
async function likely(search: Search, archived: ArchivedSteps): Promise<Ancestor[]> {
  const found: { id: string; share: number }[] = [];
  for (const { id } of archived.newestOfRuns().slice(0, mostRuns)) {
    const share = search.shareOf(await archived.kinds(id));
    if (share >= leastShare) found.push({ id, share });
  }
  const best = found.toSorted((a, b) => b.share - a.share).slice(0, mostCodedRuns);
  return read(
    archived,
    best.map(({ id }) => id),
  );
}

function otherSteps(archived: ArchivedSteps, { id, manifest }: Ancestor): Promise<Ancestor[]> {
  const others = archived.ofRun(manifest.run.path).filter((snapshot) => snapshot.id !== id);
  return read(
    archived,
    spread(others, mostSteps).map((snapshot) => snapshot.id),
  );
}

/**
 * Looks through the store for what the checkpoint's run was started from.
 *
 * @param checkpoint the first of its run that is archived
 * @returns undefined where nothing is near enough
 * @throws CairnError `bad_input` where the checkpoint is damaged, `cancelled`, `io`
 */
async function findAncestor(
  store: Store,
  archived: ArchivedSteps,
  checkpoint: FoundCheckpoint,
  options: AncestorOptions,
): Promise<Ancestor | undefined> {
  if (archived.newestOfRuns().length === 0) return undefined;
  const search = new Search(store, await readCheckpoint(checkpoint), options);
  const nearest = await weighAll(search, await likely(search, archived));
  if (!nearest || nearest.ratio > worthwhile) return undefined;
  return best([nearest, await weighAll(search, await otherSteps(archived, nearest))]);
}

/** The snapshot that a checkpoint's deltas are taken against: the one before it in its run, else what the run was started from. */
export async function findBase(
  store: Store,
  archived: ArchivedSteps,
  run: FoundRun,
  checkpoint: FoundCheckpoint,
  options: AncestorOptions,
): Promise<Ancestor | undefined> {
  return (await archived.before(run, checkpoint.step)) ?? findAncestor(store, archived, checkpoint, options);
}
