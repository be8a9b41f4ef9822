/** A real backend that fails at a chosen call, as disks do. */
import type { Backend, StoredFile } from '../../core/store/backends/backend.ts';
import { CairnError } from '../../core/contract/errors.ts';

export type Fault =
  | 'write-eio' // nothing is written
  | 'write-enospc' // half is written, then the disk is full
  | 'write-short' // half is written, and success is claimed
  | 'sync-eio' // the file can't be made durable, so it is not published
  | 'rename-lost'; // publishing claims success, but the name never appears

export const faults: Fault[] = ['write-eio', 'write-enospc', 'write-short', 'sync-eio', 'rename-lost'];

export class FaultyBackend implements Backend {
  readonly place: string;
  readonly #backend: Backend;
  #fault: Fault | undefined;
  #callsLeft = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.place = backend.place;
  }

  /** Lets `calls` calls that the fault concerns pass, then fails once. */
  arm(fault: Fault, calls: number): void {
    this.#fault = fault;
    this.#callsLeft = calls;
  }

  /** True where the fault has not happened yet. */
  get armed(): boolean {
    return this.#fault !== undefined;
  }

  disarm(): void {
    this.#fault = undefined;
  }

  async writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    const fault = this.#due('write-eio', 'write-enospc', 'write-short');
    if (!fault) return this.#backend.writeAt(name, offset, bytes);
    if (fault === 'write-eio') throw new CairnError('io', 'write: input/output error');
    await this.#backend.writeAt(name, offset, bytes.subarray(0, bytes.length >> 1));
    if (fault === 'write-enospc') throw new CairnError('no_space', 'write: the disk is full');
  }

  async publish(temporary: string, name: string, replacing?: boolean): Promise<void> {
    const fault = this.#due('sync-eio', 'rename-lost');
    if (fault === 'sync-eio') throw new CairnError('io', 'fsync: input/output error');
    if (fault === 'rename-lost') return this.#backend.remove(temporary);
    return this.#backend.publish(temporary, name, replacing);
  }

  #due(...concerned: Fault[]): Fault | undefined {
    if (!this.#fault || !concerned.includes(this.#fault) || this.#callsLeft-- > 0) return undefined;
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  truncate = (name: string, lengthBytes: number): Promise<void> => this.#backend.truncate(name, lengthBytes);
  list = (folder: string): Promise<string[]> => this.#backend.list(folder);
  changedMs(folder: string): Promise<number | undefined> {
    return this.#backend.changedMs(folder);
  }

  stat = (name: string): Promise<StoredFile | undefined> => this.#backend.stat(name);
  readRange = (name: string, offset: number, length: number): Promise<Uint8Array> => this.#backend.readRange(name, offset, length);
  readWhole = (name: string, limitBytes: number): Promise<Uint8Array> => this.#backend.readWhole(name, limitBytes);
  createTemporary = (): Promise<string> => this.#backend.createTemporary();
  remove = (name: string): Promise<void> => this.#backend.remove(name);
  createExclusive = (name: string, bytes: Uint8Array): Promise<boolean> => this.#backend.createExclusive(name, bytes);
  replace = (name: string, bytes: Uint8Array): Promise<void> => this.#backend.replace(name, bytes);
  freeBytes = (): Promise<number> => this.#backend.freeBytes();
  isRemote = (): Promise<boolean> => this.#backend.isRemote();
  sync = (name: string): Promise<void> => this.#backend.sync(name);
  localPath = (name: string): string => this.#backend.localPath(name);
}
