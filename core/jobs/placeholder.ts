/** The small text file that may stand where a released checkpoint was: written by a release, taken away by the restore that undoes it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { Manifest } from '../store/manifest.ts';

const nameFor = (original: string): string => `${original}.released.txt`;
/** Longer files are somebody else's. */
const mostBytes = 64 * 1024;

/** The start of the command line that gives a snapshot back. */
export const undoOf = (id: string): string => `cairn restore ${id.slice(0, 16)} --to `;

/** Says where the bytes are and how to get them back. A file of that name that is there already stays. */
export async function leavePlaceholder(original: string, storePath: string, manifest: Manifest, undo: string): Promise<void> {
  const text = [
    `Step ${manifest.step} of ${manifest.run.name} is archived: ${manifest.files.length} files, ${manifest.bytesOriginal} bytes, proved before they were released.`,
    `Store: ${storePath}`,
    `To get it back: ${undo}`,
    '',
  ];
  await writeFile(nameFor(original), text.join('\n'), { flag: 'wx' }).catch(() => undefined);
}

/** Takes the placeholder of a snapshot away that stands beside what was restored; any other file stays. */
export async function removePlaceholder(original: string, id: string): Promise<void> {
  const text = await readFile(nameFor(original), 'utf8').catch(() => '');
  if (text.length < mostBytes && text.includes(`To get it back: ${undoOf(id)}`)) await rm(nameFor(original), { force: true });
}
