import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../core/contract/errors.ts';
import { readBlocks } from '../../core/store/block-reader.ts';
import type { Store } from '../../core/store/store.ts';
import { selectCoverage } from '../../core/verify/coverage.ts';
import { verifyData, type ContentDecoder } from '../../core/verify/verify-data.ts';
import { archive, contentOf, digestOf, newStore } from '../store/examples.ts';

const contents = ['content a', 'content b', 'content c', 'content d'].map(contentOf);

/** Decodes raw blocks, which is all that these stores have. */
function rawDecoder(store: Store, decoded: string[] = []): ContentDecoder {
  return {
    async decode(digest) {
      decoded.push(digest);
      const { packId, entry } = (await store.lookup(digest))!;
      const blocks: Uint8Array[] = [];
      for await (const { bytes } of readBlocks(store, packId, entry)) blocks.push(bytes.subarray(1));
      return digestOf(Buffer.concat(blocks));
    },
  };
}

describe('data verification', () => {
  it('decodes every content once and finds nothing where all is well', async () => {
    const store = await newStore();
    await archive(store, contents);
    await archive(store, [contents[0]!, contentOf('more')], { step: 200 });
    const decoded: string[] = [];
    const { snapshots, bytesRead, findings } = await verifyData(store, rawDecoder(store, decoded), { parallel: 3 });
    expect({ snapshots, bytesRead, findings }).toEqual({ snapshots: 2, bytesRead: 45, findings: [] });
    expect(decoded.toSorted()).toEqual([...contents, contentOf('more')].map(digestOf).sort());
  });

  it('finds a content that decodes to something else or not at all, for each snapshot that needs it', async () => {
    const store = await newStore();
    const first = await archive(store, contents);
    const second = await archive(store, [contents[0]!], { step: 200 });
    const lying: ContentDecoder = { decode: async (digest) => (digest === digestOf(contents[0]!) ? 'f'.repeat(64) : digest) };
    const { findings } = await verifyData(store, lying);
    expect(findings.map(({ code, snapshot }) => [code, snapshot]).sort()).toEqual(
      [
        ['content-differs', first],
        ['content-differs', second],
      ].sort(),
    );
    const failing: ContentDecoder = {
      decode: async (digest) => {
        if (digest === digestOf(contents[1]!)) throw new CairnError('damaged', 'block 0: bad code');
        return digest;
      },
    };
    expect((await verifyData(store, failing)).findings).toMatchObject([
      { code: 'content-differs', snapshot: first, message: expect.stringContaining('bad code') },
    ]);
  });

  it('ends where the decoder is cancelled', async () => {
    const store = await newStore();
    await archive(store, contents);
    const cancelled: ContentDecoder = { decode: () => Promise.reject(new CairnError('cancelled', 'cancelled')) };
    await expect(verifyData(store, cancelled)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(verifyData(store, rawDecoder(store), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('covers everything over several partial verifications', async () => {
    const store = await newStore();
    await archive(store, contents);
    const decoded: string[] = [];
    let after: string | undefined;
    for (let round = 0; round < 4; round++) after = (await verifyData(store, rawDecoder(store, decoded), { percent: 25, after })).next;
    expect(decoded.toSorted()).toEqual(contents.map(digestOf).sort());
  });
});

describe('coverage', () => {
  const stored = fc.uniqueArray(
    fc.record({
      digest: fc.integer({ min: 0, max: 10_000 }).map((n) => n.toString(16).padStart(64, '0')),
      bytes: fc.integer({ min: 0, max: 1000 }),
    }),
    { selector: ({ digest }) => digest, maxLength: 40 },
  );

  it('takes about the share asked for, and all after 100/share rounds', () => {
    fc.assert(
      fc.property(stored, fc.integer({ min: 1, max: 100 }), (contents, percent) => {
        const total = contents.reduce((sum, { bytes }) => sum + bytes, 0);
        const bytesOf = new Map(contents.map(({ digest, bytes }) => [digest, bytes]));
        const seen = new Set<string>();
        let after: string | undefined;
        for (let round = 0; round < Math.ceil(100 / percent); round++) {
          const { digests, next } = selectCoverage(contents, percent, after);
          const bytes = digests.reduce((sum, digest) => sum + bytesOf.get(digest)!, 0);
          expect(bytes).toBeGreaterThanOrEqual((total * Math.min(percent, 100)) / 100 - 1e-6);
          expect(new Set(digests).size).toBe(digests.length);
          for (const digest of digests) seen.add(digest);
          after = next;
        }
        // Contents of no bytes may wait: they cost nothing and hold nothing.
        for (const { digest, bytes } of contents) if (bytes > 0) expect(seen.has(digest)).toBe(true);
      }),
    );
  });
});
