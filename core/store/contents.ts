/** The contents of a store: where each lies, what it needs, and how the native decoder gets at it. */
import type { StoredBlocks } from '../codec/binding.ts';
import { roles } from '../codec/elements.ts';
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import type { BlobEntry, BlobNeed, Digest } from './blob-source.ts';
import { Copies } from './copies.ts';
import { assertFits, fits } from './form.ts';
import type { Manifest } from './manifest.ts';
import { blockSpan } from './pack-format.ts';
import { nameOfPack, type PackReader } from './pack-reader.ts';

/** Readers follow no more bases than this, FORMAT.md section 2. */
export const maxDepth = 64;
const packSeenForMs = 250;

/** Blobs that one content needs, counted along every path: what a sound store has, many times over. */
const maxNeeds = 4096;

export interface FoundBlob {
  packId: string;
  entry: BlobEntry;
}

export class Contents {
  readonly #backend: Backend;
  readonly #reader: PackReader;
  readonly #index: BlobIndex;
  readonly #copies: Copies;
  readonly #mode: 'read' | 'write';
  /** When a pack's file was last seen. */
  readonly #seenMs = new Map<string, number>();

  constructor(backend: Backend, reader: PackReader, index: BlobIndex, mode: 'read' | 'write') {
    this.#backend = backend;
    this.#reader = reader;
    this.#index = index;
    this.#copies = new Copies(index, reader);
    this.#mode = mode;
  }

  /** Where a content is stored, and how: of several copies the one to decode. */
  async lookup(digest: Digest): Promise<FoundBlob | undefined> {
    const [first] = await this.#places(digest, (sought) => this.#copies.placesOf(sought));
    return first && this.#blobAt(first);
  }

  /** What of a content must stay: the copy to decode, and the best of each other form it is stored in, for what needs that. */
  async served(digest: Digest): Promise<FoundBlob[]> {
    const places = await this.#places(digest, (sought) => this.#copies.servedPlaces(sought));
    return Promise.all(places.map((place) => this.#blobAt(place)));
  }

  /**
   * How many deltas must be applied to decode a content: the most bases on any way down through what it needs.
   *
   * @throws CairnError `not_found`, `damaged` where needs form a circle.
   */
  async depthOf(digest: Digest): Promise<number> {
    return this.#depthOf((await this.#blob(digest)).entry, 0, new Map());
  }

  /** @param known depths by digest and form */
  async #depthOf(blob: BlobEntry, above: number, known: Map<string, number>): Promise<number> {
    const key = `${blob.digest} ${blob.element} ${blob.blockLog2}`;
    const held = known.get(key);
    if (above > maxDepth || (held ?? 0) > maxDepth) throw tooDeep(blob.digest);
    if (held !== undefined) return held;
    let depth = 0;
    for (const need of blob.needs) {
      const needed = await this.#depthOf((await this.#needed(blob, need)).entry, above + 1, known);
      depth = Math.max(depth, (need.role === roles.base ? 1 : 0) + needed);
    }
    if (depth > maxDepth) throw tooDeep(blob.digest);
    known.set(key, depth);
    return depth;
  }

  /**
   * Describes consecutive blocks of a content for the native decoder, with the same blocks of everything they need.
   *
   * @param count blocks; absent: all from `firstBlock`
   * @throws CairnError `not_found`, `damaged` where a base does not fit or bases form a circle, `bad_request` outside the blob.
   */
  async storedBlocks(digest: Digest, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    try {
      return await this.#storedBlocksOf(digest, firstBlock, count);
    } catch (thrown) {
      if (this.#mode !== 'read' || toCairnError(thrown).code !== 'not_found') throw thrown;
      // A pack went while its blobs were looked up: prune has put what is needed elsewhere.
      await this.#index.refresh();
      return this.#storedBlocksOf(digest, firstBlock, count);
    }
  }

  /** The same for an entry of a pack that is not published yet: its blocks in the file at `path`, their bases in the store. */
  async storedBlocksAt(path: string, entry: BlobEntry, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    return this.#storedBlocks(path, entry, firstBlock, count, 0, { left: maxNeeds });
  }

  /**
   * Checks that all that a manifest names can be decoded: every content and base is there, bases fit, lengths are those the
   * files need. Returns the packs that hold them.
   *
   * @throws CairnError `not_found`, `damaged`, `internal`.
   */
  async check(manifest: Manifest): Promise<Set<string>> {
    const packs = new Set<string>();
    const lengths: number[] = [];
    const [checked, depths] = [new Set<string>(), new Map<string, number>()];
    for (const digest of manifest.blobs) {
      const found = await this.#blob(digest);
      lengths.push(found.entry.rawLength);
      await this.#checkNeeds(found, packs, checked);
      await this.#depthOf(found.entry, 0, depths);
    }
    const problem = problemOfLengths(manifest, lengths);
    if (problem) throw new CairnError('internal', `the manifest of ${manifest.run.name}@${manifest.step}: ${problem}; please report it`);
    return packs;
  }

  /** A writer knows all packs: they are its own. A reader looks again, once, where a content or its pack is gone. */
  async #places(digest: Digest, placesOf: (digest: Digest) => Promise<BlobPlace[]>): Promise<BlobPlace[]> {
    await this.#index.load();
    if (this.#mode === 'write') return placesOf(digest);
    await this.#index.keepUp();
    const places = await placesOf(digest);
    const there = await Promise.all(places.map(({ packId }) => this.#isThere(packId)));
    if (places.length > 0 && there.every(Boolean)) return places;
    await this.#index.refresh();
    return placesOf(digest);
  }

  async #blobAt({ packId, index }: BlobPlace): Promise<FoundBlob> {
    return { packId, entry: (await this.#reader.table(packId)).entry(index) };
  }

  /** What a blob needs, in the form it needs. @throws CairnError `not_found`, `damaged` where no copy fits. */
  async #needed(blob: BlobEntry, { role, digest }: BlobNeed): Promise<FoundBlob> {
    const first = await this.#blob(digest);
    if (fits(first.entry, blob, role)) return first;
    const fitting = (await this.served(digest)).find(({ entry }) => fits(entry, blob, role));
    if (!fitting) assertFits(first.entry, blob, role);
    return fitting!;
  }

  /** Packs come and go while a reader stays; each is looked at again after a while. */
  async #isThere(packId: string): Promise<boolean> {
    const now = performance.now();
    if (now - (this.#seenMs.get(packId) ?? -Infinity) < packSeenForMs) return true;
    if (!(await this.#backend.stat(nameOfPack(packId)))) {
      this.#seenMs.delete(packId);
      return false;
    }
    this.#seenMs.set(packId, now);
    return true;
  }

  async #storedBlocksOf(digest: Digest, firstBlock: number, count: number | undefined): Promise<StoredBlocks> {
    const { packId, entry } = await this.#blob(digest);
    return this.#storedBlocks(this.#backend.localPath(nameOfPack(packId)), entry, firstBlock, count, 0, { left: maxNeeds });
  }

  async #checkNeeds(found: FoundBlob, packs: Set<string>, checked: Set<string>): Promise<void> {
    const waiting = [found];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const key = `${next.packId} ${next.entry.offset} ${next.entry.digest}`;
      if (checked.has(key)) continue;
      checked.add(key);
      packs.add(next.packId);
      for (const need of next.entry.needs) waiting.push(await this.#needed(next.entry, need));
    }
  }

  async #blob(digest: Digest): Promise<FoundBlob> {
    const found = await this.lookup(digest);
    if (!found)
      throw new CairnError('not_found', `content ${digest}: it is in no pack of ${this.#backend.place}; run cairn verify --structure`);
    return found;
  }

  async #storedBlocks(
    path: string,
    entry: BlobEntry,
    firstBlock: number,
    count: number | undefined,
    depth: number,
    budget: { left: number },
  ): Promise<StoredBlocks> {
    if (depth > maxDepth || budget.left-- === 0) throw tooDeep(entry.digest);
    const end = count === undefined ? entry.lengths.length : firstBlock + count;
    if (firstBlock < 0 || firstBlock > end || end > entry.lengths.length) {
      throw new CairnError('bad_request', `content ${entry.digest}: has ${entry.lengths.length} blocks, not ${firstBlock} to ${end}`);
    }
    const span = blockSpan(entry);
    const needs: StoredBlocks['needs'] = [];
    for (const need of entry.needs) {
      const needed = await this.#needed(entry, need);
      const neededPath = this.#backend.localPath(nameOfPack(needed.packId));
      needs.push({
        role: need.role,
        source: { stored: await this.#storedBlocks(neededPath, needed.entry, firstBlock, end - firstBlock, depth + 1, budget) },
      });
    }
    return {
      path,
      offset: entry.offset + entry.lengths.subarray(0, firstBlock).reduce((sum, length) => sum + length, 0),
      element: entry.element,
      blockLog2: entry.blockLog2,
      rawLength: Math.min(end * span, entry.rawLength) - Math.min(firstBlock * span, entry.rawLength),
      // Copies, not views: a view posted to a worker would take the whole buffer along.
      lengths: entry.lengths.slice(firstBlock, end),
      checksums: entry.checksums.slice(firstBlock, end),
      needs,
    };
  }
}

/**
 * Checks a manifest against the lengths of its contents, which only the packs know.
 *
 * @param lengths bytes of each of the manifest's blobs, or undefined where it is not known
 * @returns what is wrong, or undefined
 */
export function problemOfLengths(manifest: Manifest, lengths: (number | undefined)[]): string | undefined {
  for (const { path, size, parts, rest } of manifest.files) {
    const wrong = parts.find(([, length, blob]) => length !== (lengths[blob] ?? length));
    if (wrong) return `${path}: a part of ${wrong[1]} bytes is a content of ${lengths[wrong[2]]}`;
    const restLength = size - parts.reduce((sum, [, length]) => sum + length, 0);
    if (rest !== -1 && restLength !== (lengths[rest] ?? restLength))
      return `${path}: its remainder of ${restLength} bytes is a content of ${lengths[rest]}`;
  }
  return undefined;
}

/** Digest of the content that a blob is decoded against. */
export function baseOf(entry: BlobEntry): Digest | undefined {
  return entry.needs.find(({ role }) => role === roles.base)?.digest;
}

function tooDeep(digest: Digest): CairnError {
  return new CairnError('damaged', `content ${digest}: more than ${maxDepth} bases, or bases in a circle; run cairn verify --structure`);
}
