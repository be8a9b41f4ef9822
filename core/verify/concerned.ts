/** Says of damaged contents what users know: the file and the tensor of their snapshot, and the pack that holds the damage. */
import { toCairnError } from '../contract/errors.ts';
import { readBlocks } from '../store/block-reader.ts';
import type { Digest } from '../store/blob-source.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';

export interface ConcernedPart {
  file: string;
  tensor?: string;
  /** Further tensors or files of the same content. */
  more: number;
}

/** Where a snapshot has a content itself; undefined where it only needs it as a base. */
export function partOf(manifest: Manifest, digest: Digest): ConcernedPart | undefined {
  const blob = manifest.blobs.indexOf(digest);
  const found: { file: string; tensor?: string }[] = [];
  for (const [index, file] of manifest.files.entries()) {
    if (file.rest === blob) found.push({ file: file.path });
    for (const [part, [, , content]] of file.parts.entries()) {
      if (content !== blob) continue;
      const tensors = manifest.tensors.filter((tensor) => tensor.file === index && tensor.part === part);
      if (tensors.length === 0) found.push({ file: file.path });
      for (const { name } of tensors) found.push({ file: file.path, tensor: name });
    }
  }
  return found[0] && { ...found[0], more: found.length - 1 };
}

/** "model.safetensors, tensor w, and 2 more" */
export function partWords({ file, tensor, more }: ConcernedPart): string {
  return `${file}${tensor === undefined ? '' : `, tensor ${tensor}`}${more > 0 ? `, and ${more} more` : ''}`;
}

export interface Culprit {
  digest: Digest;
  packId: string;
  what: string;
}

/** Of a content and all it is decoded against, the one whose stored bytes are damaged, where the checksums tell. */
export async function findCulprit(store: Store, digest: Digest): Promise<Culprit | undefined> {
  const [waiting, seen] = [[digest], new Set<Digest>()];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const found = await store.lookup(next).catch(() => undefined);
    if (!found) continue;
    try {
      for await (const _run of readBlocks(store, found.packId, found.entry));
    } catch (thrown) {
      return { digest: next, packId: found.packId, what: toCairnError(thrown).message };
    }
    waiting.push(...found.entry.needs.map((need) => need.digest));
  }
  return undefined;
}
