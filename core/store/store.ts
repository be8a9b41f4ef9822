/**
 * A store: packs and manifests under one format version (FORMAT.md). It promises that
 * - writing a manifest is the commit, and nothing is committed whose contents and bases are not all there;
 * - files never change once they have their name, so readers take no lock and tolerate that files come and go;
 * - one writer at a time, and no writer deletes a pack (core/jobs/prune.ts alone does).
 */
import type { StoredBlocks } from '../codec/binding.ts';
import { CairnError } from '../contract/errors.ts';
import type { Snapshot } from '../contract/model.ts';
import { writeAtomically } from './atomic-file.ts';
import type { Backend } from './backends/backend.ts';
import { BlobIndex, type IndexCache } from './blob-index.ts';
import type { BlobEntry, Digest } from './blob-source.ts';
import { nameOfCondemned, readCondemned } from './condemned.ts';
import { Contents, type FoundBlob } from './contents.ts';
import type { Hashing } from './hashing.ts';
import { Lock } from './lock.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import { readMark, writeMark, type Mark } from './mark.ts';
import type { PackTable } from './pack-format.ts';
import { PackReader } from './pack-reader.ts';
import { PackWriter, type FinishedPack } from './pack-writer.ts';
import { nameOfParity, writeParity } from './parity.ts';
import { nameOfCopy, parityMarkName } from './redundancy.ts';
import { nameOfManifest, nameOfPin, noSnapshot, Snapshots } from './snapshots.ts';

export { baseOf, maxDepth, problemOfLengths, type FoundBlob } from './contents.ts';
export { formatVersion, markName } from './mark.ts';
export { nameOfManifest, nameOfPin, snapshotIdOf, summarise } from './snapshots.ts';

export interface StoreOptions {
  backend: Backend;
  hashing: Hashing;
  mode: 'read' | 'write';
  /** Makes a new store where there is none; needs mode `write`. */
  create?: boolean;
  indexCache?: IndexCache;
}

export class Store {
  readonly backend: Backend;
  readonly hashing: Hashing;
  readonly mode: 'read' | 'write';
  /** 32 hex digits, given when the store was made. */
  readonly id: string;
  readonly created: string;
  readonly index: BlobIndex;
  readonly #reader: PackReader;
  readonly #snapshots: Snapshots;
  readonly #contents: Contents;
  readonly #lock: Lock | undefined;
  /** Packs published since opening that no manifest names yet: an archive under way will. Prune leaves them. */
  readonly #uncommitted = new Set<string>();
  #openPacks = 0;
  #keepsParity = false;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: StoreOptions, found: Mark, lock: Lock | undefined) {
    this.backend = options.backend;
    this.hashing = options.hashing;
    this.mode = options.mode;
    this.id = found.id;
    this.created = found.created;
    this.#lock = lock;
    this.#reader = new PackReader(options.backend, options.hashing);
    this.index = new BlobIndex(options.backend, this.#reader, options.indexCache);
    this.#snapshots = new Snapshots(options.backend, options.hashing);
    this.#contents = new Contents(options.backend, this.#reader, this.index, options.mode);
  }

  /**
   * Opens a store. A writer takes the lock and removes what earlier writers left under `temporary/`.
   *
   * @throws CairnError `not_found` where there is no store, `unsupported` for another format, `locked` where another
   * writer has it, `damaged` where its mark can't be read.
   */
  static async open(options: StoreOptions): Promise<Store> {
    const { backend, mode, create } = options;
    const found = await readMark(backend);
    if (mode === 'read') return new Store(options, found ?? noStore(backend), undefined).#opened();
    if (!found && !create) noStore(backend);
    const lock = await Lock.take(backend);
    try {
      for (const name of await backend.list('temporary')) await backend.remove(name);
      return await new Store(options, (await readMark(backend)) ?? (await writeMark(backend)), lock).#opened();
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  /** What there is to say about a stale lock that was replaced on opening. */
  get lockReplaced(): string | undefined {
    return this.#lock?.replaced;
  }

  /** Gives the lock back. Packs still open are left to the next writer's cleaning. */
  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    await this.#lock?.release();
  }

  // Snapshots

  /** Ids of all snapshots, sorted. */
  snapshotIds(): Promise<string[]> {
    return this.#snapshots.ids();
  }

  /**
   * All snapshots, by run, step and time of archiving.
   *
   * @param unreadable told of each manifest that can't be read; the others are listed all the same
   */
  snapshots(unreadable?: (id: string, error: CairnError) => void): Promise<Snapshot[]> {
    return this.#snapshots.list(unreadable);
  }

  /** @throws CairnError `not_found`, `damaged`, `unsupported`. */
  manifest(id: string): Promise<Manifest> {
    return this.#snapshots.manifest(id);
  }

  /** The id of the snapshot that a user names: an id prefix or RUN@STEP. @throws CairnError `not_found`, `ambiguous`. */
  resolve(name: string): Promise<string> {
    return this.#snapshots.resolve(name);
  }

  /** Ids of pinned snapshots. */
  pins(): Promise<Set<string>> {
    return this.#snapshots.pins();
  }

  // Contents

  /** Where a content is stored, and how: of several copies the one to decode. */
  lookup(digest: Digest): Promise<FoundBlob | undefined> {
    return this.#contents.lookup(digest);
  }

  /** What of a content must stay: the copy to decode, and the best of each other form it is stored in, for what needs that. */
  served(digest: Digest): Promise<FoundBlob[]> {
    return this.#contents.served(digest);
  }

  /** True where the pack's copy of the content is one of these. */
  async isServedFrom(packId: string, digest: Digest): Promise<boolean> {
    return (await this.served(digest)).some((blob) => blob.packId === packId);
  }

  /** How many deltas must be applied to decode a content. @throws CairnError `not_found`, `damaged` where bases form a circle. */
  depthOf(digest: Digest): Promise<number> {
    return this.#contents.depthOf(digest);
  }

  /**
   * Describes consecutive blocks of a content for the native decoder, with the same blocks of everything they need.
   *
   * @param count blocks; absent: all from `firstBlock`
   * @throws CairnError `not_found`, `damaged` where a base does not fit or bases form a circle, `bad_request` outside the blob.
   */
  storedBlocks(digest: Digest, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    return this.#contents.storedBlocks(digest, firstBlock, count);
  }

  /** The same for an entry of a pack that is not published yet: its blocks in the file at `path`, their bases in the store. */
  storedBlocksAt(path: string, entry: BlobEntry, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    return this.#contents.storedBlocksAt(path, entry, firstBlock, count);
  }

  // Writing

  /** @throws CairnError `locked` where the lock was broken, `no_space`, `denied`, `io`. */
  async createPack(): Promise<PackWriter> {
    await this.assertWriting();
    this.#openPacks++;
    try {
      return await PackWriter.create(this.backend, this.hashing, (pack) => this.#packEnded(pack));
    } catch (thrown) {
      this.#openPacks--;
      throw thrown;
    }
  }

  /**
   * Commits a snapshot: checks that all its contents and their bases are stored with the lengths it states, writes its
   * manifest and reads it back. The caller has proved the contents before.
   *
   * @returns the snapshot's id
   * @throws CairnError `internal` where something is missing, `locked` where the lock was broken, `no_space`, `io`.
   */
  commit(manifest: Manifest): Promise<string> {
    return this.exclusively(async () => {
      await this.assertWriting();
      const packs = await this.#contents.check(manifest);
      const { id, bytes } = await encodeManifest(manifest, this.hashing);
      const name = nameOfManifest(id);
      await this.assertWriting();
      await writeAtomically(this.backend, name, bytes);
      await this.manifest(id).catch(async (thrown: unknown) => {
        await this.backend.remove(name);
        throw thrown;
      });
      if (this.#keepsParity) await this.copyManifest(id, bytes);
      for (const packId of packs) this.#uncommitted.delete(packId);
      return id;
    });
  }

  /** Keeps a copy of a manifest, from which repair mends it. @param bytes of the manifest as they are stored */
  async copyManifest(id: string, bytes: Uint8Array): Promise<void> {
    const name = nameOfCopy(id);
    if (await this.backend.stat(name)) await this.backend.remove(name);
    await writeAtomically(this.backend, name, bytes);
  }

  /** Removes a snapshot; its contents stay until `prune`. @throws CairnError `denied` where it is pinned, `not_found`, `locked`. */
  remove(id: string, { force = false } = {}): Promise<void> {
    return this.exclusively(async () => {
      await this.assertWriting();
      if (!(await this.#snapshots.has(id))) throw noSnapshot(id);
      if (!force && (await this.pins()).has(id))
        throw new CairnError('denied', `snapshot ${id}: it is pinned; unpin it first (cairn unpin)`);
      await this.backend.remove(nameOfManifest(id));
      await this.backend.remove(nameOfPin(id));
      await this.backend.remove(nameOfCopy(id));
      this.#snapshots.forget(id);
    });
  }

  /** Pins or unpins a snapshot; doing so twice is no error. @throws CairnError `not_found`, `locked`. */
  pin(id: string, pinned: boolean): Promise<void> {
    return this.exclusively(async () => {
      await this.assertWriting();
      if (!(await this.#snapshots.has(id))) throw noSnapshot(id);
      if (pinned) await this.backend.createExclusive(nameOfPin(id), new Uint8Array());
      else await this.backend.remove(nameOfPin(id));
    });
  }

  // The whole store

  /** Whether every pack gets its parity, and every manifest a copy, as they are written. */
  get keepsParity(): boolean {
    return this.#keepsParity;
  }

  /** Says whether what is written from now on gets parity; what is there already stays as it is (`repair` sees to that). */
  async keepParity(keeps: boolean): Promise<void> {
    await this.assertWriting();
    if (keeps) await this.backend.createExclusive(parityMarkName, new Uint8Array());
    else await this.backend.remove(parityMarkName);
    this.#keepsParity = keeps;
  }

  packTable(packId: string): Promise<PackTable> {
    return this.#reader.table(packId);
  }

  /** Packs that prune must not touch: written here, and not named by a manifest yet. */
  uncommittedPacks(): ReadonlySet<string> {
    return this.#uncommitted;
  }

  /** Ids of packs that prune is about to remove, and since when (milliseconds since 1970). */
  condemnedPacks(): Promise<Map<string, number>> {
    return readCondemned(this.backend);
  }

  /** Marks a pack as about to go, so that readers take its contents from elsewhere; or takes the mark away. */
  async condemn(packId: string, condemned = true): Promise<void> {
    await this.assertWriting();
    if (condemned) await this.backend.createExclusive(nameOfCondemned(packId), new Uint8Array());
    else await this.backend.remove(nameOfCondemned(packId));
    this.index.condemn(packId, condemned);
  }

  /** A pack that needs no manifest of its own: prune wrote it, for contents that snapshots name already. */
  settle(packId: string): void {
    this.#uncommitted.delete(packId);
  }

  get openPacks(): number {
    return this.#openPacks;
  }

  /** Runs one change of what is committed after another, so that nothing is removed while it is being committed. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => {}).then(work);
    this.#turn = turn;
    return turn;
  }

  /** @throws CairnError `internal` on a store opened for reading, `locked` where the lock was broken. */
  async assertWriting(): Promise<void> {
    if (!this.#lock) throw new CairnError('internal', 'a store opened for reading was written to; please report it');
    await this.#lock.assertHeld();
  }

  async #opened(): Promise<this> {
    this.#keepsParity = (await this.backend.stat(parityMarkName)) !== undefined;
    return this;
  }

  async #packEnded(pack?: FinishedPack): Promise<void> {
    this.#openPacks--;
    if (!pack) return;
    this.#uncommitted.add(pack.id);
    this.index.add(pack.id, Buffer.from(pack.entries.map(({ digest }) => digest).join(''), 'hex'));
    // A prune that was cut off meant this very pack to go; it has come to be wanted.
    if (this.index.isCondemned(pack.id)) await this.condemn(pack.id, false);
    if (this.#keepsParity && !(await this.backend.stat(nameOfParity(pack.id)))) await writeParity(this.backend, this.hashing, pack.id);
  }
}

function noStore(backend: Backend): never {
  throw new CairnError('not_found', `${backend.place}: there is no store; choose another folder, or archive something into it`, {
    path: backend.place,
  });
}
