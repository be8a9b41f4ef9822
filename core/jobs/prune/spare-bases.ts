/**
 * Which bases could be done without: a content that no snapshot names and that one other content alone is decoded against. It
 * is spared by coding that other one anew, against the nearest content up the chain that stays, or as a keyframe where there is none.
 * Runs of such bases go together. Depth only falls by it.
 */
import type { Digest } from '../../store/blob-source.ts';
import type { NeededContent, Survey } from './survey.ts';

export interface Rebase {
  digest: Digest;
  /** What it would be decoded against; absent: nothing. */
  base?: Digest;
  /** Nothing would need these any more. */
  spared: Digest[];
  rawLength: number;
  /** Stored bytes of the content and of all it would spare. */
  bytesNow: number;
}

/** @param fixed packs whose contents stay as they are */
export function findRebases({ contents, named }: Survey, fixed: ReadonlySet<string>): Rebase[] {
  const dependents = countDependents(contents);
  const isSpare = (digest: Digest): boolean => {
    const content = contents.get(digest)!;
    const needsBaseOnly = content.needs.length === 0 || content.base !== undefined;
    return needsBaseOnly && content.forms === 1 && !named.has(digest) && dependents.get(digest) === 1;
  };
  const found: Rebase[] = [];
  for (const [digest, content] of contents) {
    if (fixed.has(content.packId) || content.forms > 1 || isSpare(digest)) continue;
    const rebase: Rebase = { digest, spared: [], rawLength: content.rawLength, bytesNow: content.storedLength };
    let base = content.base;
    for (; base !== undefined && isSpare(base) && !rebase.spared.includes(base); base = contents.get(base)!.base) {
      rebase.spared.push(base);
      rebase.bytesNow += contents.get(base)!.storedLength;
    }
    if (base !== undefined && contents.get(base)!.forms > 1) continue;
    if (rebase.spared.length > 0) found.push(base === undefined ? rebase : { ...rebase, base });
  }
  return found;
}

function countDependents(contents: Map<Digest, NeededContent>): Map<Digest, number> {
  const dependents = new Map<Digest, number>();
  for (const { needs } of contents.values()) for (const digest of needs) dependents.set(digest, (dependents.get(digest) ?? 0) + 1);
  return dependents;
}
