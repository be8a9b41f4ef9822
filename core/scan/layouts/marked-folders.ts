/**
 * Layouts whose checkpoints are numbered folders, told apart by the files in them and finished when one certain file
 * is there. Each is a row of a table; what a row can't say has a recogniser of its own.
 */
import { z } from 'zod';
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import { isEnded, type FileFacts } from './file-facts.ts';
import { filesBelow, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';

export interface MarkedLayout {
  name: string;
  /** Of a checkpoint's folder; group `step`. */
  folder: RegExp;
  /** A folder with such a file is certainly of this layout. */
  trace: RegExp;
  /** How many levels below the folder traces are looked for. */
  traceDepth: number;
  /** Files that a finished save has, each with how the user calls it; the one written last comes first. */
  required: { file: RegExp; called: string }[];
  /** True where a finished save proves it by having `required`; otherwise its headers have to. */
  marks: boolean;
}

async function claim(folder: TreeFolder, layout: MarkedLayout, facts: FileFacts): Promise<Claim> {
  const step = Number(layout.folder.exec(folder.name)?.groups?.['step'] ?? 0);
  const files = filesBelow(folder, layout.traceDepth);
  const base: Claim = { entry: folder, step, stepFrom: 'name' };
  for (const { file, called } of layout.required) {
    const there = files.filter((entry) => file.test(entry.name));
    const state = there.length === 0 ? 'is missing' : there.every(({ size }) => size === 0) ? 'is empty' : undefined;
    if (state !== undefined) return { ...base, unfinished: `${called} ${state}: the save did not finish; remove it or save again` };
  }
  if (!layout.marks) return base;
  if (await isWritten(files, layout, facts)) return { ...base, marked: true };
  return { ...base, unfinished: `${layout.required[0]?.called} ends early: the save did not finish; remove it or save again` };
}

/** Whether what is written last was written to its end: its name alone says that it was begun. */
async function isWritten(files: readonly TreeFile[], { required }: MarkedLayout, facts: FileFacts): Promise<boolean> {
  const last = files.filter(({ name }) => required[0]?.file.test(name));
  return (await Promise.all(last.map((file) => facts.fact(file, 'ended', z.boolean(), isEnded)))).every(Boolean);
}

/** Recognises runs whose checkpoint folders have such names and such a file. */
export function recogniserOf(layout: MarkedLayout): Recogniser {
  async function recognise({ folder, facts }: Question): Promise<Recognised | undefined> {
    const candidates = folder.folders.filter((child) => layout.folder.test(child.name));
    const certain = candidates.some((child) => filesBelow(child, layout.traceDepth).some((file) => layout.trace.test(file.name)));
    return certain ? { claims: await Promise.all(candidates.map((child) => claim(child, layout, facts))) } : undefined;
  }
  return { name: layout.name, recognise };
}
