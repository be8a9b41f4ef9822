/**
 * Condemned packs, FORMAT.md section 6: prune has stored what is needed of them elsewhere, and removes them once readers had
 * the time to notice. A mark is an empty file; while it is there, readers take the pack's contents from another pack that has them.
 */
import type { Backend } from './backends/backend.ts';

const markName = /^condemned\/([0-9a-f]{64})$/;

export function nameOfCondemned(packId: string): string {
  return `condemned/${packId}`;
}

/** The pack's id in a mark's name, or undefined where it is no such name. */
export function condemnedIdOf(name: string): string | undefined {
  return markName.exec(name)?.[1];
}

/** Ids of condemned packs, and since when, in milliseconds since 1970. */
export async function readCondemned(backend: Backend): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of await backend.list('condemned')) {
    const id = condemnedIdOf(name);
    const file = id && (await backend.stat(name));
    if (id && file) found.set(id, file.modifiedMs);
  }
  return found;
}
