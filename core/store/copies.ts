/**
 * Which copy of a content is decoded, where several packs have it (after a prune that was cut off, or one that coded it anew):
 * the one over the fewest bases, any way over a condemned pack last; of equals the one in the pack with the least id.
 *
 * A copy costs more than what each thing costs that it needs, so no choice leads in a circle, and a content that can be
 * decoded at all is: the costs are the least solution, as of shortest ways (Knuth, A Generalization of Dijkstra's Algorithm,
 * 1977). FORMAT.md section 6 has the rule.
 */
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import type { BlobNeed, Digest } from './blob-source.ts';
import { fits, isSameForm, type Form } from './form.ts';
import type { PackReader } from './pack-reader.ts';

/** More than the bases of any chain: what lies in packs that stay comes before what lies in one that goes. */
const condemnedCost = 2 ** 20;

interface Copy extends BlobPlace {
  form: Form;
  needs: BlobNeed[];
  /** Of the place alone, then with all it needs: Infinity where something of that is nowhere. */
  ownCost: number;
  cost: number;
}

export class Copies {
  readonly #index: BlobIndex;
  readonly #reader: PackReader;
  #ranked = new Map<Digest, Copy[]>();
  #changes = -1;

  constructor(index: BlobIndex, reader: PackReader) {
    this.#index = index;
    this.#reader = reader;
  }

  /** Every place of a content, the one to decode first. Tables are read only where there are several. */
  async placesOf(digest: Digest): Promise<BlobPlace[]> {
    const places = this.#index.places(digest);
    return places.length < 2 ? places : this.#rankedCopies(digest);
  }

  /** The place to decode, and where others have the content in other forms, the best of each of these too. */
  async servedPlaces(digest: Digest): Promise<BlobPlace[]> {
    const places = this.#index.places(digest);
    if (places.length < 2) return places;
    const copies = await this.#rankedCopies(digest);
    return copies.filter(({ form }, rank) => copies.findIndex((copy) => isSameForm(copy.form, form)) === rank);
  }

  async #rankedCopies(digest: Digest): Promise<Copy[]> {
    if (this.#changes !== this.#index.changes) [this.#ranked, this.#changes] = [new Map(), this.#index.changes];
    // Held here: should the index change meanwhile, this is what it was.
    const ranked = this.#ranked;
    if (!ranked.has(digest)) await this.#rank(digest, ranked);
    return ranked.get(digest)!;
  }

  /** Ranks the copies of a content and of everything it may need. */
  async #rank(digest: Digest, ranked: Map<Digest, Copy[]>): Promise<void> {
    const reached = new Map<Digest, Copy[]>();
    const waiting = [digest];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (reached.has(next)) continue;
      const copies = ranked.get(next) ?? (await this.#read(next));
      reached.set(next, copies);
      for (const { needs } of copies) for (const need of needs) waiting.push(need.digest);
    }
    settleCosts(reached);
    for (const [found, copies] of reached) ranked.set(found, copies.sort(byCost));
  }

  /** Copies in tables that can't be read are none. */
  async #read(digest: Digest): Promise<Copy[]> {
    const copies: Copy[] = [];
    for (const place of this.#index.places(digest)) {
      const table = await this.#reader.table(place.packId).catch(() => undefined);
      if (!table) continue;
      const { rawLength, element, blockLog2, needs } = table.entry(place.index);
      const ownCost = this.#index.isCondemned(place.packId) ? condemnedCost : 1;
      copies.push({ ...place, form: { rawLength, element, blockLog2 }, needs, ownCost, cost: Infinity });
    }
    return copies;
  }
}

/** Lowers costs until none changes: once for each base of the longest chain. */
function settleCosts(reached: ReadonlyMap<Digest, Copy[]>): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const copies of reached.values()) {
      for (const copy of copies) {
        const cost = costOf(copy, reached);
        if (cost < copy.cost) [copy.cost, changed] = [cost, true];
      }
    }
  }
}

function costOf({ form, needs, ownCost }: Copy, reached: ReadonlyMap<Digest, Copy[]>): number {
  let cost = 0;
  for (const { role, digest } of needs) {
    const fitting = reached.get(digest)!.filter((copy) => fits(copy.form, form, role));
    cost = Math.max(cost, Math.min(Infinity, ...fitting.map((copy) => copy.cost)));
  }
  return cost + ownCost;
}

function byCost(a: Copy, b: Copy): number {
  if (a.cost !== b.cost) return a.cost < b.cost ? -1 : 1;
  return a.packId < b.packId ? -1 : 1;
}
