import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pruneParams, releaseParams } from '../../core/contract/methods.ts';
import { releaseOriginals } from '../../core/jobs/release.ts';
import { pruneJob } from '../../core/jobs/retention.ts';
import { retain, retentionRules, type RetainedSnapshot, type RetentionPolicy } from '../../core/plan/retention.ts';
import { Bench } from './context.ts';
import { bytesOf, picture, safetensors, weights, writeStep } from './files.ts';

const now = Date.parse('2026-03-01T00:00:00.000Z');
const day = 86_400_000;
const runPath = '/runs/a';

/** Ten steps, 100 ... 1000, a day apart, the last one today. */
const ten: RetainedSnapshot[] = Array.from({ length: 10 }, (_, index) => ({
  ...{ id: `id-${index}`, runPath, step: (index + 1) * 100, bytesStored: 10, pinned: false, created: '2026-03-01T00:00:00.000Z' },
  time: new Date(now - (9 - index) * day).toISOString(),
}));

function keptSteps(policy: RetentionPolicy, snapshots = ten, metric?: Map<number, number>): number[] {
  const decisions = retain(snapshots, policy, { runPath, nowMs: now, ...(metric ? { metric } : {}) });
  return snapshots.filter((_, index) => decisions[index]!.reasons.length > 0).map(({ step }) => step);
}

describe('retention', () => {
  it.each([
    ['the last 3', { keepLast: 3 }, [800, 900, 1000]],
    ['every 300th step', { keepEvery: 300 }, [300, 600, 900]],
    ['what is younger than 2.5 days', { keepDays: 2.5 }, [800, 900, 1000]],
    ['the newest within 45 bytes', { keepBytes: 45 }, [700, 800, 900, 1000]],
    ['more than there are', { keepLast: 50 }, ten.map(({ step }) => step)],
    ['what any of several rules keeps', { keepLast: 1, keepEvery: 500, keepDays: 1 }, [500, 900, 1000]],
    ['everything without a rule', {}, ten.map(({ step }) => step)],
  ] as [string, RetentionPolicy, number[]][])('keeps %s', (_, policy, expected) => {
    expect(keptSteps(policy)).toEqual(expected);
  });

  it('keeps the best by metric, of equal ones the newest, and none whose metric is not known', () => {
    const metric = new Map([
      [100, 3],
      [200, 1],
      [300, 2],
      [400, 1],
      [500, NaN],
    ]);
    expect(keptSteps({ keepBest: 1 }, ten, metric)).toEqual([400]);
    expect(keptSteps({ keepBest: 3 }, ten, metric)).toEqual([200, 300, 400]);
    expect(keptSteps({ keepBest: 3 })).toEqual([]);
  });

  it('leaves optimizer state with the newest of those that stay, and with pinned ones', () => {
    const pinned = ten.map((snapshot) => ({ ...snapshot, pinned: snapshot.step === 300 }));
    const decisions = retain(pinned, { keepEvery: 300, keepLast: 2, stateLast: 1 }, { runPath, nowMs: now });
    const thinned = pinned.filter((_, index) => decisions[index]!.thinned).map(({ step }) => step);
    expect(thinned).toEqual([600, 900]);
    const all = retain(pinned, { stateLast: 0 }, { runPath, nowMs: now });
    expect(all.every(({ reasons }) => reasons.length > 0)).toBe(true);
    expect(all.filter((decision) => decision.thinned)).toHaveLength(9);
  });

  it('keeps what is pinned and every snapshot of another run', () => {
    const mixed = ten.map((snapshot, index) => ({
      ...snapshot,
      pinned: index === 0,
      runPath: index % 2 === 0 ? runPath : '/runs/b',
    }));
    expect(keptSteps({ keepLast: 1 }, mixed)).toEqual([100, 200, 400, 600, 800, 900, 1000]);
  });

  it('never lets go of pinned ones or other runs, keeps more with every further rule, and does not depend on the order', () => {
    const anySnapshot = fc.record({
      id: fc.uuid(),
      runPath: fc.constantFrom('/runs/a', '/runs/b'),
      step: fc.nat(50),
      time: fc.integer({ min: 0, max: 30 }).map((days) => new Date(now - days * day).toISOString()),
      created: fc.constant('2026-03-01T00:00:00.000Z'),
      bytesStored: fc.nat(100),
      pinned: fc.boolean(),
    });
    const anyPolicy = fc.record(
      {
        ...{
          keepLast: fc.integer({ min: 1, max: 9 }),
          keepEvery: fc.integer({ min: 1, max: 9 }),
          keepBest: fc.integer({ min: 1, max: 9 }),
        },
        ...{ keepDays: fc.integer({ min: 1, max: 9 }), keepBytes: fc.integer({ min: 1, max: 500 }) },
      },
      { requiredKeys: [] },
    );
    const metric = new Map(Array.from({ length: 40 }, (_, step) => [step, (step * 7) % 13]));
    const context = { runPath, nowMs: now, metric };
    fc.assert(
      fc.property(
        fc.uniqueArray(anySnapshot, { selector: ({ id }) => id }),
        anyPolicy,
        fc.constantFrom(...retentionRules),
        (all, policy, rule) => {
          const goes = (rules: RetentionPolicy, list = all) =>
            new Set(retain(list, rules, context).flatMap(({ id, reasons }) => (reasons.length === 0 ? [id] : [])));
          const gone = goes(policy);
          for (const { id, pinned, runPath: path } of all) if (pinned || path !== runPath) expect(gone.has(id)).toBe(false);
          expect(goes(policy, all.toReversed())).toEqual(gone);
          if (Object.keys(policy).length > 0) for (const id of goes({ [rule]: 3, ...policy })) expect(gone.has(id)).toBe(true);
        },
      ),
    );
  });
});

describe('the prune job', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.close());

  const pruned = (
    params: object,
  ): Promise<{
    bytesFreed: number;
    removed: { step: number }[];
    thinned: { step: number; files: number; bytes: number }[];
    kept: { step: number; reasons: string[] }[];
  }> => bench.onStore('write', (_, context) => pruneJob(context, pruneParams.parse({ graceSeconds: 0, ...params }))) as never;

  function storeBytes(): number {
    const names = readdirSync(bench.storePath, { recursive: true, encoding: 'utf8' });
    const found = names.map((name) => statSync(path.join(bench.storePath, name))).filter((file) => file.isFile());
    return found.reduce((sum, { size }) => sum + size, 0);
  }

  it('shows what a policy would do, does just that, and leaves other runs alone', async () => {
    const [one, other] = [bench.copyChain('one'), bench.copyChain('other')];
    const { snapshots } = await bench.archive({ paths: [one, other] });
    await bench.onStore('write', (store) => store.pin(snapshots.find(({ run, step }) => run === 'one' && step === 2000)!.id, true));
    const policy = { run: 'one', keepLast: 1 };
    const preview = await pruned({ ...policy, dryRun: true });
    expect(preview.removed.map(({ step }) => step)).toEqual([400, 2200]);
    expect(preview.kept.map(({ step, reasons }) => [step, reasons])).toEqual([
      [2000, ['pinned']],
      [2400, ['keepLast']],
    ]);
    expect((await bench.onStore('read', (store) => store.snapshotIds())).length).toBe(8);
    expect(await pruned(policy)).toEqual({ ...preview, dryRun: false });
    const left = await bench.onStore('read', (store) => store.snapshots());
    expect(left.map(({ run, step }) => `${run}@${step}`)).toEqual([
      'one@2000',
      'one@2400',
      'other@400',
      'other@2000',
      'other@2200',
      'other@2400',
    ]);
    for (const { id, path: original } of snapshots.filter(({ id: kept }) => left.some((snapshot) => snapshot.id === kept))) {
      await bench.restore({ snapshot: id, to: bench.path('back') });
      expect(picture(bench.path('back'))).toEqual(picture(original));
      rmSync(bench.path('back'), { recursive: true });
    }
  });

  it('drops the optimizer state of older steps, keeps their weights, and is told before', async () => {
    const run = bench.path('hf');
    let state = weights(20_000, 7);
    for (const step of [1, 2, 3]) {
      const folder = writeStep(run, step, [{ name: 'w', dtype: 'F32', shape: [5000], bytes: bytesOf(weights(5000, step)) }]);
      state = weights(20_000, 70 + step, state);
      writeFileSync(
        path.join(folder, 'optimizer.safetensors'),
        safetensors([{ name: 'w.exp_avg', dtype: 'F32', shape: [20_000], bytes: bytesOf(state) }]),
      );
      writeFileSync(path.join(folder, 'trainer_state.json'), `{"step":${step}}`);
    }
    const { snapshots } = await bench.archive({ paths: [run] });
    const preview = await pruned({ run: 'hf', stateLast: 1, dryRun: true });
    expect(preview).toMatchObject({
      removed: [],
      thinned: [
        { step: 1, files: 1 },
        { step: 2, files: 1 },
      ],
    });
    const before = storeBytes();
    expect(await pruned({ run: 'hf', stateLast: 1 })).toEqual({ ...preview, dryRun: false });
    expect(before - storeBytes()).toBe(preview.bytesFreed);
    expect(preview.bytesFreed).toBeGreaterThan(20_000);
    for (const { step, path: original } of snapshots) {
      const whole = step === 3;
      await bench.restore({ snapshot: `hf@${step}`, to: bench.path('back') });
      const expected = Object.entries(picture(original)).filter(([name]) => whole || name !== 'optimizer.safetensors');
      expect(Object.entries(picture(bench.path('back'))).map(([name]) => name)).toEqual(expected.map(([name]) => name));
      expect(readFileSync(bench.path('back', 'model.safetensors')).equals(readFileSync(path.join(original, 'model.safetensors')))).toBe(
        true,
      );
      rmSync(bench.path('back'), { recursive: true });
    }
    expect((await bench.verify()).findings).toEqual([]);
    // What was let go of is not archived again, and its originals are not released.
    expect((await bench.archive({ paths: [run] })).snapshots).toEqual([]);
    const { kept } = await bench.onStore('write', (_, context) => releaseOriginals(context, releaseParams.parse({ keepNewest: 0 }), [run]));
    expect(kept.map(({ reason }) => reason)).toEqual(Array(2).fill('its optimizer state is not in the store any more'));
    expect(readdirSync(run).sort()).toEqual(['step-000001', 'step-000002']);
    expect(await pruned({ run: 'hf', stateLast: 1 })).toMatchObject({ thinned: [], bytesFreed: 0 });
  });

  it('refuses a run that is not there or that two folders have', async () => {
    const { snapshots } = await bench.archive({ paths: [bench.copyChain('a/run'), bench.copyChain('b/run')] });
    await expect(pruned({ run: 'else', keepLast: 1 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(pruned({ run: 'run', keepLast: 1 })).rejects.toMatchObject({ code: 'ambiguous' });
    expect((await bench.onStore('read', (store) => store.snapshotIds())).length).toBe(snapshots.length);
    expect(() => pruneParams.parse({ run: 'run' })).toThrow();
    expect(() => pruneParams.parse({ keepLast: 1 })).toThrow();
  });
});
