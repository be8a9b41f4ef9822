/** What must hold of a place before anything is restored to it. */
import { lstat, statfs } from 'node:fs/promises';
import { CairnError } from '../contract/errors.ts';

const mebibyte = 2 ** 20;

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

/** @throws CairnError `no_space` with what is missing. */
export async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const missing = bytes - bavail * bsize;
  if (missing <= 0) return;
  throw new CairnError(
    'no_space',
    `${folder}: ${Math.ceil(missing / mebibyte)} MiB are missing to restore there; free some space or choose another folder`,
    { path: folder },
  );
}
