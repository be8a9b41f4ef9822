/**
 * Gives a snapshot's files back: everything is decoded into a temporary folder beside the target, each file's digest is
 * compared with the original's, and only then does a file get its name. Nothing that exists is touched without `force`.
 *
 *   target folder checked (nothing there already, room enough) -> temporary files of full length -> blobs decoded into
 *   them -> digests equal -> mode and time -> synced -> renamed -> folders' modes and times
 */
import { chmod, lstat, mkdir, open, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { FileRange } from '../codec/binding.ts';
import { decodeContents, type StoredContent } from '../codec/decode.ts';
import { FileDigests } from '../codec/file-digests.ts';
import { setModified } from '../codec/file-times.ts';
import type { CodecPool } from '../codec/pool.ts';
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Manifest, ManifestFile } from '../store/manifest.ts';
import { syncFolder } from '../store/sync-folder.ts';
import { placed } from './placed.ts';
import { withStaging } from './staging.ts';
import { assertNameable, ignoresCase, type NameRules } from './names.ts';
import { assertAbsent, assertNoDetour, assertReplaceable, assertRoomToRestore, makeFolder } from './target.ts';

export interface RestoreOptions {
  pool: CodecPool;
  cancel: Int32Array;
  /** Folder that the files go into; made where it is missing. */
  to: string;
  /** Replaces files that are there. */
  force: boolean;
  /** Which files, by their path in the snapshot. */
  wanted(file: string): boolean;
  /** Describes a content of the snapshot for decoding. */
  content(digest: string): Promise<StoredContent>;
  /** Called with original bytes as they are decoded, and again as they are compared. */
  onBytes(phase: 'decode' | 'compare', bytes: number): void;
}

export interface Restored {
  files: number;
  bytes: number;
}

/** Which files a glob over a snapshot's paths chooses, or a path as it is, since brackets and stars are letters in names; without one, all. */
export const wantedFiles =
  (glob: string | undefined) =>
  (file: string): boolean =>
    glob === undefined || file === glob || path.posix.matchesGlob(file, glob);

/**
 * The files and symbolic links of a snapshot that are wanted.
 *
 * @throws CairnError `not_found` where nothing is, though the snapshot has files.
 */
export function chooseEntries(manifest: Manifest, wanted: (file: string) => boolean): Pick<Manifest, 'files' | 'links'> {
  const files = manifest.files.filter((file) => wanted(file.path));
  const links = manifest.links.filter((link) => wanted(link.path));
  if (files.length + links.length === 0 && manifest.files.length > 0)
    throw new CairnError('not_found', `no file of the snapshot fits; cairn show lists its files`);
  return { files, links };
}

interface Target {
  file: ManifestFile;
  temporary: string;
  final: string;
}

/** Bytes of a file outside its parts, in ascending order. */
export function restRanges(file: ManifestFile, at: string): { path: string; offset: number; length: number }[] {
  const ranges = [];
  let end = 0;
  for (const [offset, length] of [...file.parts, [file.size, 0] as const]) {
    if (offset > end) ranges.push({ path: at, offset: end, length: offset - end });
    end = offset + length;
  }
  return ranges;
}

interface WantedContent extends StoredContent {
  /** The part of a file that it is; what lies before that is decoded by then. */
  reaches?: FileRange;
}

/** Of each file what lies between its parts, then these in their order: what is decoded up to a part is the file up to there. */
async function contentsOf(targets: Target[], manifest: Manifest, options: RestoreOptions): Promise<WantedContent[]> {
  const contents: WantedContent[] = [];
  for (const { file, temporary } of targets) {
    if (file.rest >= 0) contents.push(placed(await options.content(manifest.blobs[file.rest]!), restRanges(file, temporary)));
    for (const [offset, length, blob] of file.parts) {
      const range = { path: temporary, offset, length };
      contents.push({ ...placed(await options.content(manifest.blobs[blob]!), [range]), reaches: range });
    }
  }
  return contents;
}

async function createSized(file: string, bytes: number): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.truncate(bytes);
  } catch (thrown) {
    throw toCairnError(thrown, file);
  } finally {
    await handle.close();
  }
}

async function decodeInto(targets: Target[], manifest: Manifest, digests: FileDigests, options: RestoreOptions): Promise<void> {
  const contents = await contentsOf(targets, manifest, options);
  for await (const { content, digest, error } of decodeContents(options.pool, contents, {
    cancel: options.cancel,
    onBytes: (bytes) => options.onBytes('decode', bytes),
  })) {
    if (error !== undefined) throw error;
    if (digest !== content.digest) throw notEqual(content.target?.[0]?.path ?? content.digest);
    if (content.reaches) digests.follow(content.reaches);
  }
}

function notEqual(what: string): CairnError {
  return new CairnError('damaged', `${what}: what was decoded is not what was archived; run cairn verify, nothing was restored`, {
    path: what,
  });
}

/** Compares the whole file, then gives it mode, time and name, durably. */
async function finishFile({ file, temporary, final }: Target, digests: FileDigests, options: RestoreOptions): Promise<void> {
  if ((await digests.value(temporary)) !== file.digest) throw notEqual(final);
  const handle = await open(temporary, 'r+');
  try {
    await handle.sync();
  } catch (thrown) {
    throw toCairnError(thrown, final);
  } finally {
    await handle.close();
  }
  await chmod(temporary, file.mode);
  setModified(temporary, BigInt(file.mtimeNs));
  // Decoding took a while: somebody may have made something in its place meanwhile.
  await makeFolder(options.to, path.dirname(file.path));
  if (!options.force) await assertAbsent([final]);
  await rename(temporary, final);
}

/** Comparing follows decoding, and is what is left to do when that is done. */
async function decodeAndCompare(targets: Target[], manifest: Manifest, options: RestoreOptions): Promise<void> {
  let phase: 'decode' | 'compare' = 'decode';
  const digests = new FileDigests(options.pool, options.cancel, (bytes) => options.onBytes(phase, bytes));
  for (const { file, temporary } of targets) digests.expect(temporary, file.size);
  try {
    await decodeInto(targets, manifest, digests, options);
    phase = 'compare';
    for (const target of targets) await finishFile(target, digests, options);
  } finally {
    await digests.settled();
  }
}

/** Makes the names of files durable. @throws CairnError `io` where one is not there, although the system said so. */
async function settle(to: string, files: readonly ManifestFile[]): Promise<void> {
  for (const folder of new Set([to, ...files.map((file) => path.dirname(path.join(to, file.path)))])) await syncFolder(folder);
  for (const file of files) {
    const final = path.join(to, file.path);
    const there = await lstat(final).catch(() => undefined);
    if (there?.size !== file.size)
      throw new CairnError('io', `${final}: it was restored, and is not there; check the disk and restore it again`, { path: final });
  }
}

async function restoreLinks(links: Manifest['links'], options: RestoreOptions): Promise<void> {
  for (const link of links) {
    const final = path.join(await makeFolder(options.to, path.dirname(link.path)), path.basename(link.path));
    if (options.force) await rm(final, { force: true });
    await symlink(link.target, final);
  }
}

/** @param there an entry of the target, which shows how its file system takes names */
async function rulesOf(there: string): Promise<NameRules> {
  const exists = (place: string): Promise<boolean> =>
    lstat(place).then(
      () => true,
      () => false,
    );
  return { ignoresCase: await ignoresCase(there, exists), isWindows: process.platform === 'win32' };
}

/** Deepest first, so that setting a folder's time is not undone by what happens inside it. */
async function restoreFolders(manifest: Manifest, options: RestoreOptions): Promise<void> {
  for (const folder of manifest.folders.toSorted((a, b) => b.path.length - a.path.length)) {
    const final = await makeFolder(options.to, folder.path);
    await chmod(final, folder.mode);
    setModified(final, BigInt(folder.mtimeNs));
  }
}

/**
 * Restores files of a snapshot into `options.to`.
 *
 * @throws CairnError `exists` naming the first file that is there already, `unsupported` a name that the target can't hold, `no_space` with how much is missing, `damaged`
 * where stored bytes or digests are wrong, `not_found` where nothing is wanted, `cancelled`, `denied`, `io`. Files that have
 * their name were compared; the temporary folder is removed.
 */
export async function restoreFiles(manifest: Manifest, options: RestoreOptions): Promise<Restored> {
  const { files, links } = chooseEntries(manifest, options.wanted);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const entries = [...files, ...links].map((entry) => entry.path);
  await assertNoDetour(options.to, entries);
  await (options.force ? assertReplaceable : assertAbsent)(entries.map((entry) => path.join(options.to, entry)));
  await mkdir(options.to, { recursive: true });
  await assertRoomToRestore(options.to, bytes);
  await withStaging(options.to, async (staging) => {
    assertNameable(entries, await rulesOf(staging));
    const targets = files.map((file, index) => ({
      file,
      temporary: path.join(staging, String(index)),
      final: path.join(options.to, file.path),
    }));
    for (const target of targets) await createSized(target.temporary, target.file.size);
    await decodeAndCompare(targets, manifest, options);
  });
  await settle(options.to, files);
  await restoreLinks(links, options);
  // Folders that chosen files go into may be the user's own.
  if (files.length === manifest.files.length) await restoreFolders(manifest, options);
  return { files: files.length, bytes };
}
