/**
 * The store as a service holds it: opened for reading when somebody first asks, opened for writing (with the lock) only
 * while somebody writes. Within one process writers share one lock; the store puts their commits in order.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { hashing } from '../codec/hashing.ts';
import { LocalBackend } from '../store/backends/local.ts';
import type { IndexCache } from '../store/blob-index.ts';
import { markName, Store } from '../store/store.ts';

export interface WritingStore {
  store: Store;
  /** Gives it back; the last one releases the lock. */
  close(): Promise<void>;
}

export class StoreAccess {
  readonly path: string;
  readonly backend: LocalBackend;
  readonly #catalogue: Catalogue;
  readonly #onNotice: (message: string) => void;
  #reading: Promise<Store> | undefined;
  #writing: Promise<Store> | undefined;
  #writers = 0;
  /** Opening and closing follow one another, so that nobody takes a lock that is being released. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param onNotice told in one line where a stale lock was replaced */
  constructor(path: string, catalogue: Catalogue, onNotice: (message: string) => void) {
    this.path = path;
    this.backend = new LocalBackend(path);
    this.#catalogue = catalogue;
    this.#onNotice = onNotice;
  }

  /** Whether this process holds the lock. */
  get isWriting(): boolean {
    return this.#writers > 0;
  }

  async exists(): Promise<boolean> {
    return (await this.backend.stat(markName)) !== undefined;
  }

  /** @throws CairnError `not_found` where there is no store, `unsupported`, `damaged`. */
  read(): Promise<Store> {
    this.#reading ??= this.#open('read', false).catch((thrown: unknown) => {
      this.#reading = undefined;
      throw thrown;
    });
    return this.#reading;
  }

  /** @throws CairnError `locked` where another process writes, `not_found` where there is no store and none is to be made. */
  write(create: boolean): Promise<WritingStore> {
    return this.#next(async () => {
      this.#writing ??= this.#open('write', create);
      try {
        const store = await this.#writing;
        this.#writers += 1;
        let closed = false;
        return { store, close: () => (closed ? Promise.resolve() : ((closed = true), this.#release())) };
      } catch (thrown) {
        this.#writing = undefined;
        throw thrown;
      }
    });
  }

  #release(): Promise<void> {
    return this.#next(async () => {
      this.#writers -= 1;
      if (this.#writers > 0) return;
      const store = await this.#writing;
      this.#writing = undefined;
      await store?.close();
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }

  async #open(mode: 'read' | 'write', create: boolean): Promise<Store> {
    // The cache is the store's own, and its id is only known once it is open; nothing is loaded before that.
    const own: { cache?: IndexCache } = {};
    const indexCache: IndexCache = {
      load: (packId) => own.cache?.load(packId),
      save: (packId, digests) => own.cache?.save(packId, digests),
      forget: (packId) => own.cache?.forget(packId),
    };
    const store = await Store.open({ backend: this.backend, hashing, mode, create, indexCache });
    own.cache = this.#catalogue.indexCache(store.id);
    if (store.lockReplaced) this.#onNotice(store.lockReplaced);
    return store;
  }
}
