/**
 * Every byte of a small store is damaged in turn. Verifying the data finds each, says where it is, and no damage ever gives a
 * wrong byte back: a restore is equal, or it fails in one line. Without CAIRN_ALL_FLIPS=1 each run takes every eighth byte, others
 * each day.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../core/contract/model.ts';
import { toCairnError } from '../../core/contract/errors.ts';
import { repair } from '../../core/jobs/repair.ts';
import { Bench, type Archived } from '../jobs/context.ts';
import { bytesOf, picture, weights, writeStep } from '../jobs/files.ts';

const stride = process.env['CAIRN_ALL_FLIPS'] === '1' ? 1 : 8;
/** Parity takes at least a stripe of 4 KiB, most of it zeros. */
const parityStride = stride === 1 ? 1 : 31;
const first = Math.floor(Date.now() / 86_400_000) % stride;
const timeLimitMs = stride === 1 ? 3_600_000 : 300_000;

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

async function smallStore(): Promise<Archived['snapshots']> {
  const before = weights(150, 1);
  for (const [step, values] of [before, weights(150, 2, before)].entries())
    writeStep(bench.path('run'), step + 1, [{ name: 'w', dtype: 'F32', shape: [150], bytes: bytesOf(values) }]);
  return (await bench.archive({ paths: [bench.path('run')] })).snapshots;
}

function filesOfStore(): string[] {
  const names = readdirSync(bench.storePath, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => statSync(path.join(bench.storePath, name)).isFile()).sort();
}

/** @returns the error's code, or undefined where every byte came back */
async function restored(snapshots: Archived['snapshots']): Promise<string | undefined> {
  const to = bench.path('back');
  try {
    for (const { id, path: original } of snapshots) {
      await bench.restore({ snapshot: id, to });
      expect(picture(to)).toEqual(picture(original));
      rmSync(to, { recursive: true });
    }
    return undefined;
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (error.code === 'internal') throw thrown;
    expect(error.message).not.toContain('\n');
    return error.code;
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}

describe('each byte of a store, damaged', () => {
  it('is found, named rightly, and never gives a wrong byte', { timeout: timeLimitMs }, async () => {
    const snapshots = await smallStore();
    expect(snapshots[1]!.kind).toBe('delta');
    const bits = (at: number): number => 1 << ((at * 7) % 8);
    const [packFlips, manifestFlips, silent]: [number[], number[], string[]] = [[], [], []];
    for (const name of filesOfStore().filter((file) => file !== 'cairn.json' && file !== 'open.cairn')) {
      const file = path.join(bench.storePath, name);
      const before = readFileSync(file);
      for (let at = first; at < before.length; at += stride) {
        const damaged = Buffer.from(before);
        damaged[at]! ^= bits(at);
        writeFileSync(file, damaged);
        const findings = (await bench.verify()).findings as Finding[];
        if (findings.length === 0) {
          silent.push(`${name} ${at}`);
          expect(await restored(snapshots)).toBeUndefined();
          continue;
        }
        expect(findings.some((finding) => finding.path === file)).toBe(true);
        expect(findings.every(({ severity }) => severity === 'error')).toBe(true);
        if (at % 5 === 0) expect(await restored(snapshots)).not.toBeUndefined();
        (name.startsWith('packs/') ? packFlips : manifestFlips).push(at);
      }
      writeFileSync(file, before);
    }
    // What is not found is a bit of a zstd frame's own header that changes nothing of what comes out.
    expect(silent.filter((place) => !place.startsWith('snapshots/'))).toEqual([]);
    expect(silent.length).toBeLessThan(10);
    expect(packFlips.length * stride).toBeGreaterThan(1000);
    expect(manifestFlips.length * stride).toBeGreaterThan(1000);
    expect((await bench.verify()).findings).toEqual([]);
    expect(await restored(snapshots)).toBeUndefined();
  });

  it('is made good by parity, in packs and manifests, and in what the parity itself lies in', { timeout: timeLimitMs }, async () => {
    const snapshots = await smallStore();
    const repaired = (): ReturnType<typeof repair> =>
      bench.onStore('write', (store, context) => repair(store, { pool: context.pool(), parity: true }));
    await repaired();
    const silent: string[] = [];
    let flips = 0;
    for (const name of filesOfStore().filter((file) => file.includes('/'))) {
      const file = path.join(bench.storePath, name);
      const before = readFileSync(file);
      for (let at = first; at < before.length; at += parityStride) {
        const damaged = Buffer.from(before);
        damaged[at]! ^= 1 << ((at * 5) % 8);
        writeFileSync(file, damaged);
        const error = await repaired().then(
          () => undefined,
          (thrown: unknown) => toCairnError(thrown),
        );
        // A parity that says it is of a later version is left to that version.
        if (error) expect([error.code, name.endsWith('.parity')]).toEqual(['unsupported', true]);
        if (!error && !readFileSync(file).equals(before)) silent.push(name);
        writeFileSync(file, before);
        flips++;
      }
    }
    expect(flips).toBeGreaterThan(100);
    // What is not found is a bit of a zstd frame's own header that changes nothing of what comes out.
    expect(silent.filter((name) => !name.endsWith('.manifest'))).toEqual([]);
    expect(silent.length).toBeLessThan(20);
    expect((await bench.verify()).findings).toEqual([]);
    expect(await restored(snapshots)).toBeUndefined();
  });

  it('of the mark is refused, or changes nothing that a restore gives', async () => {
    const snapshots = await smallStore();
    const file = path.join(bench.storePath, 'cairn.json');
    const before = readFileSync(file);
    for (let at = 0; at < before.length; at++) {
      const damaged = Buffer.from(before);
      damaged[at]! ^= 1;
      writeFileSync(file, damaged);
      const code = await restored(snapshots.slice(1));
      if (code !== undefined) expect(['damaged', 'unsupported']).toContain(code);
    }
  });
});
