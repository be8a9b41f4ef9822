/** Which contents a snapshot needs: those it names, their bases, the bases of these, and so on, of each as it is served. */
import type { Digest } from './blob-source.ts';
import type { FoundBlob } from './contents.ts';
import type { Store } from './store.ts';

/**
 * Adds to `needed` the given contents and everything they are decoded against. What is in `needed` already is not
 * followed again, so a circle of bases ends too.
 *
 * @param seen told of each content when it is first met: where it is stored, or undefined where it is missing, and in how
 * many forms
 */
export async function addNeeded(
  store: Store,
  digests: Iterable<Digest>,
  needed: Set<Digest>,
  seen: (digest: Digest, blob: FoundBlob | undefined, forms: number) => void = () => {},
): Promise<void> {
  const waiting = [...digests];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (needed.has(digest)) continue;
    needed.add(digest);
    const served = await store.served(digest);
    seen(digest, served[0], served.length);
    for (const { entry } of served) for (const need of entry.needs) waiting.push(need.digest);
  }
}
