/**
 * Which contents a partial verification looks at, so that verifying x % each time has covered everything after 100/x
 * times: contents in the order of their digests (which is no order of time, run or place), from where the last one ended.
 */
import type { Digest } from '../store/blob-source.ts';

export interface Coverage {
  /** In order, starting after `after` and going round. */
  digests: Digest[];
  /** Where the next verification goes on; absent where nothing is stored. */
  next?: Digest;
}

/**
 * @param contents each once, with the bytes that verifying it costs
 * @param percent 0 ... 100 of all bytes; any share above 0 takes at least one content
 * @param after the `next` of the verification before
 */
export function selectCoverage(contents: { digest: Digest; bytes: number }[], percent: number, after?: Digest): Coverage {
  const sorted = contents.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  if (percent >= 100) return { digests: sorted.map(({ digest }) => digest), next: sorted.at(-1)?.digest };
  const start =
    after === undefined
      ? 0
      : Math.max(
          0,
          sorted.findIndex(({ digest }) => digest > after),
        );
  const round = [...sorted.slice(start), ...sorted.slice(0, start)];
  const wanted = (sorted.reduce((sum, { bytes }) => sum + bytes, 0) * percent) / 100;
  const digests: Digest[] = [];
  for (let bytes = 0; bytes < wanted && digests.length < round.length;) {
    const content = round[digests.length]!;
    digests.push(content.digest);
    bytes += content.bytes;
  }
  return { digests, next: digests.at(-1) ?? after };
}
