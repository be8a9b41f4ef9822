import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreDecoder } from '../decoder/store.ts';
import { Bench, sampleChain } from './context.ts';
import { bytesOf, picture, weights, writeStep } from './files.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const packs = (folder: string): string[] =>
  readdirSync(path.join(folder, 'packs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pack'))
    .sort();

describe('archive, prove and restore', () => {
  it.each(['cairn', 'lmc'] as const)('gives every byte, mode and time of a real chain back, method %s', async (method) => {
    const chain = bench.copyChain();
    const archived = await bench.archive({ paths: [chain], method });
    expect(archived.errors).toEqual([]);
    expect(archived.snapshots.map(({ step, kind, depth }) => [step, kind, depth])).toEqual([
      [400, 'keyframe', 0],
      [2000, 'delta', 1],
      [2200, 'delta', 2],
      [2400, 'delta', 3],
    ]);
    expect((await bench.verify()).findings).toEqual([]);
    for (const { id, path: original } of archived.snapshots) {
      const to = bench.path('restored', id);
      await bench.restore({ snapshot: id, to });
      expect(picture(to)).toEqual(picture(original));
    }
  });

  it('restores from the store alone, after the originals are gone', async () => {
    const chain = bench.copyChain();
    const before = picture(path.join(chain, 'step-002400'));
    const { snapshots } = await bench.archive({ paths: [chain] });
    rmSync(chain, { recursive: true });
    await bench.restore({ snapshot: snapshots.at(-1)!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(before);
    expect((await bench.verify()).findings).toEqual([]);
  });

  it('writes the same packs with one thread and with two', async () => {
    const chain = bench.copyChain();
    await bench.archive({ paths: [chain], threads: 1 });
    const other = new Bench();
    try {
      await other.archive({ paths: [chain], threads: 2 });
      expect(packs(other.storePath)).toEqual(packs(bench.storePath));
      for (const pack of packs(bench.storePath)) {
        expect(
          readFileSync(path.join(other.storePath, 'packs', pack)).equals(readFileSync(path.join(bench.storePath, 'packs', pack))),
        ).toBe(true);
      }
    } finally {
      await other.close();
    }
  });

  it.each(['cairn', 'lmc'] as const)('writes what the second decoder reads, method %s', async (method) => {
    await bench.archive({ paths: [sampleChain], method });
    const decoder = new StoreDecoder(bench.storePath);
    expect(decoder.manifests.size).toBe(4);
    for (const manifest of decoder.manifests.values()) {
      manifest.files.forEach((file, index) => {
        const original = readFileSync(path.join(manifest.run.path, manifest.path, file.path));
        expect(original.equals(decoder.file(manifest, index))).toBe(true);
      });
    }
  });

  it('stores tensors of many pieces, and an unchanged one once', async () => {
    const first = weights(5_000_000, 7);
    const changed = weights(5_000_000, 9, first);
    const steady = { name: 'steady', dtype: 'F32', shape: [5_000_000], bytes: bytesOf(weights(5_000_000, 3)) };
    const run = bench.path('big');
    writeStep(run, 1, [{ name: 'w', dtype: 'F32', shape: [5_000_000], bytes: bytesOf(first) }, steady]);
    writeStep(run, 2, [{ name: 'w', dtype: 'F32', shape: [5_000_000], bytes: bytesOf(changed) }, steady]);
    const { snapshots, errors } = await bench.archive({ paths: [run] });
    expect(errors).toEqual([]);
    expect(snapshots[1]!.bytesStored).toBeLessThan(snapshots[0]!.bytesStored / 1.9);
    expect((await bench.verify()).findings).toEqual([]);
    for (const { id, path: original } of snapshots) {
      await bench.restore({ snapshot: id, to: bench.path('out', id) });
      expect(readFileSync(bench.path('out', id, 'model.safetensors')).equals(readFileSync(path.join(original, 'model.safetensors')))).toBe(
        true,
      );
    }
  });

  it('keeps every kind of file: unknown, empty, hidden, nested, linked, odd modes', async () => {
    const step = writeStep(bench.path('odd'), 1, [{ name: 'w', dtype: 'U8', shape: [3], bytes: Uint8Array.of(1, 2, 3) }]);
    mkdirSync(path.join(step, 'deep/er'), { recursive: true });
    writeFileSync(path.join(step, 'empty'), '');
    writeFileSync(path.join(step, '.hidden <img src=x>'), 'text');
    writeFileSync(path.join(step, 'deep/er/unknown.xyz'), Buffer.alloc(100_000, 'abc'));
    chmodSync(path.join(step, 'deep/er/unknown.xyz'), 0o640);
    symlinkSync('../model.safetensors', path.join(step, 'deep/link'));
    utimesSync(path.join(step, 'empty'), 1_600_000_000.123456, 1_600_000_000.123456);
    const { snapshots, errors } = await bench.archive({ paths: [bench.path('odd')] });
    expect(errors).toEqual([]);
    await bench.restore({ snapshot: snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual({ ...picture(step), 'deep/link': expect.objectContaining({ bytes: 'folder' }) as unknown });
  });

  it('starts a new keyframe when the chain would grow beyond eight deltas', async () => {
    let values = weights(4000, 1);
    for (let step = 1; step <= 11; step++) {
      writeStep(bench.path('long'), step, [{ name: 'w', dtype: 'F32', shape: [4000], bytes: bytesOf(values) }]);
      values = weights(4000, step + 1, values);
    }
    const { snapshots } = await bench.archive({ paths: [bench.path('long')] });
    expect(snapshots.map(({ depth }) => depth)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1]);
  });

  it('leaves folders alone that chosen files go into', async () => {
    const step = writeStep(bench.path('nested'), 1, [{ name: 'w', dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }]);
    mkdirSync(path.join(step, 'sub'));
    writeFileSync(path.join(step, 'sub/a.txt'), 'a');
    chmodSync(path.join(step, 'sub'), 0o555);
    const { snapshots } = await bench.archive({ paths: [bench.path('nested')] });
    chmodSync(path.join(step, 'sub'), 0o755);
    const to = bench.path('mine');
    mkdirSync(path.join(to, 'sub'), { recursive: true, mode: 0o755 });
    await bench.restore({ snapshot: snapshots[0]!.id, to, files: 'sub/*' });
    expect(statSync(path.join(to, 'sub')).mode & 0o777).toBe(0o755);
    expect(readFileSync(path.join(to, 'sub/a.txt'), 'utf8')).toBe('a');
  });

  it('archives what is there where another path is missing, and says so', async () => {
    const archived = await bench.archive({ paths: [bench.copyChain(), bench.path('nowhere')], steps: [400] });
    expect(archived.snapshots).toHaveLength(1);
    expect(archived.errors).toMatchObject([{ code: 'not_found', path: bench.path('nowhere') }]);
  });

  it('skips what is archived already, and archives again what changed since', async () => {
    const chain = bench.copyChain();
    await bench.archive({ paths: [chain] });
    const again = await bench.archive({ paths: [chain] });
    expect(again.snapshots).toEqual([]);
    expect(again.skipped.map(({ reason }) => reason)).toEqual(Array(4).fill('already archived'));
    appendFileSync(path.join(chain, 'step-002400/config.json'), '\n');
    expect((await bench.archive({ paths: [chain] })).snapshots.map(({ step }) => step)).toEqual([2400]);
  });
});

describe('what must not harm', () => {
  it('reports a file cut short, and archives the other checkpoints', async () => {
    const chain = bench.copyChain();
    truncateSync(path.join(chain, 'step-002200/model.safetensors'), 500_000);
    const { snapshots, errors } = await bench.archive({ paths: [chain] });
    expect(snapshots.map(({ step }) => step)).toEqual([400, 2000, 2400]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'bad_input', path: expect.stringContaining('step-002200') as unknown });
    expect(errors[0]!.message).not.toContain('\n');
    expect((await bench.verify()).findings).toEqual([]);
  });

  it('does not trust an original that changed behind its size and time as a base', async () => {
    const chain = bench.copyChain();
    const base = path.join(chain, 'step-002200/model.safetensors');
    await bench.archive({ paths: [chain], steps: [2200] });
    const bytes = readFileSync(base);
    const { mtime } = statSync(base);
    bytes.fill(0x3f, 100_000, 600_000);
    writeFileSync(base, bytes);
    utimesSync(base, mtime, mtime);
    const { snapshots, errors } = await bench.archive({ paths: [chain], steps: [2400] });
    expect(errors).toEqual([]);
    expect((await bench.verify()).findings).toEqual([]);
    await bench.restore({ snapshot: snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(path.join(chain, 'step-002400')));
  });

  it('does not seal a file that was written to meanwhile, even where its time was set back', async () => {
    const chain = bench.copyChain();
    const file = path.join(chain, 'step-000400/model.safetensors');
    const time = new Date(2026, 0, 1);
    utimesSync(file, time, time);
    let written = false;
    bench.onProgress = (phase) => {
      if (phase !== 'prove' || written) return;
      written = true;
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(1, 200_000, 201_000));
      utimesSync(file, time, time);
    };
    const { snapshots, errors } = await bench.archive({ paths: [chain], steps: [400] });
    expect(written).toBe(true);
    expect(snapshots).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ code: 'changed', path: file })]);
  });

  /** Damages a byte in the middle of every pack. */
  const damagePacks = (): void => {
    for (const pack of packs(bench.storePath).map((name) => path.join(bench.storePath, 'packs', name))) {
      const bytes = readFileSync(pack);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(pack, bytes);
    }
  };

  it('does not seal what relies on a stored content that was damaged since', async () => {
    await bench.archive({ paths: [bench.copyChain('first')], steps: [400] });
    damagePacks();
    const { snapshots, errors } = await bench.archive({ paths: [bench.copyChain('second')], steps: [400] });
    expect(snapshots).toEqual([]);
    expect(errors).toEqual([expect.objectContaining({ code: 'damaged', message: expect.stringContaining('cairn repair') as unknown })]);
    expect(readdirSync(path.join(bench.storePath, 'temporary'))).toEqual([]);
  });

  it('goes on with a keyframe where the snapshot before is damaged', async () => {
    const chain = bench.copyChain();
    await bench.archive({ paths: [chain], steps: [2200] });
    damagePacks();
    const { snapshots, errors } = await bench.archive({ paths: [chain], steps: [2400] });
    expect(errors).toEqual([]);
    expect(snapshots.map(({ kind }) => kind)).toEqual(['keyframe']);
    await bench.restore({ snapshot: snapshots[0]!.id, to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(path.join(chain, 'step-002400')));
  });

  it('stores contents of condemned packs again, and never against themselves', async () => {
    await bench.archive({ paths: [bench.copyChain('first')] });
    await bench.onStore('write', async (store) => {
      for (const name of packs(bench.storePath)) await store.condemn(path.basename(name, '.pack'));
    });
    const { snapshots, errors } = await bench.archive({ paths: [bench.copyChain('second')] });
    expect(errors).toEqual([]);
    expect(snapshots.map(({ kind }) => kind)).toEqual(['keyframe', 'delta', 'delta', 'delta']);
    expect((await bench.verify()).findings).toEqual([]);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    bench.onProgress = () => bench.controller.abort(new Error('cancelled by the test'));
    await expect(bench.archive({ paths: [bench.copyChain()] })).rejects.toThrow('cancelled by the test');
    expect(readdirSync(path.join(bench.storePath, 'temporary'))).toEqual([]);
    expect(readdirSync(bench.storePath)).not.toContain('lock');
  });

  it('refuses to overwrite, and replaces with force', async () => {
    const { snapshots } = await bench.archive({ paths: [sampleChain], steps: [400] });
    const to = bench.path('back');
    await bench.restore({ snapshot: snapshots[0]!.id, to });
    writeFileSync(path.join(to, 'config.json'), 'mine');
    await expect(bench.restore({ snapshot: snapshots[0]!.id, to })).rejects.toMatchObject({ code: 'exists' });
    expect(readFileSync(path.join(to, 'config.json'), 'utf8')).toBe('mine');
    const late = bench.path('late', 'model.safetensors');
    bench.onProgress = (phase) => {
      if (phase === 'compare') writeFileSync(late, 'mine');
    };
    await expect(bench.restore({ snapshot: snapshots[0]!.id, to: path.dirname(late) })).rejects.toMatchObject({
      code: 'exists',
      path: late,
    });
    expect(readFileSync(late, 'utf8')).toBe('mine');
    bench.onProgress = undefined;
    await bench.restore({ snapshot: snapshots[0]!.id, to, force: true });
    expect(picture(to)).toEqual(picture(path.join(sampleChain, 'step-000400')));
    rmSync(path.join(to, 'config.json'));
    mkdirSync(path.join(to, 'config.json'));
    const folderThere = bench.restore({ snapshot: snapshots[0]!.id, to, force: true });
    await expect(folderThere).rejects.toMatchObject({ code: 'exists', path: path.join(to, 'config.json') });
  });
});

describe('a symbolic link in the way of a restore', () => {
  /** A folder checkpoint with a file in a subfolder, archived. */
  async function archivedWithSubfolder(): Promise<string> {
    const run = bench.path('run');
    writeStep(run, 1, [{ name: 'w', dtype: 'F32', shape: [64], bytes: bytesOf(weights(64, 1)) }]);
    mkdirSync(path.join(run, readdirSync(run)[0]!, 'state'));
    writeFileSync(path.join(run, readdirSync(run)[0]!, 'state', 'inner.json'), '{}');
    const { snapshots } = await bench.archive({ paths: [run] });
    return snapshots[0]!.id;
  }

  it.each([false, true])('leads nothing out of the target (force: %s), before and while it runs', async (force) => {
    const snapshot = await archivedWithSubfolder();
    const [to, outside] = [bench.path('back'), bench.path('outside')];
    for (const folder of [to, outside]) mkdirSync(folder);
    symlinkSync(outside, path.join(to, 'state'));
    const link = { code: 'exists', path: path.join(to, 'state') };
    await expect(bench.restore({ snapshot, to, force })).rejects.toMatchObject(link);
    rmSync(path.join(to, 'state'));
    bench.onProgress = (phase) => {
      if (phase === 'compare' && !existsSync(path.join(to, 'state'))) symlinkSync(outside, path.join(to, 'state'));
    };
    await expect(bench.restore({ snapshot, to, force })).rejects.toMatchObject(link);
    expect(readdirSync(outside)).toEqual([]);
  });

  it("is the user's own affair where it is the target itself", async () => {
    const snapshot = await archivedWithSubfolder();
    mkdirSync(bench.path('real'));
    symlinkSync(bench.path('real'), bench.path('linked'));
    await bench.restore({ snapshot, to: bench.path('linked') });
    expect(existsSync(bench.path('real', 'state', 'inner.json'))).toBe(true);
  });
});

describe('what a killed restore left', () => {
  it('goes with the next restore to the same folder, and nothing else does', async () => {
    const { snapshots } = await bench.archive({ paths: [sampleChain], steps: [400] });
    const to = bench.path('back');
    const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
    const ended = spawnSync(process.execPath, ['-e', '0']).pid;
    const names = {
      left: `.cairn-restore-${host}-${ended}-0123456789ab`,
      running: `.cairn-restore-${host}-${process.pid}-0123456789ab`,
      elsewhere: `.cairn-restore-00000000-${ended}-0123456789ab`,
    };
    for (const name of Object.values(names)) mkdirSync(path.join(to, name), { recursive: true });
    await bench.restore({ snapshot: snapshots[0]!.id, to });
    expect(readdirSync(to).sort()).toEqual([names.elsewhere, names.running, 'config.json', 'model.safetensors'].sort());
  });
});
