/** What scanning finds below a source: runs, their checkpoints in order, and the files of each. */
import type { CheckpointState } from '../contract/model.ts';

/** What a rescan compares: nothing is read again where all of it is as before. */
export interface FileIdentity {
  size: number;
  /** Nanoseconds, as the system gives them. */
  mtimeNs: bigint;
  inode: bigint;
  device: bigint;
}

/** What reading a file's header (or a small state file) gave; kept with its identity, so that a rescan needs no read. */
export interface FileHeader {
  /** Of the readers that read it; a header of another version is read again. */
  version: number;
  /** Name of the reader, or bytes. */
  format: string;
  /** True where the header proves that the file has its full length. */
  whole: boolean;
  /** True where the system refused to read it. */
  unreadable?: boolean;
  damaged?: boolean;
  note?: string;
  /** What recognisers read from it, by question; plain JSON. */
  facts?: Record<string, unknown>;
}

/** A file of an earlier scan. */
export interface KnownFile extends FileIdentity {
  header: FileHeader;
}

export interface FoundFile extends FileIdentity {
  /** Relative to the checkpoint, "/" between parts; its own name where the checkpoint is this file. */
  path: string;
  mode: number;
  header?: FileHeader;
}

export type PartName = 'weights' | 'optimizer' | 'scheduler' | 'random' | 'configuration' | 'other';

export interface FoundCheckpoint {
  /** Absolute. A folder, or the file itself where a checkpoint is one file. */
  path: string;
  /** True where the checkpoint is one file, which is then its only one. */
  alone?: boolean;
  /** True where only these files of the folder belong to it, and other checkpoints lie beside or below them. */
  onlyFiles?: boolean;
  step: number;
  stepFrom: 'state' | 'name' | 'mtime';
  files: FoundFile[];
  folders: { path: string; mode: number; mtimeNs: bigint }[];
  links: { path: string; target: string }[];
  state: CheckpointState;
  /** Why it is not complete, in one line. */
  reason?: string;
  parts: PartName[];
  best?: boolean;
  /** Names of the formats of its files, most bytes first; filled by the scanner. */
  formats: string[];
}

export interface FoundRun {
  /** Absolute path of the folder that holds the checkpoints; identifies the run. */
  path: string;
  name: string;
  /** Name of the recogniser. */
  layout: string;
  /** Ascending by step. */
  checkpoints: FoundCheckpoint[];
  /** Where the trainer left a loss curve. */
  losses: { step: number; loss: number }[];
}

export interface ScanFinding {
  code: string;
  severity: 'error' | 'warning';
  path: string;
  message: string;
}

export interface ScanResult {
  runs: FoundRun[];
  /** What was looked through: absolute paths without symbolic links. Nothing else is there below them. */
  roots: string[];
  findings: ScanFinding[];
}
