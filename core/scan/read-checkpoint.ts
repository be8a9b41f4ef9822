/** What a checkpoint on disk consists of, by its headers, and the watch that its files didn't change meanwhile. */
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { CairnError } from '../contract/errors.ts';
import type { FileLayout } from './file-layout.ts';
import { readLayout } from './formats/registry.ts';
import type { FoundCheckpoint, FoundFile } from './found.ts';

export interface CheckpointFile {
  found: FoundFile;
  /** Absolute. */
  path: string;
  layout: FileLayout;
}

/**
 * Reads the headers of every file.
 *
 * @throws CairnError `bad_input` where a file contradicts itself: such a checkpoint is damaged and not archived unseen.
 */
export async function readCheckpoint(checkpoint: FoundCheckpoint): Promise<CheckpointFile[]> {
  const files: CheckpointFile[] = [];
  const alone = (await lstat(checkpoint.path)).isFile();
  for (const found of checkpoint.files) {
    const filePath = alone ? checkpoint.path : path.join(checkpoint.path, found.path);
    const layout = await readLayout(filePath);
    if (layout.damaged)
      throw new CairnError('bad_input', `${filePath}: ${layout.note ?? 'the file contradicts itself'}`, { path: filePath });
    files.push({ found, path: filePath, layout });
  }
  return files;
}

/**
 * Size, modification time and inode must be those that were found. The time of the last change of any kind, which nobody can set,
 * is given back to be compared with the next time: it tells of writes whose modification time was set back.
 *
 * @param before what this gave when reading began
 * @returns in nanoseconds, in the order of `files`
 * @throws CairnError `changed` where a file is not what it was when the checkpoint was found, or one has come.
 */
export async function assertUnchanged(
  checkpoint: FoundCheckpoint,
  files: readonly Pick<CheckpointFile, 'found' | 'path'>[],
  before?: readonly bigint[],
): Promise<bigint[]> {
  const changeTimes: bigint[] = [];
  for (const [index, { found, path: filePath }] of files.entries()) {
    const now = await lstat(filePath, { bigint: true });
    const same = now.size === BigInt(found.size) && now.mtimeNs === found.mtimeNs && now.ino === found.inode;
    if (!same || now.ctimeNs !== (before?.[index] ?? now.ctimeNs)) throw changed(filePath, 'changed');
    changeTimes.push(now.ctimeNs);
  }
  if (checkpoint.alone || checkpoint.onlyFiles) return changeTimes;
  const known = new Set(files.map((file) => file.path));
  for (const entry of await readdir(checkpoint.path, { recursive: true, withFileTypes: true })) {
    const filePath = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !known.has(filePath)) throw changed(filePath, 'appeared');
  }
  return changeTimes;
}

function changed(filePath: string, what: string): CairnError {
  return new CairnError('changed', `${filePath}: the file ${what} while its checkpoint was archived; archive it again once it is written`, {
    path: filePath,
  });
}
