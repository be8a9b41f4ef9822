/** The contents of a store: where each lies, what it needs, and how the native decoder gets at it. */
import type { StoredBlocks } from '../codec/binding.ts';
import { neededLength, roles } from '../codec/elements.ts';
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { BlobIndex } from './blob-index.ts';
import type { BlobEntry, Digest } from './blob-source.ts';
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
  readonly #mode: 'read' | 'write';
  /** When a pack's file was last seen. */
  readonly #seenMs = new Map<string, number>();

  constructor(backend: Backend, reader: PackReader, index: BlobIndex, mode: 'read' | 'write') {
    this.#backend = backend;
    this.#reader = reader;
    this.#index = index;
    this.#mode = mode;
  }

  /** Where a content is stored, and how. */
  async lookup(digest: Digest): Promise<FoundBlob | undefined> {
    await this.#index.load();
    if (this.#mode === 'read') await this.#index.keepUp();
    // A writer knows all packs: they are its own. A reader looks again, once.
    if (!this.#index.find(digest) && this.#mode === 'read') await this.#index.refresh();
    let place = this.#index.find(digest);
    if (!place) return undefined;
    if (this.#mode === 'read' && !(await this.#isThere(place.packId))) {
      await this.#index.refresh();
      place = this.#index.find(digest);
      if (!place) return undefined;
    }
    return { packId: place.packId, entry: (await this.#reader.table(place.packId)).entry(place.index) };
  }

  /**
   * How many deltas must be applied to decode a content: the most bases on any way down through what it needs.
   *
   * @throws CairnError `not_found`, `damaged` where needs form a circle.
   */
  async depthOf(digest: Digest): Promise<number> {
    return this.#depthOf(digest, 0, new Map());
  }

  async #depthOf(digest: Digest, above: number, known: Map<Digest, number>): Promise<number> {
    const held = known.get(digest);
    if (above > maxDepth || (held ?? 0) > maxDepth) throw tooDeep(digest);
    if (held !== undefined) return held;
    let depth = 0;
    for (const need of (await this.#blob(digest)).entry.needs) {
      depth = Math.max(depth, (need.role === roles.base ? 1 : 0) + (await this.#depthOf(need.digest, above + 1, known)));
    }
    if (depth > maxDepth) throw tooDeep(digest);
    known.set(digest, depth);
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
    const [checked, depths] = [new Set<Digest>(), new Map<Digest, number>()];
    for (const digest of manifest.blobs) {
      lengths.push((await this.#blob(digest)).entry.rawLength);
      await this.#checkNeeds(digest, packs, checked);
      await this.#depthOf(digest, 0, depths);
    }
    const problem = problemOfLengths(manifest, lengths);
    if (problem) throw new CairnError('internal', `the manifest of ${manifest.run.name}@${manifest.step}: ${problem}; please report it`);
    return packs;
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

  async #checkNeeds(digest: Digest, packs: Set<string>, checked: Set<Digest>): Promise<void> {
    const waiting = [digest];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (checked.has(next)) continue;
      checked.add(next);
      const { packId, entry } = await this.#blob(next);
      packs.add(packId);
      for (const need of entry.needs) {
        assertFits((await this.#blob(need.digest)).entry, entry, need.role);
        waiting.push(need.digest);
      }
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
    for (const { role, digest } of entry.needs) {
      const needed = await this.#blob(digest);
      assertFits(needed.entry, entry, role);
      const neededPath = this.#backend.localPath(nameOfPack(needed.packId));
      needs.push({
        role,
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

/** True where a blob has the length, element and block size that another needs in a role. */
export function fits(needed: BlobEntry, blob: BlobEntry, role: number): boolean {
  const { element, length } = neededLength(role, blob.element, blob.rawLength);
  return needed.rawLength === length && needed.element === element && needed.blockLog2 === blob.blockLog2;
}

/** @throws CairnError `damaged` where it has not. */
export function assertFits(needed: BlobEntry, blob: BlobEntry, role: number): void {
  if (fits(needed, blob, role)) return;
  throw new CairnError(
    'damaged',
    `content ${blob.digest}: what it needs, ${needed.digest}, has another length or element; run cairn verify --structure`,
  );
}

function tooDeep(digest: Digest): CairnError {
  return new CairnError('damaged', `content ${digest}: more than ${maxDepth} bases, or bases in a circle; run cairn verify --structure`);
}
