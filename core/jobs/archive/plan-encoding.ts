/** A plan on its way into the store: what an earlier attempt published is known, the rest is coded. */
import type { FileRange } from '../../codec/binding.ts';
import type { EncodedContent } from '../../codec/encode.ts';
import type { Content } from '../../codec/pieces.ts';
import type { Companion } from '../../plan/companions.ts';
import type { PlannedContent, SnapshotPlan } from '../../plan/planner.ts';
import type { CheckpointFile } from '../../scan/read-checkpoint.ts';
import type { Store } from '../../store/store.ts';
import type { Originals } from './base-set.ts';
import type { CheckpointOptions } from './checkpoint-options.ts';
import type { FileTimes, StoredContent } from './durable.ts';
import { defaultPackRawBytes, encodePacks } from './encode-packs.ts';

/** Reads the piece of a companion that stands for a piece of what it says something of. */
function companionOf(
  planned: PlannedContent,
  files: readonly CheckpointFile[],
  companion: Companion,
  digest: string,
): NonNullable<Content['companion']> {
  const path = files[planned.file]!.path;
  const start = planned.ranges[0]!.offset;
  return { role: companion.role, digest, piece: (offset, length) => ({ file: { path, offset: start + offset, length } }) };
}

/** What is coded, with the base that it may be coded against. */
export function contentOf(
  planned: PlannedContent,
  files: readonly CheckpointFile[],
  bases: { store: Store; originals?: Originals; usable: boolean },
): Content {
  const { path } = files[planned.file]!;
  const { length, element, blockLog2, coding, base, columns } = planned;
  const rows = columns === undefined ? {} : { columns };
  const ranges = planned.ranges.map((range) => ({ path, ...range }));
  if (!base || !bases.originals) return { ranges, length, element, blockLog2, coding, ...rows };
  return {
    ranges,
    length,
    element,
    blockLog2,
    coding,
    ...rows,
    base: { digest: base.digest, piece: bases.originals.sourceOf(bases.store, base, bases.usable) },
  };
}

export class PlanEncoding {
  readonly #store: Store;
  readonly #plan: SnapshotPlan;
  readonly #times: FileTimes;
  readonly #options: CheckpointOptions;
  /** A checkpoint of one pack has nothing to go on from. */
  readonly #isLong: boolean;
  readonly #onRead: (range: FileRange) => void;
  /** In the plan's order. */
  readonly stored: StoredContent[] = [];

  /** @param onRead told what was read of the files, in the order in which it is coded */
  constructor(store: Store, plan: SnapshotPlan, times: FileTimes, options: CheckpointOptions, onRead: (range: FileRange) => void) {
    this.#store = store;
    this.#plan = plan;
    this.#times = times;
    this.#options = options;
    this.#onRead = onRead;
    this.#isLong = plan.contents.reduce((sum, { length }) => sum + length, 0) > (options.packRawBytes ?? defaultPackRawBytes);
  }

  /**
   * Contents without companions first: packs are proved from what the store has, so what a content needs must be in an
   * earlier pack.
   */
  async run(content: (planned: PlannedContent) => Content): Promise<void> {
    const { contents } = this.#plan;
    const indices = [...contents.keys()];
    const [first, second] = [false, true].map((has) => indices.filter((index) => (contents[index]!.companion !== undefined) === has));
    await this.#encode(first!, content);
    await this.#encode(second!, (planned) => {
      const companion = planned.companion!;
      const { digest } = this.stored[companion.content]!;
      return { ...content(planned), companion: companionOf(contents[companion.content]!, this.#times.files, companion, digest) };
    });
  }

  async #encode(indices: number[], content: (planned: PlannedContent) => Content): Promise<void> {
    const planned = new Map<Content, PlannedContent>();
    const places = new Map<Content, number>();
    for (const index of indices) {
      if (await this.#isStored(index)) continue;
      const wanted = content(this.#plan.contents[index]!);
      planned.set(wanted, this.#plan.contents[index]!);
      places.set(wanted, index);
    }
    const onDurable = (encoded: readonly EncodedContent[]): void => {
      for (const one of encoded) this.stored[places.get(one.content)!] = storedOf(one);
      if (!this.#isLong) return;
      this.#options.durable.add(
        encoded.map((one) => ({ planned: planned.get(one.content)!, stored: storedOf(one) })),
        this.#times,
      );
    };
    await encodePacks(this.#store, [...places.keys()], this.#options, { onRead: this.#onRead, onDurable });
  }

  /** Its bytes count as coded and as proved. */
  async #isStored(index: number): Promise<boolean> {
    const planned = this.#plan.contents[index]!;
    const stored = await this.#options.durable.find(planned, this.#times);
    if (!stored) return false;
    this.stored[index] = stored;
    this.#options.onBytes('archive', planned.length);
    this.#options.onBytes('prove', planned.length);
    return true;
  }
}

const storedOf = ({ digest, offset }: EncodedContent): StoredContent => ({ digest, isNew: offset !== undefined });
