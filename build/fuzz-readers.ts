/**
 * The properties of `test/store/damaged-files.spec.ts`, as often as one likes: damaged and lying packs and manifests are refused in one
 * line, or read rightly.
 *
 *     node build/fuzz-readers.ts [--executions N] [--seed N]
 *
 * N are the packs and manifests that are read; one in 100 as many stores are restored from. A finding ends the run and says how to
 * repeat it (seed and path of fast-check).
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { Bench } from '../test/jobs/context.ts';
import { damagedManifests, damagedPacks, lyingManifests, lyingStore, lyingTables, type Tried } from '../test/store/damaged-files.ts';
import { goldenStores, snapshotIdsOf } from '../test/store/real-files.ts';

const { values } = parseArgs({ options: { executions: { type: 'string', default: '40000' }, seed: { type: 'string', default: '1' } } });
const [executions, seed] = [Number(values.executions), Number(values.seed)];
const shareOfStores = 1 / 100;
const bench = new Bench();

async function attempt(name: string, { property, outcomes }: Tried, share: number): Promise<void> {
  const numRuns = Math.max(1, Math.round(executions * share));
  await fc.assert(property, { numRuns, seed });
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(
    `${name}: ${numRuns} executions, ${outcomes.refused} refused, ${outcomes.read} read, at most ${peakMiB} MiB resident\n`,
  );
}

try {
  await attempt('damaged packs', damagedPacks(bench.path('packs')), 1 / 4);
  await attempt('lying packs', lyingTables(bench.path('packs')), 1 / 4);
  await attempt('damaged manifests', damagedManifests(), 1 / 4);
  await attempt('lying manifests', lyingManifests(), 1 / 4);
  for (const golden of goldenStores) {
    const store = await lyingStore(bench, golden, snapshotIdsOf(golden));
    await attempt(`stores like ${path.basename(path.dirname(golden))}`, store, shareOfStores / 2);
  }
} catch (thrown) {
  const { message, cause } = thrown as Error;
  process.stderr.write(`${message}\n${cause instanceof Error ? `${cause.message}\n` : ''}`);
  process.exitCode = 1;
} finally {
  await bench.close();
}
