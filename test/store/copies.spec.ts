/** Contents that several packs have, each as a delta on something else: whichever is decoded, it never comes to need itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import { prune } from '../../core/jobs/prune.ts';
import type { Store } from '../../core/store/store.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { addTensor, contentOf, digestOf, manifestOf, newStore } from './examples.ts';

const contents = Array.from({ length: 5 }, (_, index) => contentOf(`content 0${index}`));
const digests = contents.map(digestOf);

/** A copy of a content, as a delta on another or alone. */
type Copy = [content: number, base: number | undefined];

async function storeCopies(store: Store, packs: readonly (readonly Copy[])[]): Promise<string[]> {
  const ids: string[] = [];
  for (const copies of packs) {
    const pack = await store.createPack();
    for (const [content, base] of copies) await addTensor(pack, contents[content]!, base === undefined ? undefined : contents[base]);
    const { id } = await pack.finish();
    store.settle(id);
    ids.push(id);
  }
  return ids;
}

/** Contents that some choice of copies decodes, found the plain way: whatever is decoded against what is known is known. */
function decodable(packs: readonly (readonly Copy[])[]): number[] {
  const known = new Set<number>();
  for (let before = -1; before < known.size;) {
    before = known.size;
    for (const [content, base] of packs.flat()) if (base === undefined || known.has(base)) known.add(content);
  }
  return [...known].sort();
}

const copy: fc.Arbitrary<Copy> = fc
  .tuple(fc.nat({ max: contents.length - 1 }), fc.option(fc.nat({ max: contents.length - 1 }), { nil: undefined }))
  .filter(([content, base]) => content !== base);
const packOfCopies = fc.uniqueArray(copy, { minLength: 1, maxLength: 3, selector: ([content]) => content });
const storedPacks = fc.uniqueArray(packOfCopies, { minLength: 1, maxLength: 6, selector: (copies) => JSON.stringify(copies) });

describe('copies of a content in several packs', () => {
  it('are chosen so that none is decoded against itself, whatever the packs are called', async () => {
    const store = await newStore();
    await storeCopies(store, [[[0, undefined]], [[1, 0]], [[0, 1]]]);
    expect(await store.depthOf(digests[0]!)).toBe(0);
    expect(await store.depthOf(digests[1]!)).toBe(1);
  });

  it('of a condemned pack are decoded where every other way leads through that pack too', async () => {
    const store = await newStore();
    const [first] = await storeCopies(store, [[[0, undefined]], [[1, 0]], [[0, 1]]]);
    await store.condemn(first!);
    expect((await store.lookup(digests[0]!))?.packId).toBe(first);
    await store.commit(manifestOf([contents[0]!, contents[1]!]));
    await prune(store, { graceMs: 0 });
    expect(await store.condemnedPacks()).toEqual(new Map());
    expect(await store.depthOf(digests[0]!)).toBe(0);
    expect((await verifyStructure(store)).findings).toEqual([]);
  });

  it('can be decoded wherever any choice of copies can, before and after each prune', async () => {
    await fc.assert(
      fc.asyncProperty(storedPacks, fc.nat(), fc.nat({ max: 31 }), async (packs, condemned, named) => {
        const store = await newStore();
        const ids = await storeCopies(store, packs);
        for (const [index, id] of ids.entries()) if ((condemned >> index) & 1) await store.condemn(id);
        const found = decodable(packs);
        for (const content of found) expect(await store.depthOf(digests[content]!)).toBeLessThan(contents.length);
        const kept = found.filter((content) => (named >> content) & 1);
        if (kept.length > 0) await store.commit(manifestOf(kept.map((content) => contents[content]!)));
        for (let round = 0; round < 2; round++) {
          await prune(store, { graceMs: 0 });
          for (const content of kept) expect(await store.depthOf(digests[content]!)).toBeLessThan(contents.length);
          expect((await verifyStructure(store)).findings).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('in another form serve what needs that form, and prune keeps both', async () => {
    const store = await newStore();
    const [first] = await storeCopies(store, [[[0, undefined]], [[1, 0]]]);
    await store.condemn(first!);
    const other = await store.createPack();
    await addTensor(other, contents[0]!, undefined, elements.int16);
    store.settle((await other.finish()).id);
    await store.commit(manifestOf([contents[0]!, contents[1]!]));
    await prune(store, { graceMs: 0 });
    expect(await store.served(digests[0]!)).toHaveLength(2);
    expect(await store.depthOf(digests[1]!)).toBe(1);
    expect((await verifyStructure(store)).findings).toEqual([]);
  });
});
