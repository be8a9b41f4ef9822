/**
 * Layouts whose checkpoints are numbered folders, told apart by the files in them and finished when one certain file
 * is there. Each is a row of a table; what a row can't say has a recogniser of its own.
 */
import type { TreeFolder } from '../folder-tree.ts';
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

function claim(folder: TreeFolder, layout: MarkedLayout): Claim {
  const step = Number(layout.folder.exec(folder.name)?.groups?.['step'] ?? 0);
  const files = filesBelow(folder, layout.traceDepth);
  const missing = layout.required.find(({ file }) => !files.some((entry) => file.test(entry.name)));
  const base: Claim = { entry: folder, step, stepFrom: 'name' };
  if (!missing) return { ...base, ...(layout.marks && { marked: true }) };
  return { ...base, unfinished: `${missing.called} is missing: the save did not finish; remove it or save again` };
}

export function recogniserOf(layout: MarkedLayout): Recogniser {
  function recognise({ folder }: Question): Promise<Recognised | undefined> {
    const candidates = folder.folders.filter((child) => layout.folder.test(child.name));
    const certain = candidates.some((child) => filesBelow(child, layout.traceDepth).some((file) => layout.trace.test(file.name)));
    return Promise.resolve(certain ? { claims: candidates.map((child) => claim(child, layout)) } : undefined);
  }
  return { name: layout.name, recognise };
}
