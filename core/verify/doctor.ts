/** What lies about in a store that isn't damage: what a crash left, what nothing needs, what isn't ours. Reads names only, and tables. */
import { toCairnError } from '../contract/errors.ts';
import type { Finding } from '../contract/model.ts';
import type { BlobEntry, Digest } from '../store/blob-source.ts';
import { condemnedIdOf } from '../store/condemned.ts';
import { lockName, readLock } from '../store/lock.ts';
import { addNeeded } from '../store/needed.ts';
import { nameOfPack, packIdOf } from '../store/pack-reader.ts';
import { parityIdOf } from '../store/parity.ts';
import { copyIdOf, parityMarkName } from '../store/redundancy.ts';
import { markName, openName } from '../store/mark.ts';
import { snapshotIdOf } from '../store/snapshots.ts';
import type { Store } from '../store/store.ts';
import { findingOf } from './findings.ts';

const pinName = /^pins\/([0-9a-f]{32})$/;

/** @throws CairnError only where the store's folder can't be read at all. */
export async function examine(store: Store): Promise<Finding[]> {
  const lock = await readLock(store.backend);
  const names = await store.backend.list('');
  const findings: Finding[] = [];
  if (lock?.staleBecause)
    findings.push(findingOf('lock-stale', `the lock has no owner: ${lock.staleBecause}`, { path: store.backend.localPath(lockName) }));
  // While a writer lives, its temporary files and new packs are work under way.
  const idle = !lock || lock.staleBecause !== undefined;
  const snapshots = new Set(names.map(snapshotIdOf).filter((id) => id !== undefined));
  for (const name of names) findings.push(...findingsOfName(store, name, snapshots, idle));
  if (idle || store.mode === 'write') findings.push(...(await orphanedPacks(store)));
  return findings;
}

function findingsOfName(store: Store, name: string, snapshots: Set<string>, idle: boolean): Finding[] {
  const path = `${store.backend.place}/${name}`;
  if (name.startsWith('temporary/'))
    return idle ? [findingOf('temporary-left', `${name} was left by a writer that is gone`, { path })] : [];
  const pinned = pinName.exec(name)?.[1];
  if (pinned !== undefined)
    return snapshots.has(pinned) ? [] : [findingOf('pin-orphaned', `${name} pins a snapshot that is not there`, { path })];
  const condemned = condemnedIdOf(name);
  if (condemned !== undefined)
    return idle ? [findingOf('prune-unfinished', `prune did not get to removing pack ${condemned}`, { path })] : [];
  const ours =
    name === markName ||
    name === openName ||
    name === lockName ||
    packIdOf(name) !== undefined ||
    name === parityMarkName ||
    parityIdOf(name) !== undefined ||
    copyIdOf(name) !== undefined ||
    snapshotIdOf(name) !== undefined;
  return ours ? [] : [findingOf('file-foreign', `${name} is not part of the store`, { path })];
}

async function orphanedPacks(store: Store): Promise<Finding[]> {
  const needed = await allNeeded(store);
  if (!needed) return [];
  const findings: Finding[] = [];
  for (const packId of store.index.packIds()) {
    if (store.uncommittedPacks().has(packId)) continue;
    const entries = await store.packTable(packId).then(
      (table) => [...table.entries()],
      () => undefined,
    );
    if (!entries || (await servesAny(store, packId, entries, needed))) continue;
    findings.push(
      findingOf('pack-orphaned', `pack ${packId} holds nothing that a snapshot needs`, {
        path: store.backend.localPath(nameOfPack(packId)),
      }),
    );
  }
  return findings;
}

async function servesAny(store: Store, packId: string, entries: BlobEntry[], needed: Set<Digest>): Promise<boolean> {
  for (const { digest } of entries) if (needed.has(digest) && (await store.isServedFrom(packId, digest))) return true;
  return false;
}

/** Undefined where a manifest can't be read: then nobody knows what is orphaned. Verify reports that. */
async function allNeeded(store: Store): Promise<Set<Digest> | undefined> {
  await store.index.refresh();
  const needed = new Set<Digest>();
  for (const id of await store.snapshotIds()) {
    try {
      await addNeeded(store, (await store.manifest(id)).blobs, needed);
    } catch (thrown) {
      if (toCairnError(thrown).code !== 'not_found') return undefined;
    }
  }
  return needed;
}
