/** Prune over real chains: deltas coded anew, previews that are kept, readers that go on reading. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune, type PruneOptions, type PruneResult } from '../../core/jobs/prune.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { Bench, type Archived } from './context.ts';
import { bytesOf, picture, weights, writeStep } from './files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** Bytes of all files of the store. */
function storeBytes(): number {
  const names = readdirSync(bench.storePath, { recursive: true, encoding: 'utf8' });
  const files = names.map((name) => statSync(path.join(bench.storePath, name))).filter((file) => file.isFile());
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** A run whose weights drift, one tensor that never changes and one that is new at every step. */
async function archiveChain(steps: number): Promise<Archived['snapshots']> {
  let drifting = weights(40_000, 5);
  const steady = { name: 'steady', dtype: 'F32', shape: [5000], bytes: bytesOf(weights(5000, 3)) };
  for (let step = 1; step <= steps; step++) {
    drifting = weights(40_000, 100 + step, drifting);
    const moving = { name: 'w', dtype: 'F32', shape: [40_000], bytes: bytesOf(drifting) };
    const fresh = { name: `fresh-${step}`, dtype: 'F32', shape: [500], bytes: bytesOf(weights(500, 9000 + step)) };
    writeStep(bench.path('run'), step, [moving, steady, fresh]);
  }
  const { snapshots, errors } = await bench.archive({ paths: [bench.path('run')] });
  expect(errors).toEqual([]);
  expect(snapshots.length).toBe(steps);
  return snapshots;
}

function pruned(options: PruneOptions = {}): Promise<PruneResult> {
  return bench.onStore('write', (store, context) => prune(store, { pool: context.pool(), graceMs: 0, ...options }));
}

async function removed(snapshots: readonly { id: string }[]): Promise<void> {
  await bench.onStore('write', async (store) => {
    for (const { id } of snapshots) await store.remove(id);
  });
}

async function expectRestored(snapshots: Archived['snapshots']): Promise<void> {
  for (const { id, path: original } of snapshots) {
    const to = bench.path('back', id);
    await bench.restore({ snapshot: id, to });
    expect(picture(to)).toEqual(picture(original));
  }
  rmSync(bench.path('back'), { recursive: true });
}

describe('prune of a chain', () => {
  it('of 24 steps, every second one removed, frees what it said, and all others come back equal', async () => {
    const snapshots = await archiveChain(24);
    const [odd, even] = [snapshots.filter(({ step }) => step % 2 === 1), snapshots.filter(({ step }) => step % 2 === 0)];
    await removed(odd);
    const preview = await pruned({ dryRun: true });
    const before = storeBytes();
    const result = await pruned();
    const freed = before - storeBytes();
    expect(result).toEqual(preview);
    expect(result.contentsRebased).toBeGreaterThan(5);
    expect(freed).toBe(preview.bytesFreed);
    expect(freed).toBeGreaterThan(0.2 * before);
    await expectRestored(even);
    expect((await bench.verify()).findings).toEqual([]);
    expect((await bench.verify({ mode: 'structure' })).findings).toEqual([]);
    expect(await pruned()).toMatchObject({ packsRemoved: 0, packsRepacked: 0, contentsRebased: 0, bytesFreed: 0 });

    const decoder = new StoreDecoder(bench.storePath);
    expect(decoder.manifests.size).toBe(12);
    for (const manifest of decoder.manifests.values()) {
      const original = readFileSync(path.join(manifest.run.path, manifest.path, manifest.files[0]!.path));
      expect(original.equals(decoder.file(manifest, 0))).toBe(true);
    }
  });

  it('makes keyframes where a chain lost its beginning, and never deepens one', async () => {
    const snapshots = await archiveChain(12);
    const depths = (): Promise<number[]> =>
      bench.onStore('read', async (store) => {
        const found: number[] = [];
        for (const { id } of snapshots.slice(5)) {
          const { blobs } = await store.manifest(id);
          found.push(Math.max(...(await Promise.all(blobs.map((digest) => store.depthOf(digest))))));
        }
        return found;
      });
    const before = await depths();
    await removed(snapshots.slice(0, 5));
    expect((await pruned()).contentsRebased).toBeGreaterThan(0);
    const after = await depths();
    after.forEach((depth, index) => expect(depth).toBeLessThanOrEqual(before[index]!));
    expect(after[0]).toBe(0);
    await expectRestored(snapshots.slice(5));
  });

  it('goes on after it stopped anywhere: what was published, condemned or half removed', async () => {
    const snapshots = await archiveChain(8);
    const kept = snapshots.filter(({ step }) => step % 3 === 0);
    await removed(snapshots.filter(({ step }) => step % 3 !== 0));
    for (const phase of ['rebase', 'repack', 'remove'] as const) {
      const controller = new AbortController();
      const onProgress = (reached: string): void => void (reached === phase && controller.abort());
      const stopped = pruned({ signal: controller.signal, onProgress });
      if (phase !== 'remove') await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
      else await stopped.catch(() => undefined);
      expect((await bench.verify()).findings).toEqual([]);
      await expectRestored(kept);
    }
    await pruned();
    expect(await bench.onStore('read', (store) => store.backend.list('condemned'))).toEqual([]);
    expect(await bench.onStore('read', (store) => store.backend.list('temporary'))).toEqual([]);
    await expectRestored(kept);
    const [packs, needed] = await bench.onStore('read', async (store) => {
      const holders = new Set<string>();
      for (const id of await store.snapshotIds())
        for (const digest of (await store.manifest(id)).blobs) holders.add((await store.lookup(digest))!.packId);
      return [store.index.packIds(), [...holders].sort()] as const;
    });
    expect(packs).toEqual(needed);
  });

  it('leaves a reader that opened the store before undisturbed', async () => {
    const snapshots = await archiveChain(6);
    await bench.onStore('read', async (reader) => {
      const kept = snapshots[5]!;
      const { blobs } = await reader.manifest(kept.id);
      const where = new Map<string, string>();
      for (const digest of blobs) where.set(digest, (await reader.storedBlocks(digest)).path);
      await removed(snapshots.slice(0, 5));
      const result = await pruned({ graceMs: 500, onProgress: () => undefined });
      expect(result.contentsRebased).toBeGreaterThan(0);
      let moved = 0;
      for (const digest of blobs) {
        const { path: now } = await reader.storedBlocks(digest);
        expect(statSync(now).isFile()).toBe(true);
        if (now !== where.get(digest)) moved++;
      }
      expect(moved).toBeGreaterThan(0);
    });
  });

  it('lets no archive rely on a pack that is about to go', async () => {
    const snapshots = await archiveChain(3);
    await bench.onStore('write', async (store) => {
      const { blobs } = await store.manifest(snapshots[2]!.id);
      const { packId } = (await store.lookup(blobs[0]!))!;
      expect(store.index.holds(blobs[0]!)).toBe(true);
      await store.condemn(packId);
      expect(store.index.holds(blobs[0]!)).toBe(false);
      expect((await store.lookup(blobs[0]!))?.packId).toBe(packId);
    });
    // Condemned by mistake, it is needed all the same: the next prune keeps it and takes the mark away.
    await pruned();
    await expectRestored(snapshots);
    expect(await bench.onStore('read', (store) => store.backend.list('condemned'))).toEqual([]);
  });

  it('refuses a delta that no longer decodes, and leaves everything where it is', async () => {
    const snapshots = await archiveChain(3);
    await removed([snapshots[1]!]);
    await bench.onStore('write', async (store) => {
      const { blobs } = await store.manifest(snapshots[2]!.id);
      const deep = await Promise.all(blobs.map(async (digest) => ((await store.depthOf(digest)) > 0 ? digest : undefined)));
      const { packId, entry } = (await store.lookup(deep.find((digest) => digest !== undefined)!))!;
      const file = store.backend.localPath(nameOfPack(packId));
      const bytes = readFileSync(file);
      bytes[entry.offset + 5]! ^= 1;
      writeFileSync(file, bytes);
    });
    const before = storeBytes();
    await expect(pruned()).rejects.toMatchObject({ code: 'damaged' });
    expect(storeBytes()).toBe(before);
  });
});
