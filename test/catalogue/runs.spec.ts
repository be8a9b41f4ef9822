import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jobLogSql, jobsSql } from '../../core/catalogue/jobs.ts';
import { runId } from '../../core/catalogue/run-id.ts';
import { checkpointsSql, summariesSql, summarySql } from '../../core/catalogue/run-views.ts';
import { listOfRunSql } from '../../core/catalogue/snapshots.ts';
import { verificationsSql } from '../../core/catalogue/verifications.ts';
import { run as runSchema, runSummary } from '../../core/contract/model.ts';
import { cpuMsOf } from '../own-time.ts';
import { baseMs, checkpoint, job, scanResult, snapshot, storeId, temporaryCatalogue } from './records.ts';

const held = temporaryCatalogue();
const ft = runId('/runs/ft');
const withLayout = (snapshots: ReturnType<typeof snapshot>[]) => snapshots.map((record) => ({ snapshot: record, layout: 'hf-trainer' }));

describe('runs', () => {
  test('checkpoints and snapshots of the same path and step are one place of the chain', () => {
    const catalogue = held.open();
    const ids = catalogue.saveScan(scanResult([checkpoint(100), checkpoint(200, { state: 'incomplete', reason: 'cut' })]));
    catalogue.saveSnapshots(storeId, withLayout([snapshot(50), snapshot(100, { base: 'b'.repeat(32), pinned: true })]));
    expect(ids).toEqual([ft]);
    const run = runSchema.parse(catalogue.run(ft, storeId));
    expect(run.chain.map(({ step, checkpoint: onDisk, snapshot: archived, loss }) => [step, onDisk?.path, archived?.id, loss])).toEqual([
      [50, undefined, snapshot(50).id, undefined],
      [100, '/runs/ft/checkpoint-100', snapshot(100).id, 2.5],
      [200, '/runs/ft/checkpoint-200', undefined, undefined],
    ]);
    expect(run.chain[1]?.snapshot).toEqual(snapshot(100, { base: 'b'.repeat(32), pinned: true }));
    expect(run).toMatchObject({
      steps: 3,
      firstStep: 50,
      lastStep: 200,
      archived: 2,
      incomplete: 1,
      bytesOriginal: 3000,
      bytesArchived: 2000,
      bytesStored: 600,
    });
    expect(run.losses).toEqual([{ step: 100, loss: 2.5 }]);
    expect(runSummary.parse(catalogue.runSummaries(storeId)[0])).toEqual(runSummary.parse(run));
    expect(run.activity).toBe(new Date(baseMs + 200_000).toISOString());
  });

  test('have another version once anything was written, here or by another process, and the same until then', () => {
    const [catalogue, other] = [held.open(), held.open()];
    catalogue.saveScan(scanResult([checkpoint(100)]));
    const first = catalogue.version();
    catalogue.run(ft, storeId);
    expect(catalogue.version()).toBe(first);
    catalogue.saveSnapshots(storeId, withLayout([snapshot(50)]));
    const second = catalogue.version();
    expect(second).not.toBe(first);
    other.saveScan(scanResult([checkpoint(100), checkpoint(200)]));
    expect(catalogue.version()).not.toBe(second);
  });

  test('without a store, or in another one, a run is what is on disk', () => {
    const catalogue = held.open();
    catalogue.saveScan(scanResult([checkpoint(100)]));
    catalogue.saveSnapshots(storeId, withLayout([snapshot(50), snapshot(70, { run: 'other', runPath: '/runs/other' })]));
    expect(catalogue.runSummaries().map(({ name, steps, archived }) => [name, steps, archived])).toEqual([['ft', 1, 0]]);
    expect(catalogue.runSummaries('other store').map(({ name }) => name)).toEqual(['ft']);
    expect(catalogue.runSummaries(storeId).map(({ name, steps, archived }) => [name, steps, archived])).toEqual([
      ['ft', 2, 1],
      ['other', 1, 1],
    ]);
    expect(catalogue.run('nowhere', storeId)).toBeUndefined();
  });

  test('a checkpoint written over and archived again is joined with its newest snapshot; the older stays a step', () => {
    const catalogue = held.open();
    catalogue.saveScan(scanResult([checkpoint(100)]));
    const older = snapshot(100, { id: 'c'.repeat(32), created: new Date(baseMs - 1000).toISOString() });
    catalogue.saveSnapshots(storeId, withLayout([snapshot(100), older]));
    const run = catalogue.run(ft, storeId)!;
    expect(run.chain.map(({ checkpoint: onDisk, snapshot: archived }) => [onDisk?.step, archived?.id])).toEqual([
      [undefined, older.id],
      [100, snapshot(100).id],
    ]);
    expect(run.steps).toBe(run.chain.length);
  });

  test('a scan replaces what is below its roots and nothing else', () => {
    const catalogue = held.open();
    catalogue.saveScan(scanResult([checkpoint(100), checkpoint(200)]));
    catalogue.saveScan(scanResult([], {}, ['/run', '/runs/ft/checkpoint-1', '/elsewhere']));
    expect(catalogue.run(ft)?.chain).toHaveLength(2);
    catalogue.saveScan(scanResult([checkpoint(200, { state: 'damaged', reason: 'cut' })], { losses: [] }, ['/runs/ft/checkpoint-200']));
    expect(catalogue.run(ft)).toMatchObject({ incomplete: 1, losses: [{ step: 100, loss: 2.5 }] });
    catalogue.saveScan(scanResult([], {}, ['/runs/ft/checkpoint-200']));
    expect(catalogue.run(ft)?.chain.map(({ step }) => step)).toEqual([100]);
    catalogue.saveScan(scanResult([]));
    expect(catalogue.runSummaries()).toEqual([]);
    expect(catalogue.previousFile('/runs/ft/checkpoint-100/model.safetensors')).toBeUndefined();
  });

  test('a run whose checkpoints went stays while the store has snapshots of it', () => {
    const catalogue = held.open();
    catalogue.saveScan(scanResult([checkpoint(100)]));
    catalogue.saveSnapshots(storeId, withLayout([snapshot(100)]));
    catalogue.saveScan(scanResult([]));
    expect(catalogue.run(ft, storeId)).toMatchObject({ steps: 1, layout: 'hf-trainer' });
    catalogue.removeSnapshots(storeId, [snapshot(100).id, 'unknown']);
    expect(catalogue.runSummaries(storeId)).toEqual([]);
  });

  test('names of paths that mean something to SQL or HTML come back as they are', () => {
    const catalogue = held.open();
    const path = `/runs/'); DROP TABLE runs; --\n<img src=x>\u202e`;
    catalogue.saveScan(scanResult([checkpoint(1, { path: `${path}/step%_1` })], { path, name: path.slice(6) }));
    expect(catalogue.runSummaries()[0]).toMatchObject({ path, name: path.slice(6) });
    expect(catalogue.run(runId(path))?.chain[0]?.checkpoint?.path).toBe(`${path}/step%_1`);
  });
});

describe('files', () => {
  test('identities come back exactly, for any numbers that a system gives', () => {
    const catalogue = held.open();
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(u64, u64, i64, fc.maxSafeNat(), fc.json(), (inode, device, mtimeNs, size, text) => {
        const header = { version: 1, format: 'x', whole: false, damaged: true, note: text, facts: { json: JSON.parse(text) as unknown } };
        const file = { path: 'a\n', size, mtimeNs, inode, device, mode: 0, header };
        catalogue.saveScan(scanResult([checkpoint(1, { files: [file] })]));
        expect(catalogue.previousFile('/runs/ft/checkpoint-1/a\n')).toEqual({
          size,
          mtimeNs,
          inode,
          device,
          header: JSON.parse(JSON.stringify(header)) as unknown,
        });
      }),
      { numRuns: 50 },
    );
  });

  test('a checkpoint that is one file is known by its own path', () => {
    const catalogue = held.open();
    const { files } = checkpoint(1);
    catalogue.saveScan(
      scanResult([checkpoint(1, { path: '/runs/ft/model_1.pt', alone: true, files: [{ ...files[0]!, path: 'model_1.pt' }] })]),
    );
    expect(catalogue.previousFile('/runs/ft/model_1.pt')?.header.facts).toEqual({ answer: [1] });
  });
});

describe('snapshots', () => {
  test('replacing makes the catalogue hold exactly what the store has', () => {
    const catalogue = held.open();
    catalogue.saveSnapshots(storeId, withLayout([1, 2, 3].map((step) => snapshot(step))));
    catalogue.saveSnapshots('other', withLayout([snapshot(9)]));
    catalogue.replaceSnapshots(storeId, withLayout([snapshot(2, { pinned: true }), snapshot(4)]));
    expect(catalogue.snapshots(storeId)).toEqual([snapshot(2, { pinned: true }), snapshot(4)]);
    expect(catalogue.snapshots(storeId, ft)).toHaveLength(2);
    expect(catalogue.snapshotIds(storeId)).toEqual(new Set([snapshot(2).id, snapshot(4).id]));
    expect(catalogue.snapshots('other')).toEqual([snapshot(9)]);
  });

  test('totals are those of the chain, whatever was saved and removed in whatever order', () => {
    const catalogue = held.open();
    const steps = fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { maxLength: 8 });
    fc.assert(
      fc.property(steps, steps, steps, (onDisk, archived, removed) => {
        catalogue.saveScan(scanResult(onDisk.map((step) => checkpoint(step))));
        catalogue.replaceSnapshots(storeId, withLayout(archived.map((step) => snapshot(step))));
        catalogue.removeSnapshots(
          storeId,
          removed.map((step) => snapshot(step).id),
        );
        const kept = archived.filter((step) => !removed.includes(step));
        const all = [...new Set([...onDisk, ...kept])].sort((a, b) => a - b);
        const run = catalogue.run(ft, storeId);
        expect(run?.chain.map(({ step }) => step) ?? []).toEqual(all);
        if (!run) return;
        expect(run).toMatchObject({
          steps: all.length,
          firstStep: all[0],
          lastStep: all.at(-1),
          archived: kept.length,
          bytesOriginal: all.length * 1000,
          bytesStored: kept.length * 300,
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('packs, jobs and verifications', () => {
  test('what a pack holds is kept by store', () => {
    const catalogue = held.open();
    const cache = catalogue.indexCache(storeId);
    const digests = Uint8Array.from({ length: 64 }, (_, at) => at);
    expect(cache.load('p')).toBeUndefined();
    void cache.save('p', digests);
    void cache.save('p', digests);
    expect(cache.load('p')).toEqual(digests);
    expect(catalogue.indexCache('other').load('p')).toBeUndefined();
    void cache.forget('p');
    expect(cache.load('p')).toBeUndefined();
  });

  test('jobs and their logs are kept, newest first, lines in order', () => {
    const catalogue = held.open();
    for (const [at, id] of ['a', 'b', 'c'].entries())
      catalogue.saveJob(job(id, { queued: new Date(baseMs + at).toISOString() }), { paths: [id], nested: { x: [1] } });
    catalogue.saveJob(
      job('b', { queued: new Date(baseMs + 1).toISOString(), state: 'failed', error: { code: 'io', message: 'm' }, result: { files: 3 } }),
      { paths: ['b'] },
    );
    expect(catalogue.jobs(2).map((kept) => kept.job.id)).toEqual(['c', 'b']);
    expect(catalogue.job('b')).toMatchObject({ job: { state: 'failed', result: { files: 3 } }, params: { paths: ['b'] } });
    expect(catalogue.job('x')).toBeUndefined();
    const lines = Array.from({ length: 5 }, (_, at) => ({
      time: new Date(baseMs).toISOString(),
      level: 'info' as const,
      message: `line ${at}`,
    }));
    for (const line of lines) catalogue.addJobLog('a', line);
    catalogue.addJobLog('unknown', lines[0]!);
    expect(catalogue.jobLog('a')).toEqual(lines);
    expect(catalogue.jobLog('unknown')).toEqual([]);
  });

  test('old jobs are forgotten with their logs, those not ended are not', () => {
    const catalogue = held.open();
    for (let at = 0; at < 6; at += 1)
      catalogue.saveJob(job(`j${at}`, { queued: new Date(baseMs + at).toISOString(), state: at === 0 ? 'running' : 'done' }), {});
    catalogue.addJobLog('j1', { time: new Date(baseMs).toISOString(), level: 'error', message: 'x' });
    expect(catalogue.forgetJobs(2)).toBe(3);
    expect(catalogue.jobs(10).map((kept) => kept.job.id)).toEqual(['j5', 'j4', 'j0']);
    expect(catalogue.jobLog('j1')).toEqual([]);
  });

  test('verifications of a store, newest first', () => {
    const catalogue = held.open();
    for (const findings of [0, 2])
      catalogue.addVerification(storeId, {
        time: new Date(baseMs + findings).toISOString(),
        mode: 'data',
        snapshots: 1,
        bytesRead: 2 ** 40,
        findings,
      });
    expect(catalogue.verifications(storeId).map(({ findings }) => findings)).toEqual([2, 0]);
    expect(catalogue.verifications('other')).toEqual([]);
  });
});

test('what the interface asks for while it is used goes through indices', () => {
  const catalogue = held.open();
  const plan = (sql: string) => catalogue.reader.plan(sql).join('\n');
  for (const sql of [summarySql, checkpointsSql, listOfRunSql, jobLogSql]) expect(plan(sql)).not.toMatch(/\bSCAN\b/);
  // These list everything of a kind; they may walk through one table or index, never sort jobs or verifications.
  expect(plan(summariesSql).match(/\bSCAN\b/g)).toHaveLength(1);
  expect(plan(jobsSql)).toMatch(/SCAN jobs USING INDEX jobs_by_queued/);
  expect(plan(verificationsSql)).toMatch(/SEARCH verifications USING INDEX verifications_by_store/);
  expect(plan('SELECT header FROM files WHERE path = $path')).toMatch(/SEARCH files USING PRIMARY KEY/);
});

test('30,000 snapshots are listed by run without reading them one by one', async () => {
  const catalogue = held.open();
  const snapshots = Array.from({ length: 30_000 }, (_, at) => snapshot(at, { run: `run-${at % 300}`, runPath: `/runs/run-${at % 300}` }));
  catalogue.saveSnapshots(storeId, withLayout(snapshots));
  expect(await cpuMsOf(() => expect(catalogue.runSummaries(storeId)).toHaveLength(300))).toBeLessThan(1000);
  expect(catalogue.reader.get('SELECT count(*) AS count FROM snapshots', z.object({ count: z.number() }))).toEqual({ count: 30_000 });
});
