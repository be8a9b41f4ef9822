/** The service as its clients see it: real folders, a real store, every result held against the contract. */
import { chmod, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CairnError } from '../../core/contract/errors.ts';
import { methods } from '../../core/contract/methods.ts';
import { bytesBelow, Served, writeRun } from './served.ts';

let served: Served;

beforeEach(async () => {
  served = await Served.open();
});
afterEach(() => served.release());

const failureOf = (promise: Promise<unknown>): Promise<CairnError> =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as CairnError,
  );

async function archived(): Promise<string> {
  const run = await served.copyChain();
  const job = await served.ended(served.client.call('archive.start', { paths: [run] }));
  expect(job).toMatchObject({ state: 'done', result: { errors: [] } });
  return run;
}

describe('an empty home', () => {
  it('answers everything, with nothing in it', async () => {
    const { client } = served;
    expect(await client.call('service.about', {})).toMatchObject({ host: 'test', format: 1, threads: 2, store: served.storePath });
    expect(await client.call('sources.list', {})).toEqual({ sources: [] });
    expect(await client.call('runs.list', {})).toEqual({ runs: [] });
    expect(await client.call('snapshots.list', {})).toEqual({ snapshots: [] });
    expect(await client.call('jobs.list', {})).toEqual({ jobs: [] });
    expect(await client.call('sources.scan', {})).toEqual({ runs: [], findings: [] });
    expect(await client.call('store.doctor', {})).toEqual({ findings: [] });
    expect((await client.call('store.status', {})).store).toMatchObject({ id: '', snapshots: 0, bytesStored: 0 });
  });

  it('says what is not there, by code', async () => {
    const { client } = served;
    const codes = await Promise.all([
      failureOf(client.call('runs.get', { id: 'x' })),
      failureOf(client.call('snapshots.get', { snapshot: 'abcd' })),
      failureOf(client.call('snapshots.tensors', { snapshot: 'run@1' })),
      failureOf(client.call('snapshots.pin', { snapshots: ['abcd'], pinned: true })),
      failureOf(client.call('jobs.get', { id: 'x' })),
      failureOf(client.call('sources.remove', { id: 'x' })),
      failureOf(client.call('sources.add', { path: path.join(served.folder, 'absent') })),
      failureOf(client.call('folders.list', { path: path.join(served.folder, 'absent') })),
      failureOf(client.call('archive.plan', { paths: [path.join(served.folder, 'absent')] })),
    ]);
    expect(codes.map(({ code }) => code)).toEqual(Array(9).fill('not_found'));
    for (const { message } of codes) expect(message).not.toMatch(/\n|unexpected/);
  });

  it.each(['verify', 'remove', 'prune', 'rebuild'] as const)('does not make a store for a %s', async (kind) => {
    const params = kind === 'remove' ? { snapshots: ['abcd'] } : {};
    const job = await served.ended(served.client.call(`${kind}.start`, params as never));
    expect(job).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
    expect((await served.client.call('store.status', {})).store.id).toBe('');
  });
});

describe('sources', () => {
  it('are added once, scanned, shown with their problem when they go away, and removed', async () => {
    const { client } = served;
    const changes = served.collect('catalogue.changed');
    const run = await served.copyChain();
    const { source } = await client.call('sources.add', { path: run });
    expect((await client.call('sources.add', { path: run })).source.id).toBe(source.id);
    const { runs, findings } = await client.call('sources.scan', {});
    expect(findings).toEqual([]);
    expect(runs[0]?.chain.map(({ step }) => step)).toEqual([400, 2000, 2200, 2400]);
    expect((await client.call('sources.list', {})).sources[0]).toHaveProperty('scanned');
    expect((await client.call('runs.list', {})).runs).toMatchObject([{ name: 'run', steps: 4, archived: 0 }]);
    await rm(run, { recursive: true });
    expect((await client.call('sources.scan', {})).findings).toMatchObject([{ path: run }]);
    expect((await client.call('sources.list', {})).sources[0]).toHaveProperty('problem');
    expect((await client.call('store.doctor', {})).findings).toMatchObject([{ code: 'source-unreachable', path: run }]);
    await client.call('sources.remove', { id: source.id });
    expect(await client.call('sources.list', {})).toEqual({ sources: [] });
    expect(changes.length).toBeGreaterThanOrEqual(5);
  });

  it('may not be a file', async () => {
    const file = path.join(served.folder, 'file');
    await writeFile(file, '');
    expect(await failureOf(served.client.call('sources.add', { path: file }))).toMatchObject({ code: 'bad_request' });
  });

  it('are chosen among folders, links to folders with them, in natural order', async () => {
    const place = path.join(served.folder, 'place');
    for (const name of ['run-10', 'run-9', '.hidden', 'a\nb']) await mkdir(path.join(place, name), { recursive: true });
    await writeFile(path.join(place, 'file'), '');
    await symlink('run-9', path.join(place, 'link'));
    await symlink('nowhere', path.join(place, 'broken'));
    const listed = await served.client.call('folders.list', { path: place });
    expect(listed).toMatchObject({ path: place, parent: served.folder });
    expect(listed.folders.map(({ name }) => name).sort()).toEqual(['.hidden', 'a\nb', 'link', 'run-10', 'run-9']);
    const names = listed.folders.map(({ name }) => name);
    expect(names.indexOf('run-9')).toBeLessThan(names.indexOf('run-10'));
    expect(await served.client.call('folders.list', { path: '/' })).not.toHaveProperty('parent');
  });
});

describe('a chain', () => {
  it('is planned, archived, shown, verified and restored bit for bit', async () => {
    const { client } = served;
    const run = await served.copyChain();
    const { plan } = await client.call('archive.plan', { paths: [run] });
    expect(plan.items.map(({ action, kind }) => `${action} ${kind}`)).toEqual([
      'archive keyframe',
      'archive delta',
      'archive delta',
      'archive delta',
    ]);
    const jobs = served.collect('job.changed');
    const logs = served.collect('job.log');
    const changes = served.collect('catalogue.changed');
    const job = await served.ended(client.call('archive.start', { paths: [run] }));
    expect(job).toMatchObject({
      state: 'done',
      result: { errors: [], snapshots: [{ step: 400, kind: 'keyframe' }, { step: 2000 }, { step: 2200 }, { step: 2400 }] },
    });
    expect(jobs.at(-1)?.job).toEqual(job);
    expect(logs.length).toBeGreaterThan(3);
    expect(changes.length).toBeGreaterThan(3);

    const { snapshots } = await client.call('snapshots.list', {});
    expect(snapshots.map(({ step, sealed, pinned }) => ({ step, sealed, pinned }))).toEqual(
      [400, 2000, 2200, 2400].map((step) => ({ step, sealed: true, pinned: false })),
    );
    const last = snapshots.at(-1)!;
    const { snapshot, files } = await client.call('snapshots.get', { snapshot: 'run@2400' });
    expect(snapshot).toEqual(last);
    expect(files.map(({ path: name, part }) => [name, part])).toEqual([
      ['config.json', 'configuration'],
      ['model.safetensors', 'weights'],
    ]);
    expect(files.reduce((sum, file) => sum + file.bytes, 0)).toBe(last.bytesOriginal);
    expect(files.reduce((sum, file) => sum + file.bytesStored, 0)).toBe(last.bytesStored);

    expect(await served.ended(client.call('verify.start', {}))).toMatchObject({ state: 'done', result: { snapshots: 4, findings: [] } });
    expect((await client.call('store.status', {})).store).toMatchObject({ snapshots: 4, lastVerify: { mode: 'data', findings: 0 } });
    const to = path.join(served.folder, 'restored');
    expect(await served.ended(client.call('restore.start', { snapshot: last.id.slice(0, 6), to }))).toMatchObject({
      state: 'done',
      result: { bytes: last.bytesOriginal },
    });
    expect(await bytesBelow(to)).toEqual(await bytesBelow(path.join(run, 'step-002400')));
  });

  it('shows its tensors by pages, with how they are stored', async () => {
    await archived();
    const { client } = served;
    const whole = await client.call('snapshots.tensors', { snapshot: 'run@2400' });
    expect(whole.total).toBe(whole.tensors.length);
    expect(whole.total).toBeGreaterThan(3);
    const pages = [];
    for (let offset = 0; offset < whole.total; offset += 2)
      pages.push(...(await client.call('snapshots.tensors', { snapshot: 'run@2400', offset, limit: 2 })).tensors);
    expect(pages).toEqual(whole.tensors);
    expect(await client.call('snapshots.tensors', { snapshot: 'run@2400', offset: whole.total + 5 })).toEqual({
      total: whole.total,
      tensors: [],
    });
    const base = (await client.call('snapshots.get', { snapshot: 'run@2200' })).snapshot.id;
    const deltas = whole.tensors.filter(({ depth }) => depth > 0);
    expect(deltas.length).toBeGreaterThan(0);
    for (const tensor of deltas) {
      expect(tensor).toMatchObject({ base, dtype: 'BF16' });
      expect(tensor.codecs.length).toBeGreaterThan(0);
      expect(tensor.bytes).toBe(2 * tensor.shape.reduce((product, size) => product * size, 1));
      expect(tensor.digest).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('joins what is on disk and what is archived', async () => {
    const run = await archived();
    const { client } = served;
    await client.call('sources.scan', { paths: [run] });
    await rm(path.join(run, 'step-000400'), { recursive: true });
    await client.call('sources.scan', { paths: [run] });
    const [summary] = (await client.call('runs.list', {})).runs;
    expect(summary).toMatchObject({ steps: 4, archived: 4, firstStep: 400, lastStep: 2400 });
    const { run: shown } = await client.call('runs.get', { id: summary!.id });
    expect(shown.chain.map(({ step, checkpoint, snapshot }) => [step, checkpoint !== undefined, snapshot !== undefined])).toEqual([
      [400, false, true],
      [2000, true, true],
      [2200, true, true],
      [2400, true, true],
    ]);
  });

  it('is archived once: again does nothing, and a run can be asked for by name, path and id', async () => {
    const run = await archived();
    const { client } = served;
    expect((await served.ended(client.call('archive.start', { paths: [run] }))).result).toMatchObject({ snapshots: [], bytesStored: 0 });
    const [summary] = (await client.call('runs.list', {})).runs;
    for (const name of ['run', run, summary!.id]) expect((await client.call('snapshots.list', { run: name })).snapshots.length).toBe(4);
    expect(await failureOf(client.call('snapshots.list', { run: 'other' }))).toMatchObject({ code: 'not_found' });
  });

  it('loses a snapshot that is removed, keeps what is pinned, and stays restorable', async () => {
    const run = await archived();
    const { client } = served;
    const pinned = await client.call('snapshots.pin', { snapshots: ['run@2000', 'run@2000'], pinned: true });
    expect(pinned.snapshots).toMatchObject([{ step: 2000, pinned: true }]);
    expect((await client.call('snapshots.list', {})).snapshots.map((snapshot) => snapshot.pinned)).toEqual([false, true, false, false]);
    expect(await served.ended(client.call('remove.start', { snapshots: ['run@2000'] }))).toMatchObject({
      state: 'failed',
      error: { code: 'denied' },
    });
    await client.call('snapshots.pin', { snapshots: ['run@2000'], pinned: false });
    expect(await served.ended(client.call('remove.start', { snapshots: ['run@400', 'run@2000'] }))).toMatchObject({ state: 'done' });
    expect(await served.ended(client.call('prune.start', {}))).toMatchObject({ state: 'done' });
    expect((await client.call('snapshots.list', {})).snapshots.map(({ step }) => step)).toEqual([2200, 2400]);
    const to = path.join(served.folder, 'restored');
    expect(await served.ended(client.call('restore.start', { snapshot: 'run@2400', to }))).toMatchObject({ state: 'done' });
    expect(await bytesBelow(to)).toEqual(await bytesBelow(path.join(run, 'step-002400')));
  });

  it('tells damage from health', async () => {
    await archived();
    const { client } = served;
    const pack = Object.keys(await bytesBelow(path.join(served.storePath, 'packs')))[0]!;
    await truncate(path.join(served.storePath, 'packs', pack), 1000);
    const job = await served.ended(client.call('verify.start', { mode: 'structure' }));
    expect(job.state).toBe('done');
    expect((job.result as { findings: unknown[] }).findings.length).toBeGreaterThan(0);
  });
});

describe('two services on one home', () => {
  it('see what the other archives and removes', async () => {
    const other = await Served.open(served.folder, { stays: true });
    expect((await other.client.call('snapshots.list', {})).snapshots).toEqual([]);
    const changes = other.collect('catalogue.changed');
    await archived();
    // Nobody asks: the service itself looks.
    await expect.poll(() => changes.length).toBeGreaterThan(0);
    await expect.poll(async () => (await other.client.call('snapshots.list', {})).snapshots.length).toBe(4);
    await served.ended(served.client.call('remove.start', { snapshots: ['run@2400'] }));
    await expect.poll(async () => (await other.client.call('snapshots.list', {})).snapshots.length).toBe(3);
    expect((await other.client.call('jobs.list', {})).jobs.map(({ kind }) => kind)).toEqual(['remove', 'archive']);
    await other.service.close();
  });

  it('go on reading when the other has pruned', async () => {
    const run = await archived();
    const other = await Served.open(served.folder);
    expect(await other.ended(other.client.call('verify.start', {}))).toMatchObject({ state: 'done', result: { findings: [] } });
    await other.client.call('snapshots.tensors', { snapshot: 'run@2400' });
    await served.ended(served.client.call('remove.start', { snapshots: ['run@2400'] }));
    expect(await served.ended(served.client.call('prune.start', {}))).toMatchObject({ state: 'done', result: { packsRemoved: 1 } });
    expect(await other.ended(other.client.call('verify.start', {}))).toMatchObject({
      state: 'done',
      result: { snapshots: 3, findings: [] },
    });
    expect(await other.ended(other.client.call('verify.start', { mode: 'structure' }))).toMatchObject({
      state: 'done',
      result: { snapshots: 3, findings: [] },
    });
    const job = await other.ended(other.client.call('archive.start', { paths: [run] }));
    expect(job).toMatchObject({ state: 'done', result: { errors: [], snapshots: [{ step: 2400 }] } });
    const to = path.join(served.folder, 'restored');
    expect(await served.ended(served.client.call('restore.start', { snapshot: 'run@2400', to }))).toMatchObject({ state: 'done' });
    expect(await bytesBelow(to)).toEqual(await bytesBelow(path.join(run, 'step-002400')));
    await other.service.close();
  });

  it('do not write at once: the second is refused with who holds the lock', async () => {
    const writing = await served.service.store.write(true);
    const other = await Served.open(served.folder);
    const run = await served.copyChain();
    const job = await other.ended(other.client.call('archive.start', { paths: [run] }));
    expect(job).toMatchObject({
      state: 'failed',
      error: { code: 'locked', message: expect.stringContaining(String(process.pid)) as string },
    });
    await writing.close();
    expect(await other.ended(other.client.call('jobs.retry', { id: job.id }))).toMatchObject({ state: 'done' });
    await other.service.close();
  });

  it('lose nothing with the catalogue', async () => {
    await archived();
    const before = await served.client.call('snapshots.list', {});
    const draft = { name: 'nightly', paths: [served.folder], trigger: { kind: 'interval' as const, minutes: 60 } };
    await served.client.call('schedules.save', { draft });
    const schedules = (await served.client.call('schedules.list', {})).schedules;
    await served.service.close();
    for (const suffix of ['', '-wal', '-shm']) await rm(path.join(served.folder, 'home', `catalogue.sqlite${suffix}`), { force: true });
    served = await Served.open(served.folder);
    expect(await served.client.call('snapshots.list', {})).toEqual(before);
    expect((await served.client.call('schedules.list', {})).schedules).toEqual(schedules);
    expect(await served.ended(served.client.call('rebuild.start', {}))).toMatchObject({ state: 'done', result: { snapshots: 4 } });
    expect(await served.client.call('snapshots.list', {})).toEqual(before);
  });

  it('move a damaged catalogue aside, with a word about it', async () => {
    await archived();
    await served.service.close();
    await writeFile(path.join(served.folder, 'home', 'catalogue.sqlite'), 'no catalogue at all, but longer than a header of SQLite');
    served = await Served.open(served.folder);
    expect(served.problems).toEqual([expect.stringContaining('moved aside')]);
    expect((await served.client.call('snapshots.list', {})).snapshots.length).toBe(4);
  });
});

describe('closing', () => {
  it('interrupts a running archive, and leaves a store that the next service goes on with', async () => {
    const run = path.join(served.folder, 'large');
    await writeRun(run, 'weight', 32 * 1024 * 1024);
    const { job } = await served.client.call('archive.start', { paths: [run] });
    await expect.poll(async () => (await served.client.call('jobs.get', { id: job.id })).job.state, { interval: 1 }).toBe('running');
    await served.service.close();
    expect(await failureOf(served.client.call('service.about', {}))).toMatchObject({ code: 'io' });
    served = await Served.open(served.folder);
    expect((await served.client.call('jobs.get', { id: job.id })).job.state).toBe('interrupted');
    expect(await served.ended(served.client.call('jobs.retry', { id: job.id }))).toMatchObject({ state: 'done', result: { errors: [] } });
    expect((await served.client.call('snapshots.list', {})).snapshots.length).toBe(1);
  });

  it('leaves settings that can not be read alone, and says so', async () => {
    await served.service.close();
    const settings = path.join(served.folder, 'home', 'settings.json');
    await writeFile(settings, '{');
    expect(await failureOf(Served.open(served.folder))).toMatchObject({ code: 'bad_input', path: settings });
    await rm(settings);
    served = await Served.open(served.folder);
  });
});

describe('hostile calls', () => {
  it('are refused or fail in one line, whatever the method', async () => {
    const nasty = ['', '\0', '../../no/such/place', 'x'.repeat(5000), '__proto__', '\u001b[2J', 'a@b@c', '@', 'run@', 'run@NaN'];
    for (const name of Object.keys(methods) as (keyof typeof methods)[]) {
      if (name === 'folders.list' || name === 'rebuild.start') continue;
      for (const text of nasty) {
        const params = {
          path: text,
          paths: [text],
          id: text,
          run: text,
          snapshot: text,
          snapshots: [text],
          to: path.join(served.folder, 'to'),
          pinned: true,
        };
        const outcome = await served.client.call(name, params as never).then(
          () => undefined,
          (error: unknown) => error as CairnError,
        );
        if (outcome)
          expect({ name, text, code: outcome.code, lines: outcome.message.split('\n').length }).toEqual({
            name,
            text,
            code: expect.not.stringMatching('internal') as string,
            lines: 1,
          });
      }
    }
    expect(await served.client.call('service.about', {})).toMatchObject({ host: 'test' });
  });

  it('name a folder that may not be read by its code', async () => {
    const locked = path.join(served.folder, 'locked');
    await mkdir(locked);
    await chmod(locked, 0);
    // Root reads everything, so that only others are refused.
    const outcome = await served.client.call('folders.list', { path: locked }).then(
      () => 'read',
      (error: CairnError) => error.code,
    );
    expect(outcome).toBe(process.getuid?.() === 0 ? 'read' : 'denied');
    await chmod(locked, 0o700);
  });
});
