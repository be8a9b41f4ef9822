/** Repair over real stores: what parity, other packs and originals bring back, and what is said where nothing can. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune } from '../../core/jobs/prune.ts';
import { repair, type RepairResult } from '../../core/jobs/repair.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { examine } from '../../core/verify/doctor.ts';
import { Bench, type Archived } from './context.ts';
import { bytesOf, picture, weights, writeStep } from './files.ts';

let bench: Bench;
let snapshots: Archived['snapshots'];
beforeEach(async () => {
  bench = new Bench();
  snapshots = (await bench.archive({ paths: [bench.copyChain()] })).snapshots;
});
afterEach(() => bench.close());

const repaired = (parity?: boolean): Promise<RepairResult> =>
  bench.onStore('write', async (store, context) => {
    await store.index.load();
    return repair(store, { pool: context.pool(), ...(parity === undefined ? {} : { parity }) });
  });

function files(suffix: string): string[] {
  const names = readdirSync(path.join(bench.storePath, 'packs'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(suffix)).map((name) => path.join(bench.storePath, 'packs', name));
}

function flip(file: string, ...places: number[]): void {
  const bytes = readFileSync(file);
  for (const at of places) bytes[at]! ^= 0x20;
  writeFileSync(file, bytes);
}

async function expectRestored(): Promise<void> {
  for (const { id, path: original } of snapshots) {
    await bench.restore({ snapshot: id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(original));
    rmSync(bench.path('back'), { recursive: true });
  }
  expect((await bench.verify()).findings).toEqual([]);
}

/** The largest tensor of the last snapshot: where its blob lies. */
function largestBlob(): Promise<{ file: string; offset: number; storedLength: number }> {
  return bench.onStore('read', async (store) => {
    const { blobs } = await store.manifest(snapshots.at(-1)!.id);
    const found = await Promise.all(blobs.map(async (digest) => (await store.lookup(digest))!));
    const { packId, entry } = found.sort((a, b) => b.entry.storedLength - a.entry.storedLength)[0]!;
    return { file: store.backend.localPath(nameOfPack(packId)), offset: entry.offset, storedLength: entry.storedLength };
  });
}

describe('parity', () => {
  it('is written once, is small, and is no foreign file', async () => {
    const written = await repaired(true);
    expect(written).toMatchObject({ packs: 4, packsDamaged: 0, parityWritten: 4 });
    expect(await repaired(true)).toMatchObject({ parityWritten: 0 });
    const bytes = (suffix: string): number => files(suffix).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(written.bytesWritten).toBe(bytes('.parity'));
    expect(bytes('.parity')).toBeLessThan(0.1 * bytes('.pack') + 4 * 8192);
    expect(await bench.onStore('read', (store) => examine(store))).toEqual([]);
  });

  it('undoes damage anywhere in a pack: header, blobs, table, footer, and a pack that was cut', async () => {
    await repaired(true);
    for (const file of files('.pack')) {
      const before = readFileSync(file);
      for (const at of [0, 20, before.length >> 1, before.length - 60, before.length - 1]) {
        flip(file, at);
        expect((await bench.verify()).findings).not.toEqual([]);
        expect(await repaired()).toMatchObject({ packsDamaged: 1, packsRestored: 1, stripesRestored: 1, contentsLost: [] });
        expect(readFileSync(file).equals(before)).toBe(true);
      }
      writeFileSync(file, before.subarray(0, before.length - 3000));
      expect(await repaired()).toMatchObject({ packsRestored: 1 });
      expect(readFileSync(file).equals(before)).toBe(true);
    }
    await expectRestored();
  });

  it('undoes any burst no longer than its groups, and says so where damage is beyond it', async () => {
    await repaired(true);
    rmSync(bench.path('run'), { recursive: true });
    const { file } = await largestBlob();
    const before = readFileSync(file);
    const groups = Math.ceil(Math.ceil(before.length / 4096) / 16);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 16, max: before.length - 1 }), async (start) => {
        const end = Math.min(before.length, start + (groups - 1) * 4096 + 1);
        writeFileSync(file, Buffer.concat([before.subarray(0, start), Buffer.alloc(end - start, 0x5a), before.subarray(end)]));
        expect(await repaired()).toMatchObject({ packsLost: [], contentsLost: [] });
        expect(readFileSync(file).equals(before)).toBe(true);
      }),
      { numRuns: 8 },
    );
    writeFileSync(file, Buffer.alloc(before.length, 1));
    expect(await repaired()).toMatchObject({ packsRestored: 0, packsLost: [expect.stringMatching(/^[0-9a-f]{64}$/)] });
    writeFileSync(file, before);
  });

  it('that is damaged itself harms nothing, and is written anew', async () => {
    await repaired(true);
    for (const file of files('.parity')) {
      const before = readFileSync(file);
      for (const at of [0, 8, 17, 24, 28, 40, before.length - 1]) {
        flip(file, at);
        const again = await repaired(true).catch((thrown: { code: string }) => thrown);
        if ('code' in again) {
          expect(again.code).toBe('unsupported');
          writeFileSync(file, before);
        } else expect(again).toMatchObject({ packsDamaged: 0, parityWritten: 1 });
        expect(readFileSync(file).equals(before)).toBe(true);
      }
    }
  });

  it('is kept for what is archived and copied later too, until it is not wanted', async () => {
    expect(await repaired(true)).toMatchObject({ parityWritten: 4 });
    const other = path.join(bench.path('other'), 'run-2');
    writeStep(other, 1, [{ name: 'w', dtype: 'F32', shape: [4000], bytes: bytesOf(weights(4000, 1)) }]);
    await bench.archive({ paths: [other] });
    expect(files('.parity').length).toBe(files('.pack').length);
    expect(await bench.onStore('read', (store) => store.backend.list('copies'))).toHaveLength(5);
    expect(await repaired()).toMatchObject({ packs: 5, packsDamaged: 0, parityWritten: 0 });
    expect(await repaired(false)).toMatchObject({ packsDamaged: 0 });
    expect(files('.parity')).toEqual([]);
    expect(await bench.onStore('read', (store) => store.backend.list('copies'))).toEqual([]);
    writeStep(other, 2, [{ name: 'w', dtype: 'F32', shape: [4000], bytes: bytesOf(weights(4000, 2)) }]);
    await bench.archive({ paths: [other] });
    expect(files('.parity')).toEqual([]);
  });

  it('mends a damaged manifest from its copy, and brings no removed snapshot back', async () => {
    await repaired(true);
    const folder = path.join(bench.storePath, 'snapshots');
    for (const name of readdirSync(folder)) {
      const before = readFileSync(path.join(folder, name));
      flip(path.join(folder, name), before.length >> 1);
      expect((await bench.verify()).findings.map(({ code }) => code)).toContain('manifest-unreadable');
      expect(await repaired()).toMatchObject({ manifestsRestored: 1, manifestsLost: [] });
      expect(readFileSync(path.join(folder, name)).equals(before)).toBe(true);
      flip(path.join(bench.storePath, 'copies', name), 40);
      await repaired();
      expect(readFileSync(path.join(bench.storePath, 'copies', name)).equals(before)).toBe(true);
    }
    await expectRestored();
    // As if a removal had been cut off in the middle.
    rmSync(path.join(folder, `${snapshots[3]!.id}.manifest`));
    expect(await repaired()).toMatchObject({ manifestsRestored: 0 });
    await bench.onStore('write', (store) => prune(store, { graceMs: 0 }));
    expect(readdirSync(folder).length).toBe(3);
    expect(readdirSync(path.join(bench.storePath, 'copies')).length).toBe(3);
    expect(await bench.onStore('read', (store) => examine(store))).toEqual([]);
  });

  it('goes with its pack', async () => {
    await repaired(true);
    await bench.onStore('write', async (store, context) => {
      for (const { id } of snapshots.slice(1)) await store.remove(id);
      await prune(store, { pool: context.pool(), graceMs: 0 });
    });
    expect(files('.pack').length).toBe(1);
    expect(files('.parity').length).toBe(1);
  });
});

describe('without parity', () => {
  it('stores damaged contents anew from originals that are still there, and prune clears the rest up', async () => {
    const { file, offset, storedLength } = await largestBlob();
    flip(file, offset + (storedLength >> 1));
    expect(await repaired()).toMatchObject({ packsDamaged: 1, packsRestored: 0, contentsFromOriginals: 1, contentsLost: [] });
    await expectRestored();
    await bench.onStore('write', (store, context) => prune(store, { pool: context.pool(), graceMs: 0 }));
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    await expectRestored();
    expect(await repaired()).toMatchObject({ packsDamaged: 0 });
  });

  it('mends a pack whose contents come out as they were in its place', async () => {
    const one = bench.path('one');
    writeStep(one, 1, [{ name: 'w', dtype: 'F32', shape: [40_000], bytes: bytesOf(weights(40_000, 1)) }]);
    const before = new Set(files('.pack'));
    snapshots = (await bench.archive({ paths: [one] })).snapshots;
    const pack = files('.pack').find((file) => !before.has(file))!;
    const whole = readFileSync(pack);
    const table = await bench.onStore('read', (store) => store.packTable(path.basename(pack, '.pack')));
    flip(pack, ...[...table.entries()].map(({ offset }) => offset + 1));
    expect(await repaired()).toMatchObject({ packsDamaged: 1, contentsLost: [] });
    expect(readFileSync(pack).equals(whole)).toBe(true);
    expect(await bench.onStore('read', (store) => store.backend.list('condemned'))).toEqual([]);
    await expectRestored();
  });

  it('takes no original that was changed, and says what is lost', async () => {
    const { file, offset, storedLength } = await largestBlob();
    flip(file, offset + (storedLength >> 1));
    const originals = path.join(bench.path('run'), 'step-002400');
    for (const name of readdirSync(originals)) {
      const original = path.join(originals, name);
      const bytes = readFileSync(original);
      for (let at = 0; at < bytes.length; at += 64) bytes[at]! ^= 1;
      writeFileSync(original, bytes);
    }
    const result = await repaired();
    expect(result).toMatchObject({ contentsFromOriginals: 0, contentsLost: [expect.stringMatching(/^[0-9a-f]{64}$/)] });
    await expect(bench.restore({ snapshot: snapshots.at(-1)!.id, to: bench.path('back') })).rejects.toMatchObject({ code: 'damaged' });
  });
});
