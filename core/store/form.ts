/** How a content is cut for coding. What decodes against another content needs it in a form of its own kind. */
import { neededLength } from '../codec/elements.ts';
import { CairnError } from '../contract/errors.ts';
import type { BlobEntry } from './blob-source.ts';

export type Form = Pick<BlobEntry, 'rawLength' | 'element' | 'blockLog2'>;

/** True where length, element and block size are the same. */
export function isSameForm(a: Form, b: Form): boolean {
  return a.rawLength === b.rawLength && a.element === b.element && a.blockLog2 === b.blockLog2;
}

/** True where a blob has the length, element and block size that another needs in a role. */
export function fits(needed: Form, blob: Form, role: number): boolean {
  const { element, length } = neededLength(role, blob.element, blob.rawLength);
  return isSameForm(needed, { rawLength: length, element, blockLog2: blob.blockLog2 });
}

/** @throws CairnError `damaged` where it has not. */
export function assertFits(needed: BlobEntry, blob: BlobEntry, role: number): void {
  if (fits(needed, blob, role)) return;
  throw new CairnError(
    'damaged',
    `content ${blob.digest}: what it needs, ${needed.digest}, has another length or element; run cairn verify --structure`,
  );
}
