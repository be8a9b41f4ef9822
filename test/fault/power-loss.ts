/**
 * What a disk may hold after the power went out, by what was written and synced before (a trace of shim.cc). Of a file, whatever
 * was synced is there, and of later writes any; of a folder, whatever names were made or removed before it was synced, and of
 * later ones any. That is less than file systems promise, so what survives this survives them.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Write {
  kind: 'write';
  path: string;
  offset: number;
  bytes: Buffer;
}
interface Truncate {
  kind: 'truncate';
  path: string;
  length: number;
}
interface Named {
  kind: 'file' | 'folder' | 'unlink' | 'sync';
  path: string;
}
export type Change = Write | Truncate | Named | { kind: 'rename'; from: string; to: string };

const kinds = { C: 'file', D: 'folder', U: 'unlink', S: 'sync' } as const;

export function readTrace(file: string): Change[] {
  const bytes = readFileSync(file);
  const changes: Change[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const letter = String.fromCharCode(bytes[at]!);
    const [first, second, third] = bytes.toString('utf8', at + 2, end).split('\t') as [string, string, string];
    at = end + 1;
    if (letter === 'W') {
      changes.push({ kind: 'write', path: first, offset: Number(second), bytes: bytes.subarray(at, at + Number(third)) });
      at += Number(third);
    } else if (letter === 'T') changes.push({ kind: 'truncate', path: first, length: Number(second) });
    else if (letter === 'R') changes.push({ kind: 'rename', from: first, to: second });
    else changes.push({ kind: kinds[letter as keyof typeof kinds], path: first });
  }
  return changes;
}

interface StoredFile {
  synced: Buffer;
  /** Later writes, in order. */
  pending: (Write | Truncate)[];
}
type Entry = StoredFile | 'folder';

/** A name that was made (`entry`) or removed, and whether its folder was synced since. */
interface NameChange {
  path: string;
  entry: Entry | undefined;
  synced: boolean;
}

function applied(content: Buffer, change: Write | Truncate): Buffer {
  const length = change.kind === 'truncate' ? change.length : Math.max(content.length, change.offset + change.bytes.length);
  const after = Buffer.alloc(length);
  content.copy(after);
  if (change.kind === 'write') change.bytes.copy(after, change.offset);
  return after;
}

export class Disk {
  readonly #root: string;
  readonly #names = new Map<string, Entry>();
  readonly #changes: NameChange[] = [];

  /** @param root as it lies on the real disk now: all of it durable */
  constructor(root: string) {
    this.#root = root;
    this.#names.set(root, 'folder');
    for (const name of statSync(root, { throwIfNoEntry: false }) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : []) {
      const place = path.join(root, name);
      this.#set(place, statSync(place).isDirectory() ? 'folder' : { synced: readFileSync(place), pending: [] }, true);
    }
  }

  apply(change: Change): void {
    if (change.kind === 'rename') {
      this.#set(change.to, this.#names.get(change.from));
      this.#set(change.from, undefined);
    } else if (change.kind === 'file') this.#set(change.path, { synced: Buffer.alloc(0), pending: [] });
    else if (change.kind === 'folder') this.#set(change.path, 'folder');
    else if (change.kind === 'unlink') this.#set(change.path, undefined);
    else if (change.kind === 'write' || change.kind === 'truncate') this.#write(change);
    else this.#sync(change.path);
  }

  /** Puts what may be left after a loss of power now in the place of what is there. @param keeps says of each change whether it came to the disk */
  lose(keeps: () => boolean): void {
    const left = new Map<string, Entry>();
    for (const { path: place, entry, synced } of this.#changes) {
      if (!synced && !keeps()) continue;
      if (entry === undefined) left.delete(place);
      else left.set(place, entry);
    }
    rmSync(this.#root, { recursive: true, force: true });
    mkdirSync(this.#root, { recursive: true });
    const isThere = (folder: string): boolean => folder === this.#root || left.get(folder) === 'folder';
    for (const [place, entry] of [...left].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // A name in a folder that is not there itself.
      if (!isThere(path.dirname(place))) left.delete(place);
      else if (entry === 'folder') mkdirSync(place);
      else writeFileSync(place, entry.pending.filter(keeps).reduce(applied, entry.synced));
    }
  }

  #write(change: Write | Truncate): void {
    const entry = this.#names.get(change.path);
    if (entry !== undefined && entry !== 'folder') entry.pending.push(change);
  }

  #sync(place: string): void {
    const entry = this.#names.get(place);
    if (entry === 'folder') {
      for (const change of this.#changes) if (path.dirname(change.path) === place) change.synced = true;
    } else if (entry) {
      entry.synced = entry.pending.splice(0).reduce(applied, entry.synced);
    }
  }

  #set(place: string, entry: Entry | undefined, synced = false): void {
    if (entry === undefined) this.#names.delete(place);
    else this.#names.set(place, entry);
    this.#changes.push({ path: place, entry, synced });
  }
}
