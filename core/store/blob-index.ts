/**
 * Where each content lies: digest -> pack and place in its table. Built from the tables of all packs, or from a cache
 * keyed by pack (packs never change). Holds one map entry a content; everything else is read again when asked for.
 */
import type { CairnError } from '../contract/errors.ts';
import { toCairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { Digest } from './blob-source.ts';
import { forEachBounded } from './bounded.ts';
import { toHex } from './hashing.ts';
import { condemnedIdOf } from './condemned.ts';
import { packIdOf, type PackReader } from './pack-reader.ts';

/** Remembers which contents a pack holds, so that opening a store needs no pack's table. The catalogue may be one. */
export interface IndexCache {
  /** Digests of the pack's blobs, 32 bytes each, in the order of its table; undefined where not known. */
  load(packId: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  save(packId: string, digests: Uint8Array): void | Promise<void>;
  forget(packId: string): void | Promise<void>;
}

export interface BlobPlace {
  packId: string;
  /** Position in the pack's table. */
  index: number;
}

/** A place is one number, pack number * 2^24 + index: no table has as many blobs (`maxTableBytes`). */
const indexSpan = 2 ** 24;
const parallelReads = 16;
/** How long a reader goes by what it knows of condemned packs; prune waits several times as long before it removes them. */
const marksLastMs = 250;

export class BlobIndex {
  /** Packs whose table could not be read, and why. They are left alone and serve nothing. */
  readonly unreadable = new Map<string, CairnError>();
  readonly #backend: Backend;
  readonly #reader: PackReader;
  readonly #cache: IndexCache | undefined;
  readonly #places = new Map<Digest, number>();
  /** Further places of contents that lie in several packs (after an interrupted prune). */
  readonly #further = new Map<Digest, number[]>();
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  /** Packs that are about to go: their contents are taken from elsewhere where they can be. */
  #condemned = new Set<string>();
  #marksReadMs = -Infinity;
  #changes = 0;
  #loading: Promise<void> | undefined;
  #loaded = false;

  constructor(backend: Backend, reader: PackReader, cache?: IndexCache) {
    this.#backend = backend;
    this.#reader = reader;
    this.#cache = cache;
  }

  get blobCount(): number {
    return this.#places.size;
  }

  /** Grows whenever a place comes or goes, or a pack is condemned. */
  get changes(): number {
    return this.#changes;
  }

  /** Ids of the packs that serve contents, sorted. */
  packIds(): string[] {
    return [...this.#packNumbers.keys()].sort();
  }

  /** Reads what is not known yet, once. */
  async load(): Promise<void> {
    if (!this.#loaded) await this.refresh();
  }

  /** Looks at the folder again: new packs are read, packs that are gone are dropped. */
  refresh(): Promise<void> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Every place of a content; which of several is decoded, `Copies` knows. */
  places(digest: Digest): BlobPlace[] {
    const first = this.#places.get(digest);
    return first === undefined ? [] : [first, ...(this.#further.get(digest) ?? [])].map((place) => this.#placeOf(place));
  }

  /** True where a pack that is to stay has the content, so that it needn't be stored again. */
  holds(digest: Digest): boolean {
    return this.places(digest).some(({ packId }) => !this.#condemned.has(packId));
  }

  isCondemned(packId: string): boolean {
    return this.#condemned.has(packId);
  }

  /** For readers that stay: looks at the folder again where packs were condemned since it was last looked at. */
  async keepUp(): Promise<void> {
    const now = performance.now();
    if (now - this.#marksReadMs < marksLastMs) return;
    this.#marksReadMs = now;
    const marked = await this.#readMarks();
    if ([...marked].some((id) => !this.#condemned.has(id) && this.#packNumbers.has(id))) await this.refresh();
  }

  /** Takes the pack's contents from elsewhere from now on (or no longer). */
  condemn(packId: string, condemned = true): void {
    if (condemned) this.#condemned.add(packId);
    else this.#condemned.delete(packId);
    this.#changes++;
  }

  /** @param digests 32 bytes each, in the order of the pack's table */
  add(packId: string, digests: Uint8Array): void {
    if (this.#packNumbers.has(packId)) return;
    const number = this.#packIds.push(packId) - 1;
    this.#packNumbers.set(packId, number);
    this.#changes++;
    for (let index = 0; index * 32 < digests.length; index++) {
      this.#addPlace(toHex(digests.subarray(index * 32, index * 32 + 32)), number * indexSpan + index);
    }
  }

  async drop(packId: string): Promise<void> {
    const number = this.#packNumbers.get(packId);
    this.unreadable.delete(packId);
    this.#condemned.delete(packId);
    this.#reader.forget(packId);
    await this.#cache?.forget(packId);
    if (number === undefined) return;
    this.#packNumbers.delete(packId);
    this.#changes++;
    const elsewhere = (place: number) => Math.floor(place / indexSpan) !== number;
    for (const [digest, places] of this.#further) this.#setFurther(digest, places.filter(elsewhere));
    for (const [digest, place] of this.#places) if (!elsewhere(place)) this.#promote(digest);
  }

  async #read(): Promise<void> {
    // Marks before packs: what stands in for a condemned pack was there before its mark.
    const condemned = await this.#readMarks();
    const names = await this.#backend.list('packs');
    const present = new Set(names.map(packIdOf).filter((id) => id !== undefined));
    for (const id of [...this.#packNumbers.keys(), ...this.unreadable.keys()]) if (!present.has(id)) await this.drop(id);
    const found = new Map<string, Uint8Array>();
    const unknown = [...present].filter((id) => !this.#packNumbers.has(id));
    await forEachBounded(unknown, parallelReads, async (id) => {
      const digests = await this.#digestsOf(id);
      if (digests) found.set(id, digests);
    });
    for (const [id, digests] of found) this.add(id, digests);
    this.#condemned = condemned;
    this.#changes++;
    this.#loaded = true;
  }

  async #digestsOf(packId: string): Promise<Uint8Array | undefined> {
    const cached = await this.#cache?.load(packId);
    if (cached) return cached;
    try {
      const digests = (await this.#reader.table(packId)).digests();
      this.unreadable.delete(packId);
      await this.#cache?.save(packId, digests);
      return digests;
    } catch (thrown) {
      const error = toCairnError(thrown);
      // Gone since it was listed: pruned by a writer, which is no fault.
      if (error.code !== 'not_found') this.unreadable.set(packId, error);
      return undefined;
    }
  }

  #addPlace(digest: Digest, place: number): void {
    if (this.#places.has(digest)) this.#setFurther(digest, [...(this.#further.get(digest) ?? []), place]);
    else this.#places.set(digest, place);
  }

  #placeOf(place: number): BlobPlace {
    return { packId: this.#packIds[Math.floor(place / indexSpan)]!, index: place % indexSpan };
  }

  async #readMarks(): Promise<Set<string>> {
    const names = await this.#backend.list('condemned');
    return new Set(names.map(condemnedIdOf).filter((id) => id !== undefined));
  }

  #promote(digest: Digest): void {
    const [next, ...rest] = this.#further.get(digest) ?? [];
    if (next === undefined) this.#places.delete(digest);
    else this.#places.set(digest, next);
    this.#setFurther(digest, rest);
  }

  #setFurther(digest: Digest, places: number[]): void {
    if (places.length === 0) this.#further.delete(digest);
    else this.#further.set(digest, places);
  }
}
