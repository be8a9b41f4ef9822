/** A content together with where its bytes go. */
import type { FileRange } from '../codec/binding.ts';
import type { StoredContent } from '../codec/decode.ts';
import { CairnError } from '../contract/errors.ts';

/** @throws CairnError `damaged` where the store has the content in another length than the snapshot has room for. */
export function placed(content: StoredContent, target: FileRange[]): StoredContent {
  const bytes = target.reduce((sum, { length }) => sum + length, 0);
  if (bytes === content.length) return { ...content, target };
  throw new CairnError(
    'damaged',
    `content ${content.digest}: the store has ${content.length} bytes of it, the snapshot ${bytes}; run cairn verify, nothing was restored`,
  );
}
