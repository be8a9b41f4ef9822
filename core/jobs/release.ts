/**
 * Removes originals that the store holds. The only code that ever deletes what a user made, so it asks for everything at once:
 *
 *   a snapshot of exactly these files, every content of it in the store -> not among the newest of its run -> nothing in the folder that
 *   the snapshot lacks -> size and time as archived -> read once more, digests equal -> open in no process -> renamed away in one step
 *   -> still the same files -> removed, or moved to the trash
 *
 * What fails any of it stays, with the reason. `cairn restore` puts it back where it was.
 */
import { access, constants, lstat, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import type { FileRange } from '../codec/binding.ts';
import { digestRanges } from '../codec/decode.ts';
import { cancelFlag } from '../codec/pool.ts';
import { toCairnError } from '../contract/errors.ts';
import type { releaseParams } from '../contract/methods.ts';
import { fitsPattern } from '../plan/policy.ts';
import type { FoundCheckpoint, FoundRun } from '../scan/found.ts';
import { restRanges } from '../restore/restore.ts';
import { scan } from '../scan/scanner.ts';
import type { Manifest, ManifestFile } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';
import { proveStored } from './archive/prove.ts';
import { ArchivedSteps } from './archive/selection.ts';
import { shellWord } from './describe.ts';
import type { JobContext } from './job.ts';
import { openedBy } from './open-files.ts';
import { leavePlaceholder, undoOf } from './placeholder.ts';
import { moveToTrash } from './trash.ts';

export type ReleaseParams = z.output<typeof releaseParams>;

export interface Released {
  run: string;
  step: number;
  path: string;
  bytes: number;
  /** The command line that gives it back. */
  undo: string;
}

export interface ReleaseResult {
  released: Released[];
  kept: { path: string; reason: string }[];
}

/** A released checkpoint has this name, hidden beside its old one, until it is gone. */
const doomedPrefix = '.cairn-releasing-';

/** Why a checkpoint stays. */
class Reason extends Error {}

interface Place {
  file: ManifestFile;
  at: string;
}

const placesOf = (manifest: Manifest, root: string, alone: boolean): Place[] =>
  manifest.files.map((file) => ({ file, at: alone ? root : path.join(root, file.path) }));

/** @throws Reason where the folder holds anything that the snapshot doesn't */
async function assertNothingElse(manifest: Manifest, root: string): Promise<void> {
  const known = new Set([...manifest.files, ...manifest.folders, ...manifest.links].map((entry) => path.normalize(entry.path)));
  for (const name of await readdir(root, { recursive: true }))
    if (!known.has(name)) throw new Reason(`it holds ${name}, which the snapshot does not`);
}

/** Files go where their folder may be changed. @throws Reason where one may not, before anything is gone */
async function assertRemovable({ folders }: Manifest, root: string): Promise<void> {
  for (const folder of [root, ...folders.map((entry) => path.join(root, entry.path))])
    await access(folder, constants.W_OK | constants.X_OK).catch((thrown: unknown) => {
      throw new Reason(toCairnError(thrown, folder).message);
    });
}

/** @returns the identity of every file, to be compared once more before it goes; @throws Reason where one is not as archived */
async function identitiesOf(places: readonly Place[]): Promise<string[]> {
  const identities: string[] = [];
  for (const { file, at } of places) {
    const now = await lstat(at, { bigint: true }).catch(() => undefined);
    if (!now?.isFile() || now.size !== BigInt(file.size) || String(now.mtimeNs) !== file.mtimeNs)
      throw new Reason(`${file.path} is not as it was archived`);
    identities.push(`${now.dev}:${now.ino}:${now.size}:${now.mtimeNs}:${now.ctimeNs}`);
  }
  return identities;
}

class Release {
  readonly #context: JobContext;
  readonly #store: Store;
  readonly #params: ReleaseParams;
  readonly #cancel: Int32Array;
  readonly #items: number;
  readonly result: ReleaseResult = { released: [], kept: [] };

  /** @param items checkpoints that are looked at in all */
  constructor(context: JobContext, store: Store, params: ReleaseParams, items: number) {
    this.#context = context;
    this.#items = items;
    this.#store = store;
    this.#params = params;
    this.#cancel = cancelFlag(context.signal);
  }

  async run(run: FoundRun, wanted: ReadonlySet<string>, archived: ArchivedSteps): Promise<void> {
    const whole = run.checkpoints.filter(({ state }) => state === 'complete');
    const newest = new Set(this.#params.keepNewest > 0 ? whole.slice(-this.#params.keepNewest) : []);
    for (const checkpoint of whole.filter((found) => wanted.has(found.path))) {
      if (this.#context.signal.aborted) throw this.#context.signal.reason;
      this.#report();
      try {
        const snapshot = await archived.find(run, checkpoint);
        if (!snapshot) throw new Reason('it is not archived');
        if (newest.has(checkpoint)) throw new Reason(`it is among the newest ${this.#params.keepNewest} of its run`);
        await this.#release(run, checkpoint, snapshot.id, snapshot.manifest);
      } catch (thrown) {
        if (this.#context.signal.aborted) throw this.#context.signal.reason;
        const reason = thrown instanceof Reason ? thrown.message : toCairnError(thrown).message;
        this.result.kept.push({ path: checkpoint.path, reason });
        this.#context.log('info', `${checkpoint.path}: original kept, ${reason}`);
      }
    }
  }

  #report(): void {
    const itemsDone = this.result.released.length + this.result.kept.length;
    this.#context.progress({ phase: 'release', bytesDone: 0, bytesTotal: 0, itemsDone, itemsTotal: this.#items });
  }

  async #release(run: FoundRun, checkpoint: FoundCheckpoint, id: string, manifest: Manifest): Promise<void> {
    const alone = checkpoint.alone === true;
    const entry = await lstat(checkpoint.path);
    if (alone ? !entry.isFile() : !entry.isDirectory()) throw new Reason('it is a link to another place');
    if (manifest.dropped) throw new Reason('its optimizer state is not in the store any more');
    await this.#assertStored(manifest);
    if (!alone) await assertNothingElse(manifest, checkpoint.path);
    const places = placesOf(manifest, checkpoint.path, alone);
    if (!alone) await assertRemovable(manifest, checkpoint.path);
    const before = await identitiesOf(places);
    await this.#assertDigests(manifest, places);
    const user = await openedBy(places.map(({ at }) => at));
    if (user) throw new Reason(`process ${user.process} has ${user.file} open`);
    const doomed = path.join(path.dirname(checkpoint.path), doomedPrefix + id);
    await rename(checkpoint.path, doomed);
    await this.#remove(doomed, checkpoint, manifest, before);
    const undo = undoOf(id) + shellWord(alone ? path.dirname(checkpoint.path) : checkpoint.path);
    if (this.#params.placeholder) await leavePlaceholder(checkpoint.path, this.#context.storePath, manifest, undo);
    this.result.released.push({ run: run.name, step: checkpoint.step, path: checkpoint.path, bytes: manifest.bytesOriginal, undo });
    this.#context.log('info', `${checkpoint.path}: original released, ${manifest.bytesOriginal} bytes; ${undo} gives it back`);
  }

  /** Under its new name nobody begins to write to it any more; what was written until then puts it back. */
  async #remove(doomed: string, checkpoint: FoundCheckpoint, manifest: Manifest, before: string[]): Promise<void> {
    try {
      const places = placesOf(manifest, doomed, checkpoint.alone === true);
      const after = await identitiesOf(places);
      // Renaming a single file changes its ctime; that of files within a renamed folder stays.
      const same = (a: string, b: string): boolean =>
        checkpoint.alone ? a.slice(0, a.lastIndexOf(':')) === b.slice(0, b.lastIndexOf(':')) : a === b;
      if (!after.every((identity, index) => same(identity, before[index]!))) throw new Reason('it changed at the last moment');
      if (!checkpoint.alone) await assertNothingElse(manifest, doomed);
      const user = await openedBy(places.map(({ at }) => at));
      if (user) throw new Reason(`process ${user.process} has it open`);
    } catch (thrown) {
      await rename(doomed, checkpoint.path);
      throw thrown;
    }
    if (this.#params.trash) await this.#toTrash(doomed, checkpoint.path);
    else await this.#removeAll(doomed, checkpoint.path, manifest);
  }

  /** What can't be removed is put back, if nothing of it is gone; otherwise its place is told, and the next release goes on. */
  async #removeAll(doomed: string, original: string, manifest: Manifest): Promise<void> {
    try {
      await rm(doomed, { recursive: true });
    } catch (thrown) {
      const { message } = toCairnError(thrown);
      if (!(await isWhole(manifest, doomed))) throw new Reason(`it is removed in part, what is left is ${doomed}; ${message}`);
      await rename(doomed, original);
      throw new Reason(message.replace(doomed, original));
    }
  }

  /** Under its own name, by which people find it there. What can't be moved there stays. */
  async #toTrash(doomed: string, original: string): Promise<void> {
    await rename(doomed, original);
    try {
      await moveToTrash(original);
    } catch (thrown) {
      throw new Reason(toCairnError(thrown).message);
    }
  }

  /** What the snapshot relies on is decoded once more: it may have been damaged since it was sealed. */
  async #assertStored(manifest: Manifest): Promise<void> {
    try {
      await proveStored(this.#context.pool(), this.#store, manifest.blobs, { cancel: this.#cancel, onBytes: () => undefined });
    } catch (thrown) {
      const { code } = toCairnError(thrown);
      if (code === 'damaged') throw new Reason('a content of its snapshot is damaged in the store; run cairn repair');
      if (code === 'not_found') throw new Reason('a content of its snapshot is missing in the store; run cairn verify');
      throw thrown;
    }
  }

  /** Each file as a whole, and each of its parts against the content that would be restored in its place. */
  async #assertDigests(manifest: Manifest, places: readonly Place[]): Promise<void> {
    for (const { file, at } of places) {
      const { rest } = file;
      const ranges: [FileRange[], string][] = [
        [[{ path: at, offset: 0, length: file.size }], file.digest],
        ...file.parts.map(([offset, length, blob]): [FileRange[], string] => [[{ path: at, offset, length }], manifest.blobs[blob]!]),
        ...(rest < 0 ? [] : [[restRanges(file, at), manifest.blobs[rest]!] as [FileRange[], string]]),
      ];
      for (const [range, wanted] of ranges) {
        if ((await digestRanges(this.#context.pool(), range, this.#cancel)) !== wanted)
          throw new Reason(`${file.path} does not hold what was archived`);
      }
    }
  }
}

async function isWhole(manifest: Manifest, doomed: string): Promise<boolean> {
  const alone = (await lstat(doomed)).isFile();
  const there = await Promise.all(placesOf(manifest, doomed, alone).map(({ at }) => lstat(at).catch(() => undefined)));
  return there.every((entry) => entry !== undefined);
}

/** True where everything that is left is a file of the snapshot, with the size and time that it had. */
async function isStillOf(manifest: Manifest, doomed: string): Promise<boolean> {
  const alone = (await lstat(doomed)).isFile();
  const left = placesOf(manifest, doomed, alone);
  const there = await Promise.all(
    left.map(({ at }) =>
      lstat(at).then(
        () => true,
        () => false,
      ),
    ),
  );
  try {
    if (!alone) await assertNothingElse(manifest, doomed);
    await identitiesOf(left.filter((_, index) => there[index]));
    return true;
  } catch {
    return false;
  }
}

/** @returns why it is still there */
const triedToRemove = (doomed: string): Promise<string | undefined> =>
  rm(doomed, { recursive: true }).then(
    () => undefined,
    (thrown: unknown) => `it can't be removed, ${toCairnError(thrown).message}`,
  );

/** What an earlier release had renamed away when it was ended: proved then, so it goes now, if its snapshot is there and fits. */
async function finishEarlier(store: Store, runs: readonly FoundRun[], context: JobContext): Promise<void> {
  for (const run of runs) {
    for (const name of await readdir(run.path).catch(() => [])) {
      if (!name.startsWith(doomedPrefix)) continue;
      const doomed = path.join(run.path, name);
      const manifest = await store.manifest(name.slice(doomedPrefix.length)).catch(() => undefined);
      if (!manifest || manifest.run.path !== run.path) continue;
      const told = (await isStillOf(manifest, doomed)) ? await triedToRemove(doomed) : 'it is not what was archived';
      if (told !== undefined)
        context.log('warning', `${doomed}: left from an earlier release, but ${told}; look at it and rename or remove it`);
    }
  }
}

function meantBy({ runs, run: only, steps }: ReleaseParams, run: FoundRun): (checkpoint: FoundCheckpoint) => boolean {
  const isMeant = fitsPattern(run.name, runs) && (only === undefined || run.name === only || run.path === only);
  return ({ step }) => isMeant && (steps === undefined || steps.includes(step));
}

/**
 * Releases the originals of checkpoints below `params.below`.
 *
 * @returns what was released, and for all others why not
 * @throws CairnError `cancelled`, and what scanning gives
 */
export async function releaseOriginals(context: JobContext, params: ReleaseParams, below: readonly string[]): Promise<ReleaseResult> {
  const store = await context.writeStore();
  const asked = await scan(params.below ?? [...below], { signal: context.signal });
  const wanted = new Set(asked.runs.flatMap((run) => run.checkpoints.filter(meantBy(params, run)).map(({ path }) => path)));
  if (wanted.size === 0) return { released: [], kept: [] };
  // Which are the newest is known only where the whole run is looked at.
  const { runs } = await scan([...new Set(asked.runs.map((run) => run.path))], { signal: context.signal });
  const release = new Release(context, store, params, wanted.size);
  const archived = await ArchivedSteps.of(store);
  await finishEarlier(store, runs, context);
  for (const run of runs) await release.run(run, wanted, archived);
  context.changed();
  return release.result;
}
