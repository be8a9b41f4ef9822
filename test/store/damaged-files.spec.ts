/** Damaged and lying packs and manifests, some hundred of each; `node build/fuzz-readers.ts` tries more. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../jobs/context.ts';
import {
  bombs,
  damagedManifests,
  damagedPacks,
  lyingManifests,
  lyingStore,
  lyingTables,
  type Outcomes,
  type Tried,
} from './damaged-files.ts';
import { goldenStores, snapshotIdsOf } from './real-files.ts';

/** Of memory, whatever a file says: a record of a manifest may take as much, and what is read of a pack at a time much less. */
const mostGrowthKiB = 256 * 1024;

/** Runs a property; memory at its highest must not have grown by more than a reader may take. */
async function attempt({ property, outcomes }: Tried, numRuns: number): Promise<Outcomes> {
  const before = process.resourceUsage().maxRSS;
  await fc.assert(property, { numRuns });
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(mostGrowthKiB);
  return outcomes;
}

describe('of files that are damaged', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.close());

  it('packs are refused, or read as they were written', async () => {
    const { refused, read } = await attempt(damagedPacks(bench.path('store')), 400);
    expect([refused, read].every((count) => count > 40)).toBe(true);
  });

  it('manifests are refused, or read as they were written', async () => {
    expect((await attempt(damagedManifests(), 400)).refused).toBeGreaterThan(300);
  });
});

describe('of files that lie, with sums that fit', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.close());

  it('packs are refused, or read as the second decoder reads them', async () => {
    const { refused, read } = await attempt(lyingTables(bench.path('store')), 400);
    expect([refused, read].every((count) => count > 40)).toBe(true);
  });

  it.each(goldenStores)('packs of %s give every snapshot back as it was, or not at all', async (golden) => {
    const { refused } = await attempt(await lyingStore(bench, golden, snapshotIdsOf(golden)), 12);
    expect(refused).toBeGreaterThan(2);
  });

  it('manifests are refused, or contradict nothing and lead nowhere outside', async () => {
    const { refused, read } = await attempt(lyingManifests(), 400);
    expect([refused, read].every((count) => count > 20)).toBe(true);
  });

  it('payloads that unpack to more than they state are refused', async () => {
    expect((await attempt(bombs(), 10)).read).toBe(0);
  });
});
