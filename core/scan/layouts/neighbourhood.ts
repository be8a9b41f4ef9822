/**
 * What lies beside a folder or file that the user named: enough of its parent to tell whether it is a checkpoint of
 * a run, and of which step, without walking through the parent's other folders.
 */
import { dirname } from 'node:path';
import { enter, readTree, shallow, type TreeFile, type TreeFolder, type Walk } from '../folder-tree.ts';
import { familyOf, readNumberedName } from './names.ts';
import { isFolder } from './recogniser.ts';

/** Files of a run folder that say something about its checkpoints. */
const trackers = /^(latest|latest_universal|latest_checkpointed_iteration\.txt|zero_to_fp32\.py|checkpoint)$/;

/** A few siblings show what a family is; a temporary folder may have thousands. */
const maxSiblings = 500;

/**
 * The parent of `entry`, holding `entry` itself, its siblings of the same family (only their own files listed) and,
 * beside a file, the parent's other files. Undefined for a folder whose name can't be a step's, and at the root.
 */
export async function readNeighbourhood(entry: TreeFolder | TreeFile, walk: Walk): Promise<TreeFolder | undefined> {
  const path = dirname(entry.path);
  if (path === entry.path || (isFolder(entry) && !/\d|\.ckpt$|^(release|last|best)/.test(entry.name))) return undefined;
  const quiet: Walk = { ...walk, findings: [] };
  const parent = await readTree(path, quiet, shallow).catch(() => undefined);
  if (!parent) return undefined;
  const family = familyKey(entry.name);
  const relatives = parent.folders.filter((folder) => isFolder(entry) && folder.name !== entry.name && familyKey(folder.name) === family);
  const siblings = relatives.slice(0, maxSiblings);
  await Promise.all(siblings.map((folder) => enter(folder, quiet, shallow)));
  const files = isFolder(entry)
    ? parent.files.filter((file) => trackers.test(file.name))
    : parent.files.map((file) => (file.name === entry.name ? entry : file));
  return {
    ...parent,
    folders: isFolder(entry) ? [...siblings, entry].sort((a, b) => (a.name < b.name ? -1 : 1)) : [],
    files,
    problems: [],
  };
}

function familyKey(name: string): string {
  return readNumberedName(name)?.family ?? familyOf(name);
}
