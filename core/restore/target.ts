/** What must hold of a place before anything is restored to it. */
import { lstat, mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { CairnError, toCairnError } from '../contract/errors.ts';
import { assertRoom } from '../store/room.ts';

/** @throws CairnError `exists` naming the first of the paths that is there. */
export async function assertAbsent(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const there = await lstat(path).catch(() => undefined);
    if (there)
      throw new CairnError('exists', `${path}: it is there already; choose another folder or pass --force to replace it`, { path });
  }
}

/** @throws CairnError `exists` naming the first of the paths that is a folder, which no file may replace. */
export async function assertReplaceable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const there = await lstat(path).catch(() => undefined);
    if (there?.isDirectory())
      throw new CairnError('exists', `${path}: a folder is there, which a file can't replace; move it away or choose another folder`, {
        path,
      });
  }
}

/**
 * Checks that what is there of the folders between `to` and each file below it are folders: a symbolic link would lead a file
 * out of the target.
 *
 * @param files paths relative to `to`
 * @throws CairnError `exists` naming the first that is something else.
 */
export async function assertNoDetour(to: string, files: readonly string[]): Promise<void> {
  for (const folder of new Set(files.map((file) => path.dirname(file)))) {
    for (const step of stepsTo(to, folder)) if (!(await isFolder(step))) break;
  }
}

/**
 * Makes a folder below `to`, with those between, following no symbolic link below `to`.
 *
 * @param folder relative to `to`
 * @returns its path
 * @throws CairnError `exists` where something else is in its way, `denied`, `no_space`, `io`.
 */
export async function makeFolder(to: string, folder: string): Promise<string> {
  await mkdir(to, { recursive: true });
  for (const step of stepsTo(to, folder)) {
    if (await isFolder(step)) continue;
    await mkdir(step).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EEXIST') throw toCairnError(thrown, step);
    });
    await isFolder(step);
  }
  return path.join(to, folder);
}

/** `a/b/c` below `to`: to/a, to/a/b, to/a/b/c. */
function stepsTo(to: string, folder: string): string[] {
  const names = path
    .normalize(folder)
    .split(path.sep)
    .filter((name) => name !== '' && name !== '.');
  return names.map((_, index) => path.join(to, ...names.slice(0, index + 1)));
}

/** False where nothing is there. @throws CairnError `exists` where something else is. */
async function isFolder(step: string): Promise<boolean> {
  const there = await lstat(step).catch(() => undefined);
  if (!there || there.isDirectory()) return there !== undefined;
  const what = there.isSymbolicLink() ? 'a symbolic link is there, which would lead out of the target' : 'a file is there, not a folder';
  throw new CairnError('exists', `${step}: ${what}; move it away or choose another folder`, { path: step });
}

/** @throws LacksRoom */
export function assertRoomToRestore(folder: string, bytes: number): Promise<void> {
  const bytesFree = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  return assertRoom('restoring', { path: folder, bytesNeeded: bytes, bytesFree });
}
