/**
 * Keeps the catalogue's list of snapshots equal to the manifests of the store, which are the truth: other processes
 * archive and remove too. Names are compared; only manifests that are new are read.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CataloguedSnapshot } from '../catalogue/snapshots.ts';
import { toCairnError } from '../contract/errors.ts';
import type { Snapshot } from '../contract/model.ts';
import type { Manifest } from '../store/manifest.ts';
import { summarise } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import type { StoreAccess } from './store-access.ts';

/** Between two looks passes this many times what a look takes. */
const idleFactor = 5;
/** A folder whose names changed so shortly before a look may have changed again within the resolution of its clock. */
const settledMs = 2000;
/** However still the folder is, names are compared this often: the catalogue is a file too, and clocks of file servers may lag. */
const longestGapMs = 60_000;
const shortestGapMs = 500;
const savedAtOnce = 1000;

/** Stands for no store where the catalogue is asked: then only what is on disk is known. */
export const noStoreId = '';

export class SnapshotMirror {
  readonly #catalogue: Catalogue;
  readonly #access: StoreAccess;
  readonly #onChange: () => void;
  readonly #early: boolean;
  readonly #unreadable = new Set<string>();
  #seen: ReadonlySet<string> | undefined;
  #looking: Promise<string> | undefined;
  #storeId = noStoreId;
  /** Of the folder of manifests when names were last compared, where it had been still for a while. */
  #stillSince: { changedMs: number; comparedMs: number } | undefined;
  /** Clients were answered before the first look. */
  #answeredEarly = false;
  #validUntilMs = -Infinity;
  #stale = false;

  /**
   * @param onChange called where snapshots were found to have come or gone, by whoever's doing
   * @param early clients stay and hear of changes, so that they may be answered before a look
   */
  constructor(catalogue: Catalogue, access: StoreAccess, onChange: () => void, early: boolean) {
    this.#catalogue = catalogue;
    this.#access = access;
    this.#onChange = onChange;
    this.#early = early;
  }

  /** Brings the catalogue up to date unless that was done just now. @returns the id of the store, or `noStoreId` */
  sync(): Promise<string> {
    if (!this.#stale && performance.now() < this.#validUntilMs) return Promise.resolve(this.#storeId);
    if (!this.#stale && this.#looking) return this.#looking;
    this.#stale = false;
    const turn: Promise<string> = (this.#looking ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#look())
      .finally(() => {
        if (this.#looking === turn) this.#looking = undefined;
      });
    this.#looking = turn;
    return turn;
  }

  /**
   * The id of the store for an answer out of the catalogue. The very first is given before a look, where the catalogue knows the store
   * already: what it lacks is found behind the answer and told as a change. All others wait for a look, which costs nothing while the
   * store is still; so does the first where the service doesn't stay, since its one client hears of no change.
   */
  async forAnswer(): Promise<string> {
    if (!this.#early || this.#stale || this.#seen !== undefined || !(await this.#access.exists())) return this.sync();
    const { id } = await this.#access.read();
    if (!this.#catalogue.hasSnapshots(id)) return this.sync();
    this.#answeredEarly = true;
    void this.sync().catch(() => undefined); // told where it is waited for
    return id;
  }

  /** The next `sync` looks again, after a look under way, which may have begun before the change. */
  invalidate(): void {
    this.#stale = true;
    this.#stillSince = undefined;
  }

  save(storeId: string, id: string, manifest: Manifest): void {
    this.#catalogue.saveSnapshots(storeId, [listed(id, manifest)]);
  }

  /** Snapshots with the pins as they are now, whoever set them. */
  async withPins<T extends Snapshot>(snapshots: T[]): Promise<T[]> {
    if (snapshots.length === 0) return snapshots;
    const pins = await (await this.#access.read()).pins();
    return snapshots.map((snapshot) => ({ ...snapshot, pinned: pins.has(snapshot.id) }));
  }

  async #look(): Promise<string> {
    const startedMs = performance.now();
    if (await this.#access.exists()) this.#storeId = await this.#compareUnlessStill(await this.#access.read());
    else this.#forget();
    const nowMs = performance.now();
    this.#validUntilMs = nowMs + Math.max(shortestGapMs, (nowMs - startedMs) * idleFactor);
    return this.#storeId;
  }

  #forget(): void {
    this.#stillSince = undefined;
    this.#storeId = noStoreId;
    this.#tellOfChange(new Set());
  }

  async #compareUnlessStill(store: Store): Promise<string> {
    const startedMs = Date.now();
    const changedMs = await store.backend.changedMs('snapshots');
    const still = this.#stillSince;
    if (still?.changedMs === changedMs && still && startedMs - still.comparedMs < longestGapMs && store.id === this.#storeId)
      return store.id;
    const id = await this.#compare(store);
    const settled = changedMs !== undefined && Math.abs(startedMs - changedMs) > settledMs;
    this.#stillSince = settled ? { changedMs, comparedMs: startedMs } : undefined;
    return id;
  }

  async #compare(store: Store): Promise<string> {
    // In this order: one that is archived in between must not look as if it were gone.
    const known = this.#catalogue.snapshotIds(store.id);
    const stored = new Set(await store.snapshotIds());
    const gone = [...known].filter((id) => !stored.has(id));
    if (gone.length > 0) this.#catalogue.removeSnapshots(store.id, gone);
    const fresh = [...stored].filter((id) => !known.has(id) && !this.#unreadable.has(id));
    for (let at = 0; at < fresh.length; at += savedAtOnce) await this.#add(store, fresh.slice(at, at + savedAtOnce));
    const found = gone.length + fresh.length > 0;
    if (this.#answeredEarly && found) this.#onChange();
    else this.#tellOfChange(stored);
    this.#answeredEarly = false;
    this.#seen = stored;
    return store.id;
  }

  /** The catalogue may have it already, from the process that archived; what counts is what this one's clients have seen. */
  #tellOfChange(stored: ReadonlySet<string>): void {
    const seen = this.#seen;
    this.#seen = stored;
    if (seen && (seen.size !== stored.size || [...stored].some((id) => !seen.has(id)))) this.#onChange();
  }

  async #add(store: Store, ids: string[]): Promise<void> {
    const found: CataloguedSnapshot[] = [];
    for (const id of ids) {
      try {
        found.push(listed(id, await store.manifest(id)));
      } catch (thrown) {
        // Removed meanwhile, or damaged, which verify and doctor report: the others are listed all the same.
        if (toCairnError(thrown).code !== 'not_found') this.#unreadable.add(id);
      }
    }
    this.#catalogue.saveSnapshots(store.id, found);
  }
}

const listed = (id: string, manifest: Manifest): CataloguedSnapshot => ({ snapshot: summarise(id, manifest), layout: manifest.run.layout });
