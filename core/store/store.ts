/**
 * A store: packs and manifests under one format version (FORMAT.md). It promises that
 * - writing a manifest is the commit, and nothing is committed whose contents and bases are not all there;
 * - files never change once they have their name, so readers take no lock and tolerate that files come and go;
 * - one writer at a time, and no writer deletes a pack (core/jobs/prune.ts alone does).
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { StoredBlocks } from '../codec/binding.ts';
import { roles } from '../codec/elements.ts';
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Snapshot, StoreStatus } from '../contract/model.ts';
import { writeAtomically } from './atomic-file.ts';
import type { Backend } from './backends/backend.ts';
import { BlobIndex, type IndexCache } from './blob-index.ts';
import type { BlobEntry, Digest } from './blob-source.ts';
import { forEachBounded } from './bounded.ts';
import { toHex, type Hashing } from './hashing.ts';
import { Lock } from './lock.ts';
import { decodeManifest, encodeManifest, maxManifestBytes, type Manifest } from './manifest.ts';
import { blockSpan, type PackTable } from './pack-format.ts';
import { nameOfPack, packIdOf, PackReader } from './pack-reader.ts';
import { PackWriter, type FinishedPack } from './pack-writer.ts';

export const formatVersion = 1;
/** Readers follow no more bases than this, FORMAT.md section 2. */
export const maxDepth = 64;
export const markName = 'cairn.json';

const manifestName = /^snapshots\/([0-9a-f]{32})\.manifest$/;
const parallelReads = 8;
const maxMarkBytes = 64 * 1024;

const mark = z.object({ format: z.number(), id: z.string().regex(/^[0-9a-f]{32}$/), created: z.iso.datetime() });
type Mark = z.infer<typeof mark>;

export interface StoreOptions {
  backend: Backend;
  hashing: Hashing;
  mode: 'read' | 'write';
  /** Makes a new store where there is none; needs mode `write`. */
  create?: boolean;
  indexCache?: IndexCache;
}

export interface FoundBlob {
  packId: string;
  entry: BlobEntry;
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
  readonly #lock: Lock | undefined;
  readonly #summaries = new Map<string, Snapshot>();
  /** Packs published since opening that no manifest names yet: an archive under way will. Prune leaves them. */
  readonly #uncommitted = new Set<string>();
  #openPacks = 0;
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
    if (mode === 'read') return new Store(options, found ?? noStore(backend), undefined);
    if (!found && !create) noStore(backend);
    const lock = await Lock.take(backend);
    try {
      for (const name of await backend.list('temporary')) await backend.remove(name);
      return new Store(options, (await readMark(backend)) ?? (await writeMark(backend)), lock);
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
  async snapshotIds(): Promise<string[]> {
    const names = await this.backend.list('snapshots');
    return names.map((name) => manifestName.exec(name)?.[1]).filter((id) => id !== undefined);
  }

  /**
   * All snapshots, by run, step and time of archiving.
   *
   * @param unreadable told of each manifest that can't be read; the others are listed all the same
   */
  async snapshots(unreadable: (id: string, error: CairnError) => void = () => {}): Promise<Snapshot[]> {
    const pins = await this.pins();
    const found: Snapshot[] = [];
    await forEachBounded(await this.snapshotIds(), parallelReads, async (id) => {
      try {
        found.push({ ...(await this.#summary(id)), pinned: pins.has(id) });
      } catch (thrown) {
        const error = toCairnError(thrown);
        if (error.code !== 'not_found') unreadable(id, error);
      }
    });
    return found.sort((a, b) => compare(a.run, b.run) || a.step - b.step || compare(a.created, b.created) || compare(a.id, b.id));
  }

  /** @throws CairnError `not_found`, `damaged`, `unsupported`. */
  async manifest(id: string): Promise<Manifest> {
    const name = nameOfManifest(id);
    const path = this.backend.localPath(name);
    const bytes = await this.backend.readWhole(name, maxManifestBytes).catch((thrown: unknown) => {
      throw toCairnError(thrown).code === 'not_found' ? noSnapshot(id) : thrown;
    });
    return decodeManifest(bytes, id, this.hashing, path);
  }

  /**
   * The id of the snapshot that a user names: at least four digits of its id, or RUN@STEP (name or path of the run).
   *
   * @throws CairnError `not_found`, `ambiguous` with the ids in question.
   */
  async resolve(name: string): Promise<string> {
    const at = name.lastIndexOf('@');
    const ids = at > 0 ? await this.#idsOfStep(name.slice(0, at), name.slice(at + 1)) : await this.#idsOfPrefix(name);
    if (ids.length === 0) throw noSnapshot(name);
    if (ids.length > 1)
      throw new CairnError('ambiguous', `${name}: names ${ids.length} snapshots; use one of ${ids.slice(0, 8).join(', ')}`);
    return ids[0]!;
  }

  // Contents

  /** Where a content is stored, and how. */
  async lookup(digest: Digest): Promise<FoundBlob | undefined> {
    await this.index.load();
    // A writer knows all packs: they are its own. A reader looks again, once.
    if (!this.index.find(digest) && this.mode === 'read') await this.index.refresh();
    const place = this.index.find(digest);
    if (!place) return undefined;
    return { packId: place.packId, entry: (await this.packTable(place.packId)).entry(place.index) };
  }

  /** How many deltas must be applied to decode a content. @throws CairnError `not_found`, `damaged` where bases form a circle. */
  async depthOf(digest: Digest): Promise<number> {
    let depth = 0;
    for (let base = baseOf((await this.#blob(digest)).entry); base !== undefined; depth++) {
      if (depth >= maxDepth) throw tooDeep(digest);
      base = baseOf((await this.#blob(base)).entry);
    }
    return depth;
  }

  /**
   * Describes consecutive blocks of a content for the native decoder, with the same blocks of everything they need.
   *
   * @param count blocks; absent: all from `firstBlock`
   * @throws CairnError `not_found`, `damaged` where a base does not fit or bases form a circle, `bad_request` outside the blob.
   */
  async storedBlocks(digest: Digest, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    const { packId, entry } = await this.#blob(digest);
    return this.#storedBlocks(this.backend.localPath(nameOfPack(packId)), entry, firstBlock, count, 0);
  }

  /** The same for an entry of a pack that is not published yet: its blocks in the file at `path`, their bases in the store. */
  async storedBlocksAt(path: string, entry: BlobEntry, firstBlock = 0, count?: number): Promise<StoredBlocks> {
    return this.#storedBlocks(path, entry, firstBlock, count, 0);
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
      const packs = await this.#checkContents(manifest);
      const { id, bytes } = await encodeManifest(manifest, this.hashing);
      const name = nameOfManifest(id);
      await this.assertWriting();
      await writeAtomically(this.backend, name, bytes);
      await this.manifest(id).catch(async (thrown: unknown) => {
        await this.backend.remove(name);
        throw thrown;
      });
      for (const packId of packs) this.#uncommitted.delete(packId);
      return id;
    });
  }

  /** Removes a snapshot; its contents stay until `prune`. @throws CairnError `denied` where it is pinned, `not_found`, `locked`. */
  remove(id: string, { force = false } = {}): Promise<void> {
    return this.exclusively(async () => {
      await this.assertWriting();
      if (!(await this.backend.stat(nameOfManifest(id)))) throw noSnapshot(id);
      if (!force && (await this.pins()).has(id))
        throw new CairnError('denied', `snapshot ${id}: it is pinned; unpin it first, or use --force`);
      await this.backend.remove(nameOfManifest(id));
      await this.backend.remove(nameOfPin(id));
      this.#summaries.delete(id);
    });
  }

  /** Ids of pinned snapshots. */
  async pins(): Promise<Set<string>> {
    return new Set((await this.backend.list('pins')).map((name) => name.slice('pins/'.length)));
  }

  /** Pins or unpins a snapshot; doing so twice is no error. @throws CairnError `not_found`, `locked`. */
  pin(id: string, pinned: boolean): Promise<void> {
    return this.exclusively(async () => {
      await this.assertWriting();
      if (!(await this.backend.stat(nameOfManifest(id)))) throw noSnapshot(id);
      if (pinned) await this.backend.createExclusive(nameOfPin(id), new Uint8Array());
      else await this.backend.remove(nameOfPin(id));
    });
  }

  // The whole store

  async status(): Promise<StoreStatus> {
    const snapshots = await this.snapshots();
    const runs = new Map<string, { run: string; bytesOriginal: number; bytesStored: number }>();
    for (const { run, bytesOriginal, bytesStored } of snapshots) {
      const sum = runs.get(run) ?? { run, bytesOriginal: 0, bytesStored: 0 };
      runs.set(run, { run, bytesOriginal: sum.bytesOriginal + bytesOriginal, bytesStored: sum.bytesStored + bytesStored });
    }
    const packs = (await this.backend.list('packs')).filter((name) => packIdOf(name) !== undefined);
    return {
      path: this.backend.place,
      id: this.id,
      snapshots: snapshots.length,
      packs: packs.length,
      bytesOriginal: snapshots.reduce((sum, { bytesOriginal }) => sum + bytesOriginal, 0),
      bytesStored: (await this.#sizeOf(packs)) + (await this.#sizeOf(await this.backend.list('snapshots'))),
      bytesFree: await this.backend.freeBytes(),
      byRun: [...runs.values()].sort((a, b) => b.bytesStored - a.bytesStored),
    };
  }

  packTable(packId: string): Promise<PackTable> {
    return this.#reader.table(packId);
  }

  /** Packs that prune must not touch: written here, and not named by a manifest yet. */
  uncommittedPacks(): ReadonlySet<string> {
    return this.#uncommitted;
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

  #packEnded(pack?: FinishedPack): void {
    this.#openPacks--;
    if (!pack) return;
    this.#uncommitted.add(pack.id);
    this.index.add(pack.id, Buffer.from(pack.entries.map(({ digest }) => digest).join(''), 'hex'));
  }

  async #summary(id: string): Promise<Snapshot> {
    const held = this.#summaries.get(id);
    if (held) return held;
    const summary = summarise(id, await this.manifest(id));
    this.#summaries.set(id, summary);
    return summary;
  }

  async #idsOfStep(run: string, step: string): Promise<string[]> {
    const matches = (await this.snapshots()).filter((found) => (found.run === run || found.runPath === run) && String(found.step) === step);
    return matches.map(({ id }) => id);
  }

  async #idsOfPrefix(prefix: string): Promise<string[]> {
    if (!/^[0-9a-f]{4,32}$/.test(prefix)) return [];
    return (await this.snapshotIds()).filter((id) => id.startsWith(prefix));
  }

  async #blob(digest: Digest): Promise<FoundBlob> {
    const found = await this.lookup(digest);
    if (!found)
      throw new CairnError('not_found', `content ${digest}: it is in no pack of ${this.backend.place}; run cairn verify --structure`);
    return found;
  }

  async #storedBlocks(path: string, entry: BlobEntry, firstBlock: number, count: number | undefined, depth: number): Promise<StoredBlocks> {
    if (depth > maxDepth) throw tooDeep(entry.digest);
    const end = count === undefined ? entry.lengths.length : firstBlock + count;
    if (firstBlock < 0 || firstBlock > end || end > entry.lengths.length) {
      throw new CairnError('bad_request', `content ${entry.digest}: has ${entry.lengths.length} blocks, not ${firstBlock} to ${end}`);
    }
    const span = blockSpan(entry);
    const needs: StoredBlocks['needs'] = [];
    for (const { role, digest } of entry.needs) {
      const needed = await this.#blob(digest);
      assertFits(needed.entry, entry);
      const neededPath = this.backend.localPath(nameOfPack(needed.packId));
      needs.push({ role, source: { stored: await this.#storedBlocks(neededPath, needed.entry, firstBlock, end - firstBlock, depth + 1) } });
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

  /** Every content and base is there, bases fit, lengths are those the files need. Returns the packs that hold them. */
  async #checkContents(manifest: Manifest): Promise<Set<string>> {
    const packs = new Set<string>();
    const lengths: number[] = [];
    for (const digest of manifest.blobs) {
      let { packId, entry } = await this.#blob(digest);
      lengths.push(entry.rawLength);
      packs.add(packId);
      for (let depth = 0, base = baseOf(entry); base !== undefined; depth++, base = baseOf(entry)) {
        if (depth >= maxDepth) throw tooDeep(digest);
        const needed = await this.#blob(base);
        assertFits(needed.entry, entry);
        ({ packId, entry } = needed);
        packs.add(packId);
      }
    }
    const problem = problemOfLengths(manifest, lengths);
    if (problem) throw new CairnError('internal', `the manifest of ${manifest.run.name}@${manifest.step}: ${problem}; please report it`);
    return packs;
  }

  async #sizeOf(names: string[]): Promise<number> {
    let sum = 0;
    await forEachBounded(names, parallelReads, async (name) => {
      sum += (await this.backend.stat(name))?.sizeBytes ?? 0;
    });
    return sum;
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

export function nameOfManifest(id: string): string {
  return `snapshots/${id}.manifest`;
}

/** The snapshot id in a manifest's name, or undefined where it is no such name. */
export function snapshotIdOf(name: string): string | undefined {
  return manifestName.exec(name)?.[1];
}

export function nameOfPin(id: string): string {
  return `pins/${id}`;
}

/** Digest of the content that a blob is decoded against. */
export function baseOf(entry: BlobEntry): Digest | undefined {
  return entry.needs.find(({ role }) => role === roles.base)?.digest;
}

/** A manifest as lists show it; whether it is pinned is not in it. */
export function summarise(id: string, manifest: Manifest): Snapshot {
  const { run, step, path, time, created, method, base, depth, bytesOriginal, bytesStored } = manifest;
  return {
    ...{ id, run: run.name, runPath: run.path, step, path, time, created, method, base, depth, bytesOriginal, bytesStored },
    kind: depth > 0 ? 'delta' : 'keyframe',
    files: manifest.files.length,
    tensors: manifest.tensors.length,
    // A manifest exists only after everything it names was read back, decoded and found equal.
    sealed: true,
    pinned: false,
  };
}

async function readMark(backend: Backend): Promise<Mark | undefined> {
  if (!(await backend.stat(markName))) return undefined;
  const path = backend.localPath(markName);
  const bytes = await backend.readWhole(markName, maxMarkBytes);
  let record: unknown;
  try {
    record = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw damagedMark(path, cause);
  }
  // The version first: what else a newer format writes here is its own affair.
  const version = z.object({ format: z.number() }).safeParse(record);
  if (version.success && version.data.format !== formatVersion) {
    const message = `${path}: a store of format ${version.data.format}; this Cairn reads format ${formatVersion}: use a newer Cairn`;
    throw new CairnError('unsupported', message, { path });
  }
  const parsed = mark.safeParse(record);
  if (!parsed.success) throw damagedMark(path, parsed.error);
  return parsed.data;
}

async function writeMark(backend: Backend): Promise<Mark> {
  const made: Mark = { format: formatVersion, id: toHex(randomBytes(16)), created: new Date().toISOString() };
  await writeAtomically(backend, markName, Buffer.from(JSON.stringify(made)));
  return made;
}

function assertFits(base: BlobEntry, blob: BlobEntry): void {
  if (base.rawLength === blob.rawLength && base.element === blob.element && base.blockLog2 === blob.blockLog2) return;
  throw new CairnError(
    'damaged',
    `content ${blob.digest}: its base ${base.digest} has another length or element; run cairn verify --structure`,
  );
}

function tooDeep(digest: Digest): CairnError {
  return new CairnError('damaged', `content ${digest}: more than ${maxDepth} bases, or bases in a circle; run cairn verify --structure`);
}

function damagedMark(path: string, cause: unknown): CairnError {
  return new CairnError('damaged', `${path}: does not mark a store; restore it from a copy`, { path, cause });
}

function noStore(backend: Backend): never {
  throw new CairnError('not_found', `${backend.place}: there is no store; choose another folder, or archive something into it`, {
    path: backend.place,
  });
}

function noSnapshot(name: string): CairnError {
  return new CairnError('not_found', `${name}: no such snapshot; see cairn ls`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
