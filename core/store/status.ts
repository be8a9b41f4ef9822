import type { StoreStatus } from '../contract/model.ts';
import { forEachBounded } from './bounded.ts';
import { packIdOf } from './pack-reader.ts';
import { parityMarkName } from './redundancy.ts';
import type { Store } from './store.ts';

const parallelReads = 8;

/** What a store holds and takes, as views show it. */
export async function statusOfStore(store: Store): Promise<StoreStatus> {
  const snapshots = await store.snapshots();
  const runs = new Map<string, { run: string; bytesOriginal: number; bytesStored: number }>();
  for (const { run, bytesOriginal, bytesStored } of snapshots) {
    const sum = runs.get(run) ?? { run, bytesOriginal: 0, bytesStored: 0 };
    runs.set(run, { run, bytesOriginal: sum.bytesOriginal + bytesOriginal, bytesStored: sum.bytesStored + bytesStored });
  }
  const files = await store.backend.list('packs');
  const packs = files.filter((name) => packIdOf(name) !== undefined);
  return {
    path: store.backend.place,
    id: store.id,
    snapshots: snapshots.length,
    packs: packs.length,
    bytesOriginal: snapshots.reduce((sum, { bytesOriginal }) => sum + bytesOriginal, 0),
    parity: (await store.backend.stat(parityMarkName)) !== undefined,
    bytesStored: await sizeOf(store, [...files, ...(await store.backend.list('snapshots')), ...(await store.backend.list('copies'))]),
    bytesFree: await store.backend.freeBytes(),
    byRun: [...runs.values()].sort((a, b) => b.bytesStored - a.bytesStored),
  };
}

async function sizeOf(store: Store, names: string[]): Promise<number> {
  let sum = 0;
  await forEachBounded(names, parallelReads, async (name) => {
    const file = await store.backend.stat(name);
    sum += file?.sizeBytes ?? 0;
  });
  return sum;
}
