/**
 * Copies snapshots to another store. Stored bytes are copied as they are, with all that they are decoded against; every pack is
 * proved at the other end before it has its name, and the snapshot is committed there under the same id. What the other store has is not copied.
 */
import { hashing } from '../codec/hashing.ts';
import { cancelFlag, type CodecPool } from '../codec/pool.ts';
import { CairnError } from '../contract/errors.ts';
import type { CheckedParamsOf } from '../contract/methods.ts';
import { LocalBackend } from '../store/backends/local.ts';
import { readBlocks } from '../store/block-reader.ts';
import type { Digest } from '../store/blob-source.ts';
import { addNeeded } from '../store/needed.ts';
import { assertRoom, mostStored } from '../store/room.ts';
import { Store, type FoundBlob } from '../store/store.ts';
import { provePack } from './archive/prove.ts';
import type { JobContext, JobResult } from './job.ts';

/** Stored bytes after which another pack is begun. */
const packBytes = 1024 * 1024 * 1024;

export interface CopyResult {
  snapshots: { id: string; run: string; step: number }[];
  /** Those that the other store had. */
  skipped: { id: string; run: string; step: number }[];
  contents: number;
  bytesCopied: number;
}

export interface CopyOptions {
  pool: CodecPool;
  signal?: AbortSignal;
  /** Called with stored bytes as they are copied. */
  onBytes?: (done: number, total: number) => void;
}

/**
 * @param ids of snapshots of `from`; `to` is open for writing
 * @throws CairnError `not_found`, `damaged` where a content does not decode at the other end, `no_space`, `locked`, `cancelled`.
 */
export async function copySnapshots(from: Store, to: Store, ids: readonly string[], options: CopyOptions): Promise<CopyResult> {
  if (from.id === to.id) throw new CairnError('bad_request', `${to.backend.place}: it is the same store; choose another`);
  const result: CopyResult = { snapshots: [], skipped: [], contents: 0, bytesCopied: 0 };
  await to.index.load();
  const there = new Set(await to.snapshotIds());
  const blobs = new Map<Digest, FoundBlob>();
  for (const id of ids.filter((candidate) => !there.has(candidate))) await collect(from, to, id, blobs);
  const total = [...blobs.values()].reduce((sum, { entry }) => sum + entry.storedLength, 0);
  const onBytes = (bytes: number): void => options.onBytes?.((result.bytesCopied += bytes), total);
  onBytes(0);
  await assertRoom('copying', {
    path: to.backend.place,
    bytesNeeded: mostStored(total, to.keepsParity),
    bytesFree: () => to.backend.freeBytes(),
  });
  for (const level of levelsOf(blobs))
    for (const group of groupsOf(level)) {
      await copyPack(from, to, group, { ...options, onBytes });
      result.contents += group.length;
    }
  for (const id of ids) await commitCopy(from, to, id, there, result);
  return result;
}

/** Adds what a snapshot needs and the other store has not. */
async function collect(from: Store, to: Store, id: string, blobs: Map<Digest, FoundBlob>): Promise<void> {
  const { blobs: named } = await from.manifest(id);
  await addNeeded(from, named, new Set(), (digest, blob) => {
    if (!blob) throw new CairnError('damaged', `snapshot ${id}: its content ${digest} is missing; run cairn verify --structure`);
    if (!to.index.holds(digest)) blobs.set(digest, blob);
  });
}

/** Contents whose needs are copied already, then those that need these, and so on: a pack is proved from published ones. */
function* levelsOf(blobs: ReadonlyMap<Digest, FoundBlob>): Generator<FoundBlob[]> {
  let waiting = [...blobs.values()];
  const done = new Set<Digest>();
  while (waiting.length > 0) {
    const ready = waiting.filter(({ entry }) => entry.needs.every(({ digest }) => !blobs.has(digest) || done.has(digest)));
    if (ready.length === 0) throw new CairnError('damaged', 'contents need one another in a circle; run cairn verify --structure');
    yield ready;
    for (const { entry } of ready) done.add(entry.digest);
    waiting = waiting.filter(({ entry }) => !done.has(entry.digest));
  }
}

function* groupsOf(blobs: FoundBlob[]): Generator<FoundBlob[]> {
  let group: FoundBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (group.length > 0 && bytes + blob.entry.storedLength > packBytes) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(blob);
    bytes += blob.entry.storedLength;
  }
  if (group.length > 0) yield group;
}

async function copyPack(
  from: Store,
  to: Store,
  blobs: FoundBlob[],
  { pool, signal, onBytes }: Omit<CopyOptions, 'onBytes'> & { onBytes(bytes: number): void },
): Promise<void> {
  const pack = await to.createPack();
  try {
    for (const { packId, entry } of blobs) {
      const offset = pack.reserve(entry.storedLength);
      for await (const { at, bytes } of pool.paced(readBlocks(from, packId, entry))) {
        if (signal?.aborted) throw new CairnError('cancelled', 'copying was cancelled; what was copied is used when it is started again');
        await pack.write(offset + at, bytes);
        onBytes(bytes.length);
      }
      pack.add({ ...entry, offset });
    }
    await pack.finish((path, entries) => provePack(pool, to, path, entries, { cancel: cancelFlag(signal), onBytes: () => undefined }));
  } catch (thrown) {
    await pack.abandon();
    throw thrown;
  }
}

async function commitCopy(from: Store, to: Store, id: string, there: Set<string>, result: CopyResult): Promise<void> {
  const manifest = await from.manifest(id);
  const told = { id, run: manifest.run.name, step: manifest.step };
  if (there.has(id)) {
    result.skipped.push(told);
    return;
  }
  result.snapshots.push({ ...told, id: await to.commit(manifest) });
  if ((await from.pins()).has(id)) await to.pin(id, true);
}

/** The copy job. */
export async function copyJob(context: JobContext, params: CheckedParamsOf<'copy.start'>): Promise<JobResult> {
  const from = await context.readStore();
  const ids = params.all ? await from.snapshotIds() : [...new Set(await Promise.all(params.snapshots.map((name) => from.resolve(name))))];
  const to = await Store.open({ backend: new LocalBackend(params.to), hashing, mode: 'write', create: true });
  try {
    if (to.lockReplaced) context.log('warning', to.lockReplaced);
    const onBytes = (bytesDone: number, bytesTotal: number): void =>
      context.progress({ phase: 'copy', bytesDone, bytesTotal, itemsDone: 0, itemsTotal: ids.length });
    const result = await copySnapshots(from, to, ids, { pool: context.pool(params.threads), signal: context.signal, onBytes });
    for (const { run, step } of result.snapshots) context.log('info', `${run}@${step} copied to ${params.to}`);
    for (const { run, step } of result.skipped) context.log('info', `${run}@${step} is in ${params.to} already`);
    return { ...result };
  } finally {
    await to.close();
  }
}
