/**
 * The one interface through which every read and write of a store goes. Names are relative, "/" between parts, as in
 * FORMAT.md section 1 (`packs/ab/<id>.pack`). A file is written under `temporary/`, then published under its final
 * name, and never changes again; only `lock` is ever replaced.
 *
 * All methods reject with CairnError: `not_found` where a named file is missing, `exists`, `no_space`, `denied`, `io`.
 */
import { CairnError } from '../../contract/errors.ts';

export interface StoredFile {
  sizeBytes: number;
  modifiedMs: number;
}

export interface Backend {
  /** Where the store is, in words a user knows (a path, a URL). */
  readonly place: string;

  /** Names of all files below a folder ('' is the whole store), sorted; none where the folder doesn't exist. */
  list(folder: string): Promise<string[]>;
  stat(name: string): Promise<StoredFile | undefined>;
  /** When a name directly in a folder last came or went, in milliseconds since 1970; undefined where nothing keeps that. */
  changedMs(folder: string): Promise<number | undefined>;
  /** Exactly `length` bytes; `damaged` where the file ends before. */
  readRange(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** The whole file; `damaged` where it is larger than `limitBytes`. */
  readWhole(name: string, limitBytes: number): Promise<Uint8Array>;

  /** Creates an empty file of a unique name under `temporary/` and returns that name. */
  createTemporary(): Promise<string>;
  /** Writes all bytes at an offset of a file under `temporary/`. */
  writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Cuts a file under `temporary/` to a length. */
  truncate(name: string, lengthBytes: number): Promise<void>;
  /**
   * Makes a temporary file durable under its final name: file synced, renamed, folder synced. `exists` where the name
   * is taken, unless it is to be replaced. Names are derived from content and there is one writer, so a name is never contended.
   */
  publish(temporary: string, name: string, replacing?: boolean): Promise<void>;
  /** Removes a file durably; one that is gone already is no error. */
  remove(name: string): Promise<void>;

  /** Creates a file with these bytes, durably, and only if there is none: false where there is one. For the lock. */
  createExclusive(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Replaces a file whole, so that a reader sees the old bytes or the new ones. For the lock's heartbeat. */
  replace(name: string, bytes: Uint8Array): Promise<void>;

  freeBytes(): Promise<number>;
  /** Whether reading and writing goes over a network, as far as the system tells. */
  isRemote(): Promise<boolean>;
  /** Makes everything written so far durable, for files that native code wrote through `localPath`. */
  sync(name: string): Promise<void>;
  /** The path that native code opens for reads and writes of file ranges. */
  localPath(name: string): string;
}

const safeName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** Refuses names that could leave the store's folder; ours never do, so one that does is a defect. */
export function checkName(name: string): void {
  if (!safeName.test(name)) throw new CairnError('internal', `"${name}" is no name of a store's file; please report it`);
}
