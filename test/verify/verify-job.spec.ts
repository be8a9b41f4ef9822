/** The verify job over real stores: what it remembers, and how it names what it finds. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyParams } from '../../core/contract/methods.ts';
import type { Finding } from '../../core/contract/model.ts';
import { verifyJob } from '../../core/jobs/verify.ts';
import { nameOfPack } from '../../core/store/pack-reader.ts';
import { Bench } from '../jobs/context.ts';
import { bytesOf, weights, writeStep } from '../jobs/files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const verified = (params: object): Promise<{ bytesRead: number; findings: Finding[] }> =>
  bench.onStore('read', (_, context) => verifyJob(context, verifyParams.parse(params))) as never;

async function archiveDrift(steps: number): Promise<{ id: string; step: number }[]> {
  let values = weights(30_000, 1);
  for (let step = 1; step <= steps; step++) {
    values = weights(30_000, step + 1, values);
    const half = (from: number): Uint8Array => bytesOf(values.slice(from, from + 15_000));
    writeStep(bench.path('run'), step, [
      { name: 'first', dtype: 'F32', shape: [15_000], bytes: half(0) },
      { name: 'second', dtype: 'F32', shape: [15_000], bytes: half(15_000) },
    ]);
  }
  return (await bench.archive({ paths: [bench.path('run')] })).snapshots;
}

/** Flips a bit in the middle of the stored bytes of a tensor. @returns the pack's id and path */
async function damage(snapshot: string, tensor: string): Promise<{ packId: string; file: string; restore: () => void }> {
  return bench.onStore('read', async (store) => {
    const manifest = await store.manifest(snapshot);
    const { file, part } = manifest.tensors.find(({ name }) => name === tensor)!;
    const { packId, entry } = (await store.lookup(manifest.blobs[manifest.files[file]!.parts[part]![2]]!))!;
    const path = store.backend.localPath(nameOfPack(packId));
    const before = readFileSync(path);
    const after = Buffer.from(before);
    after[entry.offset + (entry.storedLength >> 1)]! ^= 4;
    writeFileSync(path, after);
    return { packId, file: path, restore: () => writeFileSync(path, before) };
  });
}

describe('verify --percent', () => {
  it('goes on where the last one ended, whatever was verified in between, until everything was read', async () => {
    const snapshots = await archiveDrift(4);
    const { bytesRead: all } = await verified({});
    let read = 0;
    for (let week = 0; week < 5; week++) {
      read += (await verified({ percent: 20 })).bytesRead;
      await verified({ mode: 'structure' });
      await verified({ snapshots: [snapshots[0]!.id] });
    }
    expect(read).toBeGreaterThanOrEqual(all);
    expect(read).toBeLessThan(all * 2.5);
  });

  it('finds one damaged content within as many verifications as the share needs', async () => {
    const snapshots = await archiveDrift(4);
    await damage(snapshots[2]!.id, 'second');
    const found: Finding[] = [];
    for (let week = 0; week < 10; week++) found.push(...(await verified({ percent: 10 })).findings);
    expect(found.length).toBeGreaterThan(0);
  });
});

describe('findings of verify', () => {
  it('name snapshot, file, tensor and pack of what is damaged, and of what needs it', async () => {
    const snapshots = await archiveDrift(3);
    const { packId, file, restore } = await damage(snapshots[1]!.id, 'second');
    const { findings } = await verified({});
    expect(findings.map(({ snapshot, tensor, code }) => [snapshot, tensor, code]).sort()).toEqual(
      [
        [snapshots[1]!.id, 'second', 'block-damaged'],
        [snapshots[2]!.id, 'second', 'block-damaged'],
      ].sort(),
    );
    for (const finding of findings) {
      expect(finding).toMatchObject({ pack: packId, path: file, file: 'model.safetensors', severity: 'error' });
      expect(finding.message).toMatch(/^run@[23]: model\.safetensors, tensor second: content [0-9a-f]{64} of pack /);
      expect(finding.message).not.toContain('\n');
    }
    restore();
    expect((await verified({})).findings).toEqual([]);
  });

  it('name a pack whose table is damaged, and what is lost with it', async () => {
    const snapshots = await archiveDrift(1);
    const { file } = await damage(snapshots[0]!.id, 'first');
    const bytes = readFileSync(file);
    bytes[bytes.length - 60]! ^= 1;
    writeFileSync(file, bytes);
    const { findings } = await verified({});
    expect(findings.filter(({ code }) => code === 'pack-unreadable')).toMatchObject([{ path: file }]);
    expect(findings.filter(({ code }) => code === 'content-missing').map(({ tensor }) => tensor)).toEqual(
      expect.arrayContaining(['first', 'second']),
    );
  });
});
