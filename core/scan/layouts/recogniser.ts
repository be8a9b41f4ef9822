/**
 * How trainers' folders are recognised. A recogniser looks at one folder and says which of its entries are
 * checkpoints of its layout; the scanner asks all of them in order, takes claimed entries out of later questions and
 * goes down into the rest. One file a recogniser.
 */
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import type { FoundCheckpoint } from '../found.ts';
import type { FileFacts } from './file-facts.ts';

/** One checkpoint as a recogniser claims it. */
export interface Claim {
  /** The folder or file that is the checkpoint. */
  entry: TreeFolder | TreeFile;
  /** Only these of the folder's own files belong to it, and no subfolder: for models beside checkpoint folders. */
  onlyFiles?: TreeFile[];
  step: number;
  stepFrom: FoundCheckpoint['stepFrom'];
  /** Why the layout's own marker of a finished save is missing, in one line with what to do. */
  unfinished?: string;
  /** True where the layout writes a marker last and it is there. */
  marked?: boolean;
  best?: boolean;
  /** True where it looks like the start of a save whose other files, and the marker among them, come in a moment. */
  begun?: boolean;
}

export interface Recognised {
  claims: Claim[];
  /** Where the trainer left a loss curve. */
  losses?: { step: number; loss: number }[];
}

export interface Question {
  /** The entries that no recogniser before has claimed. */
  folder: TreeFolder;
  /** All entries. */
  whole: TreeFolder;
  facts: FileFacts;
}

export interface Recogniser {
  readonly name: string;
  recognise(question: Question): Promise<Recognised | undefined>;
}

/** Tells folders from files. */
export function isFolder(entry: TreeFolder | TreeFile): entry is TreeFolder {
  return 'folders' in entry;
}

/** A file directly in `folder`, by name. */
export function fileNamed(folder: TreeFolder, name: string): TreeFile | undefined {
  return folder.files.find((file) => file.name === name);
}

/** Every file below `folder`, its own first. */
export function filesBelow(folder: TreeFolder, depth = Infinity): TreeFile[] {
  return depth < 0 ? [] : [...folder.files, ...folder.folders.flatMap((child) => filesBelow(child, depth - 1))];
}

/** Newest modification below, in nanoseconds. */
export function newestMtime(entry: TreeFolder | TreeFile): bigint {
  const times = isFolder(entry) ? filesBelow(entry).map((file) => file.mtimeNs) : [entry.mtimeNs];
  return times.reduce((newest, time) => (time > newest ? time : newest), isFolder(entry) ? 0n : entry.mtimeNs);
}
