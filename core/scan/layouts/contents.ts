/** The files, folders and links of one claimed checkpoint: everything below it, known or not, hidden or not. */
import { join } from 'node:path';
import { enter, type TreeFile, type TreeFolder, type Walk } from '../folder-tree.ts';
import type { FoundCheckpoint, FoundFile } from '../found.ts';
import type { FileFacts } from './file-facts.ts';
import { isFolder, type Claim } from './recogniser.ts';

export interface Contents extends Pick<FoundCheckpoint, 'files' | 'folders' | 'links'> {
  /** The same files as the tree has them, in the same order. */
  entries: TreeFile[];
  problems: string[];
}

/** Reads the headers of a checkpoint's files and lists what it holds. */
export async function readContents(claim: Claim, walk: Walk, facts: FileFacts): Promise<Contents> {
  const contents: Contents = { files: [], folders: [], links: [], entries: [], problems: [] };
  if (!isFolder(claim.entry)) contents.entries.push(claim.entry);
  else if (claim.onlyFiles) contents.entries.push(...claim.onlyFiles);
  else {
    await enter(claim.entry, walk, undefined, true);
    gather(claim.entry, '', contents);
  }
  const top = isFolder(claim.entry) ? claim.entry.path.length + 1 : claim.entry.path.length - claim.entry.name.length;
  contents.files = await Promise.all(contents.entries.map((file) => foundFile(file, file.path.slice(top), facts)));
  return contents;
}

function gather(folder: TreeFolder, prefix: string, contents: Contents): void {
  contents.entries.push(...folder.files);
  contents.problems.push(...folder.problems);
  contents.links.push(...folder.links.map(({ name, target }) => ({ path: prefix + name, target })));
  for (const child of folder.folders) {
    contents.folders.push({ path: prefix + child.name, mode: child.mode, mtimeNs: child.mtimeNs });
    gather(child, `${prefix}${child.name}/`, contents);
  }
}

async function foundFile(file: TreeFile, path: string, facts: FileFacts): Promise<FoundFile> {
  const header = await facts.header(file);
  const { size, mtimeNs, inode, device, mode } = file;
  return { path: process.platform === 'win32' ? path.replaceAll('\\', '/') : path, size, mtimeNs, inode, device, mode, header };
}

/** Absolute path of a checkpoint's file. */
export function pathOfFile(checkpoint: FoundCheckpoint, file: FoundFile): string {
  const alone = checkpoint.alone === true;
  return alone ? checkpoint.path : join(checkpoint.path, file.path);
}

/** Names of the formats, most bytes first; `bytes` only where there is nothing else. */
export function formatsOf(files: readonly FoundFile[]): string[] {
  const sizes = new Map<string, number>();
  for (const { header, size } of files) sizes.set(header?.format ?? 'bytes', (sizes.get(header?.format ?? 'bytes') ?? 0) + size);
  const names = [...sizes].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  const known = names.filter((name) => name !== 'bytes');
  return known.length > 0 ? known : names;
}

/** Bytes on disk: files that are hard links of one another count once. */
export function bytesOf(files: readonly FoundFile[]): number {
  const seen = new Set<string>();
  let bytes = 0;
  for (const { device, inode, size } of files) {
    const identity = `${device}:${inode}`;
    if (inode !== 0n && seen.has(identity)) continue;
    seen.add(identity);
    bytes += size;
  }
  return bytes;
}
