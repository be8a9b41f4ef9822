/**
 * What a store keeps beside itself against bit rot, FORMAT.md section 8: the parity of each pack and a copy of each manifest. The
 * mark `parity` says that whoever writes to the store writes these too.
 */
import type { Backend } from './backends/backend.ts';
import { nameOfPack } from './pack-reader.ts';
import { parityIdOf } from './parity.ts';
import { nameOfManifest } from './snapshots.ts';

export const parityMarkName = 'parity';

const copyName = /^copies\/([0-9a-f]{32})\.manifest$/;

export function nameOfCopy(snapshotId: string): string {
  return `copies/${snapshotId}.manifest`;
}

/** The snapshot id in the name of a manifest's copy, or undefined where it is no such name. */
export function copyIdOf(name: string): string | undefined {
  return copyName.exec(name)?.[1];
}

/** Names of all parity files and copies, each with the name of what it is of. */
export async function listRedundancy(backend: Backend): Promise<{ name: string; of: string }[]> {
  const found: { name: string; of: string }[] = [];
  for (const name of [...(await backend.list('packs')), ...(await backend.list('copies'))]) {
    const [packId, snapshotId] = [parityIdOf(name), copyIdOf(name)];
    if (packId !== undefined) found.push({ name, of: nameOfPack(packId) });
    if (snapshotId !== undefined) found.push({ name, of: nameOfManifest(snapshotId) });
  }
  return found;
}

/** Removes what is of packs and snapshots that are gone: a removal was cut off between the two. */
export async function removeOrphanedRedundancy(backend: Backend): Promise<void> {
  for (const { name, of } of await listRedundancy(backend)) if (!(await backend.stat(of))) await backend.remove(name);
}
