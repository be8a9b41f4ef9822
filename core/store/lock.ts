/**
 * One writer a store, FORMAT.md section 7. The lock is a file created exclusively, that says whose it is and is renewed
 * while its owner lives. It is stale when the owner is known to be gone; a stale lock is replaced, a live one refused.
 *
 * Whether a process lives can only be asked on its own machine and in its own process-id namespace (containers may
 * share a host name); everywhere else only the heartbeat speaks.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { CairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';

export const lockName = 'lock';
export const heartbeatMs = 10_000;
export const staleAfterMs = 10 * 60_000;
/** Nobody takes longer to replace a lock; what is older was left by a crash in between. */
const breakingMs = 60_000;
const maxLockBytes = 4096;

const lockRecord = z.object({
  host: z.string(),
  pid: z.number().int().positive(),
  /** When the lock was taken. */
  started: z.iso.datetime(),
  token: z.string(),
  heartbeat: z.iso.datetime(),
  /** When the owner's process began, in clock ticks since boot: a process id used again has another. */
  processStart: z.string().optional(),
  /** The process-id namespace that `pid` belongs to. */
  pidSpace: z.string().optional(),
});
export type LockRecord = z.infer<typeof lockRecord>;

export interface LockState {
  /** Absent where the file is there but holds no lock record. */
  record?: LockRecord;
  modifiedMs: number;
  /** Why the lock may be replaced, in one line; absent while its owner may live. */
  staleBecause?: string;
}

/** Who holds the store's lock, or undefined where nobody does. */
export async function readLock(backend: Backend, nowMs = Date.now()): Promise<LockState | undefined> {
  const file = await backend.stat(lockName);
  if (!file) return undefined;
  const record = await readRecord(backend);
  if (record) return { record, modifiedMs: file.modifiedMs, staleBecause: staleness(record, nowMs) };
  // Unreadable: just being created, or cut off while it was. Time tells.
  const staleBecause = nowMs - file.modifiedMs > breakingMs ? 'it was cut off while it was written' : undefined;
  return { modifiedMs: file.modifiedMs, staleBecause };
}

/**
 * Removes the lock whoever holds it, on the user's word. A writer that still lives fails at its next commit.
 *
 * @returns whose it was; undefined where there was none
 */
export async function breakLock(backend: Backend): Promise<string | undefined> {
  const held = await readLock(backend);
  if (!held) return undefined;
  await backend.remove(lockName);
  return ownerOf(held);
}

/** Refused because another writer may live. Whoever can wait looks at `isFree` again later. */
export class StoreLocked extends CairnError {
  /** The message without what to do about it. */
  readonly reason: string;
  readonly #backend: Backend;

  constructor(backend: Backend, held: LockState) {
    const since = held.record?.started ?? new Date(held.modifiedMs).toISOString();
    const reason = `${backend.place}: ${ownerOf(held)} writes to this store since ${since}`;
    super('locked', `${reason}; wait until it is done (commands take --wait), or, if it is gone, cairn doctor --break-lock`, {
      path: backend.place,
    });
    this.reason = reason;
    this.#backend = backend;
  }

  async isFree(): Promise<boolean> {
    const held = await readLock(this.#backend);
    return !held || held.staleBecause !== undefined;
  }
}

export class Lock {
  /** Said to the user where a stale lock was replaced. */
  readonly replaced: string | undefined;
  readonly #backend: Backend;
  readonly #record: LockRecord;
  readonly #timer: ReturnType<typeof setInterval>;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(backend: Backend, record: LockRecord, replaced: string | undefined) {
    this.#backend = backend;
    this.#record = record;
    this.replaced = replaced;
    this.#timer = setInterval(() => (this.#renewing = this.#renew().catch(() => {})), heartbeatMs);
    this.#timer.unref();
  }

  /** @throws StoreLocked where another writer may live: who, since when, what to do. */
  static async take(backend: Backend): Promise<Lock> {
    const record = newRecord();
    if (await create(backend, record)) return new Lock(backend, record, undefined);
    const held = await readLock(backend);
    if (held && !held.staleBecause) throw new StoreLocked(backend, held);
    const replaced = held && `the lock of ${ownerOf(held)} was replaced: ${held.staleBecause}`;
    if (held) await removeStale(backend, held);
    if (await create(backend, record)) return new Lock(backend, record, replaced);
    throw new StoreLocked(backend, (await readLock(backend)) ?? { modifiedMs: Date.now() });
  }

  /** @throws CairnError `locked` where the lock was broken and is no longer ours. */
  async assertHeld(): Promise<void> {
    if ((await readRecord(this.#backend))?.token === this.#record.token) return;
    throw new CairnError(
      'locked',
      `${this.#backend.place}: its lock was broken while this process wrote; nothing more is written, run it again`,
    );
  }

  /** Stops the heartbeat and gives the lock back; one that is no longer ours is left alone. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if ((await readRecord(this.#backend))?.token === this.#record.token) await this.#backend.remove(lockName);
  }

  /** A heartbeat that fails (the disk is full) is not the end: the lock stays ours until somebody breaks it. */
  async #renew(): Promise<void> {
    await this.assertHeld();
    await this.#backend.replace(lockName, encode({ ...this.#record, heartbeat: new Date().toISOString() }));
  }
}

/**
 * Removes a stale lock so that of several processes that found it only one does, and none removes its successor: a
 * marker of the lock's own is created exclusively, and the lock read again under it.
 */
async function removeStale(backend: Backend, stale: LockState): Promise<void> {
  const marker = `temporary/breaking-${stale.record?.token ?? 'unreadable'}`;
  const left = await backend.stat(marker);
  if (left && Date.now() - left.modifiedMs > breakingMs) await backend.remove(marker);
  if (!(await backend.createExclusive(marker, new Uint8Array()))) return;
  try {
    const now = await readLock(backend);
    if (now?.staleBecause && now.record?.token === stale.record?.token) await backend.remove(lockName);
  } finally {
    await backend.remove(marker);
  }
}

function staleness(record: LockRecord, nowMs: number): string | undefined {
  const beatMs = nowMs - Date.parse(record.heartbeat);
  if (record.host === hostname() && record.pidSpace === pidSpace()) {
    if (!isAlive(record.pid)) return `process ${record.pid} is gone`;
    if (record.processStart === undefined) return beatMs > staleAfterMs ? silence(beatMs) : undefined;
    // A process that sleeps (a suspended machine) still owns its lock, however old its heartbeat.
    return record.processStart === processStart(record.pid) ? undefined : `process ${record.pid} is gone, and its id is another's now`;
  }
  return beatMs > staleAfterMs ? silence(beatMs) : undefined;
}

function silence(beatMs: number): string {
  return `it was not renewed for ${Math.round(beatMs / 60_000)} minutes`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat (proc(5)); undefined where there is no /proc. The name in field 2 may hold anything, so fields count from its end. */
function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function pidSpace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function newRecord(): LockRecord {
  const now = new Date().toISOString();
  return {
    host: hostname(),
    pid: process.pid,
    started: now,
    token: randomBytes(16).toString('hex'),
    heartbeat: now,
    processStart: processStart(process.pid),
    pidSpace: pidSpace(),
  };
}

async function readRecord(backend: Backend): Promise<LockRecord | undefined> {
  try {
    const bytes = await backend.readWhole(lockName, maxLockBytes);
    return lockRecord.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (thrown) {
    if (thrown instanceof CairnError && thrown.code !== 'not_found' && thrown.code !== 'damaged') throw thrown;
    return undefined;
  }
}

async function create(backend: Backend, record: LockRecord): Promise<boolean> {
  return backend.createExclusive(lockName, encode(record));
}

function encode(record: LockRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

function ownerOf({ record }: LockState): string {
  return record ? `process ${record.pid} on ${record.host}` : 'an unknown process';
}
