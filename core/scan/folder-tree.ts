/**
 * The folders and files below a path, as the operating system lists them: one readdir a folder, one lstat a file,
 * nothing opened. Symbolic links are recorded and never followed, so a cycle can't be entered and nothing outside
 * the root is seen.
 */
import { isUtf8 } from 'node:buffer';
import { lstat, readdir, readlink } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { basename, join } from 'node:path';
import type { FileIdentity, ScanFinding } from './found.ts';
import { foreignFolder } from './layouts/foreign.ts';
import { printable } from '../contract/printable.ts';

export interface TreeFile extends FileIdentity {
  name: string;
  /** Absolute. */
  path: string;
  mode: number;
}

export interface TreeFolder {
  name: string;
  /** Absolute. */
  path: string;
  mode: number;
  mtimeNs: bigint;
  folders: TreeFolder[];
  files: TreeFile[];
  links: { name: string; target: string }[];
  /** Why something directly in it can't be read or kept, one line each; a checkpoint with one is not complete. */
  problems: string[];
  /** False for folders that only a checkpoint's own contents can be in (tool caches, .git): see `enter`. */
  entered: boolean;
}

/** Lets at most `width` of the given functions run at once. */
export type Gate = <T>(run: () => Promise<T>) => Promise<T>;

/** Lets `width` works run at once; others wait their turn. */
export function createGate(width: number): Gate {
  let running = 0;
  let waiting: (() => void)[] = [];
  let first = 0;
  /** Takes from the front without moving the rest, which may be tens of thousands. */
  const nextWaiting = (): (() => void) | undefined => {
    const next = waiting[first];
    first += 1;
    if (first < waiting.length) return next;
    waiting = [];
    first = 0;
    return next;
  };
  return async (run) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = nextWaiting();
      if (next) next();
      else running -= 1;
    }
  };
}

/** Deeper folders are reported and not entered. */
const maxDepth = 100;

/** Depth for a folder's own entries only. */
export const shallow = -1;

export interface Walk {
  gate: Gate;
  findings: ScanFinding[];
  signal?: AbortSignal | undefined;
}

/** What `lstat` says of a file, as a record of the tree. */
export function treeFile(path: string, name: string, stats: BigIntStats): TreeFile {
  const { size, mtimeNs, ino: inode, dev: device } = stats;
  return { path, name, size: Number(size), mtimeNs, inode, device, mode: Number(stats.mode & 0o7777n) };
}

function treeFolder(path: string, name: string, stats: BigIntStats): TreeFolder {
  const mode = Number(stats.mode & 0o7777n);
  return { path, name, mode, mtimeNs: stats.mtimeNs, folders: [], files: [], links: [], problems: [], entered: false };
}

/**
 * Reads the folder at `path` and, down to `depth` levels, everything below it. Folders and files that can't be read
 * become findings.
 *
 * @throws the system's error where `path` itself has no stat; AbortError where the walk's signal is set.
 */
export async function readTree(path: string, walk: Walk, depth = maxDepth): Promise<TreeFolder> {
  const folder = treeFolder(path, basename(path), await lstat(path, { bigint: true }));
  await enter(folder, walk, depth);
  return folder;
}

/**
 * Reads what is in `folder` and below it where that was not done yet, down to `depth` levels. Folders of other tools
 * are entered only with `all`: they are no place to look for runs, but a checkpoint's contents are kept whole.
 */
export async function enter(folder: TreeFolder, walk: Walk, depth = maxDepth, all = false): Promise<void> {
  walk.signal?.throwIfAborted();
  if (!folder.entered) await list(folder, walk);
  if (depth <= 0) return reportDepth(folder, walk, depth);
  if (isStore(folder) && !all) return;
  const wanted = folder.folders.filter((child) => all || !leaveForeign(folder, child, walk));
  await Promise.all(wanted.map((child) => enter(child, walk, depth - 1, all)));
}

/** Remembers that a walk of full depth ended above folders that it did not read. */
function reportDepth(folder: TreeFolder, walk: Walk, depth: number): void {
  if (depth === shallow || folder.folders.length === 0) return;
  const message = `${printable(folder.path)}: nested more than ${maxDepth} folders deep; what is below is left out`;
  report(folder, walk, { code: 'too_deep', severity: 'error', path: folder.path, message });
}

/** True where `child` belongs to another tool; caches of models are worth a word to the user. */
function leaveForeign(folder: TreeFolder, child: TreeFolder, walk: Walk): boolean {
  const foreign = foreignFolder(folder.name, child.name);
  if (foreign?.tool && !child.entered) {
    const message = `${printable(child.path)}: a cache of ${foreign.tool}, not entered; add it as a source of its own to archive it`;
    walk.findings.push({ code: 'tool_cache', severity: 'warning', path: child.path, message });
  }
  return foreign !== undefined;
}

function isStore(folder: TreeFolder): boolean {
  return folder.files.some((file) => file.name === 'cairn.json') && folder.folders.some((child) => child.name === 'packs');
}

/** Lists one folder without its subfolders. */
export async function list(folder: TreeFolder, walk: Walk): Promise<void> {
  folder.entered = true;
  const names = await attempt(folder, folder.path, walk, () => walk.gate(() => readdir(folder.path, { encoding: 'buffer' })));
  await Promise.all((names ?? []).map((name) => addEntry(folder, name, walk)));
  folder.folders.sort(byName);
  folder.files.sort(byName);
  folder.links.sort(byName);
}

async function addEntry(folder: TreeFolder, rawName: Buffer, walk: Walk): Promise<void> {
  const name = rawName.toString('utf8');
  const path = join(folder.path, name);
  if (!isUtf8(rawName)) {
    const message = `${printable(path)}: the name is not valid UTF-8, so it can't be kept; rename it`;
    return report(folder, walk, { code: 'unreadable_name', severity: 'error', path, message });
  }
  await attempt(folder, path, walk, async () => {
    const stats = await walk.gate(() => lstat(path, { bigint: true }));
    if (stats.isDirectory()) folder.folders.push(treeFolder(path, name, stats));
    else if (stats.isFile()) folder.files.push(treeFile(path, name, stats));
    else if (stats.isSymbolicLink()) await addLink(folder, name, path, walk);
    else walk.findings.push(specialFile(path));
  });
}

async function addLink(folder: TreeFolder, name: string, path: string, walk: Walk): Promise<void> {
  const target = await walk.gate(() => readlink(path, { encoding: 'buffer' }));
  if (isUtf8(target)) {
    folder.links.push({ name, target: target.toString('utf8') });
    return;
  }
  const message = `${printable(path)}: the link leads to a name that is not valid UTF-8, so it can't be kept; change it`;
  report(folder, walk, { code: 'unreadable_name', severity: 'error', path, message });
}

function specialFile(path: string): ScanFinding {
  const message = `${printable(path)}: a device, socket or pipe, not a file; it is left out`;
  return { code: 'special_file', severity: 'warning', path, message };
}

/** Runs `read`; what the system refuses becomes a finding, and what vanished meanwhile is as if it had never been. */
async function attempt<T>(folder: TreeFolder, path: string, walk: Walk, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    const denied = code === 'EACCES' || code === 'EPERM';
    const why = denied ? 'permission denied; check the owner and mode' : `can't be read (${code ?? String(thrown)}); check the disk`;
    report(folder, walk, { code: denied ? 'denied' : 'io', severity: 'error', path, message: `${printable(path)}: ${why}` });
    return undefined;
  }
}

function report(folder: TreeFolder, walk: Walk, finding: ScanFinding): void {
  folder.problems.push(finding.message);
  walk.findings.push(finding);
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
