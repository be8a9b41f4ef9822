/** The job queue over a real catalogue. The work of the jobs is the test's own, so that it can be held and let go. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { CairnError } from '../../core/contract/errors.ts';
import { job as jobSchema, type Job, type JobKind } from '../../core/contract/model.ts';
import type { JobContext, JobFunction, JobResult } from '../../core/jobs/job.ts';
import { thisOwner } from '../../core/jobs/owner.ts';
import type { JobFunctions, QueueOptions } from '../../core/jobs/queue-options.ts';
import { JobQueue } from '../../core/jobs/queue.ts';

/** A job that has begun and waits for the test. */
interface Held {
  context: JobContext;
  params: unknown;
  finish(result?: JobResult): void;
  fail(error: Error): void;
}

let folder: string;
let catalogue: Catalogue;
let queue: JobQueue;
let events: { job: Job; atMs: number }[];
let held: Held[];
let writers: number;

const told = { title: 'A job', command: 'cairn job' };
const hold: JobFunction<unknown> = (context, params) =>
  new Promise<JobResult>((resolve, reject) => {
    held.push({ context, params, finish: (result = {}) => resolve(result), fail: reject });
    context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
  });
const holdAll: JobFunctions = {
  archive: hold,
  verify: hold,
  restore: hold,
  rebuild: hold,
  remove: hold,
  prune: hold,
  repair: hold,
  copy: hold,
};

function openQueue(options: Partial<QueueOptions> = {}): JobQueue {
  return new JobQueue({
    records: catalogue,
    functions: holdAll,
    access: { storePath: folder, catalogue, changed: () => {} } as unknown as QueueOptions['access'],
    openForWriting: () => {
      writers += 1;
      return Promise.resolve({ store: {} as never, close: () => Promise.resolve(void (writers -= 1)) });
    },
    catalogueSnapshot: () => Promise.resolve(),
    onChange: ({ job }) => events.push({ job, atMs: performance.now() }),
    onLog: () => {},
    onProblem: () => {},
    ...options,
  });
}

const until = async (holds: () => boolean): Promise<void> => expect.poll(holds, { interval: 2 }).toBe(true);
const stateOf = (id: string): Job['state'] => queue.get(id).job.state;
const ended = (id: string, state: Job['state']): Promise<void> => until(() => stateOf(id) === state);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cairn-queue-'));
  catalogue = Catalogue.open(path.join(folder, 'catalogue.sqlite'));
  [events, held, writers] = [[], [], 0];
  queue = openQueue();
});

afterEach(async () => {
  await queue.close();
  catalogue.close();
  await rm(folder, { recursive: true });
});

describe('a job', () => {
  it('goes from queued over running to done, with its result, and every state fits the contract', async () => {
    const { id } = queue.enqueue('archive', { paths: ['/x'] }, told);
    expect(stateOf(id)).toBe('queued');
    await until(() => held.length === 1);
    expect(stateOf(id)).toBe('running');
    held[0]!.context.progress({ phase: 'encode', bytesDone: 5, bytesTotal: 10, itemsDone: 0, itemsTotal: 1 });
    held[0]!.context.log('info', 'half of it');
    held[0]!.finish({ snapshots: [1] });
    await ended(id, 'done');
    const { job, log } = queue.get(id);
    expect(jobSchema.parse(job)).toMatchObject({
      ...told,
      kind: 'archive',
      result: { snapshots: [1] },
      progress: { phase: 'encode', bytesDone: 5 },
    });
    expect(job.started && job.ended && job.started <= job.ended).toBe(true);
    expect(log).toMatchObject([{ level: 'info', message: 'half of it' }]);
    for (const event of events) jobSchema.parse(event.job);
    expect(events.at(-1)!.job.state).toBe('done');
    expect(held[0]!.params).toEqual({ paths: ['/x'] });
  });

  it('that fails keeps its typed failure, and a line in its log', async () => {
    const { id } = queue.enqueue('verify', {}, told);
    await until(() => held.length === 1);
    held[0]!.fail(new CairnError('no_space', 'the disk is full', { path: '/store' }));
    await ended(id, 'failed');
    expect(queue.get(id)).toMatchObject({
      job: { error: { code: 'no_space', message: 'the disk is full', path: '/store' } },
      log: [{ level: 'error', message: 'the disk is full' }],
    });
  });

  it('that throws within its call fails too, and the next one runs', async () => {
    await queue.close();
    const broken = (): never => {
      throw new TypeError('a defect');
    };
    queue = openQueue({ functions: { ...holdAll, archive: broken as unknown as JobFunction<unknown> } });
    const first = queue.enqueue('archive', {}, told);
    const second = queue.enqueue('remove', {}, told);
    await ended(first.id, 'failed');
    expect(queue.get(first.id).job.error?.code).toBe('internal');
    await ended(second.id, 'running');
  });

  it('is found by another service on the same catalogue, and can be run again', async () => {
    const { id } = queue.enqueue('restore', { snapshot: 'abcd' }, told);
    await until(() => held.length === 1);
    held[0]!.finish();
    await ended(id, 'done');
    await queue.close();
    queue = openQueue();
    expect(queue.list().map((job) => job.id)).toEqual([id]);
    const again = queue.retry(id);
    await until(() => held.length === 2);
    expect(again.id).not.toBe(id);
    expect(held[1]!.params).toEqual({ snapshot: 'abcd' });
    expect(() => queue.retry(again.id)).toThrow(expect.objectContaining({ code: 'bad_request' }) as Error);
    expect(() => queue.retry('nothing')).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
  });

  it('keeps a log of 10,000 lines and says that more were left out', async () => {
    const { id } = queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    for (let line = 0; line < 10_200; line++) held[0]!.context.log('info', `line ${line}`);
    const { log } = queue.get(id);
    expect(log.length).toBe(10_000);
    expect(log[1]?.message).toBe('line 1');
    expect(log.at(-1)?.message).toContain('left out');
  });

  it('runs on where its record can not be written', async () => {
    await queue.close();
    const problems: string[] = [];
    const full = (): never => {
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    };
    const records = new Proxy(catalogue, {
      get: (from, name: keyof Catalogue) => {
        if (['saveJob', 'addJobLog', 'forgetJobs'].includes(name)) return full;
        const found = from[name];
        return typeof found === 'function' ? found.bind(from) : found;
      },
    });
    queue = openQueue({ records, onProblem: (message) => problems.push(message) });
    queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    held[0]!.finish({ fine: true });
    await until(() => events.at(-1)?.job.state === 'done');
    expect(problems).toEqual([expect.stringContaining('disk is full')]);
  });
});

describe('turns', () => {
  it('lets one writer run at a time, in order, and gives the lock back before the next begins', async () => {
    const ids = (['archive', 'remove', 'prune'] as const).map((kind) => queue.enqueue(kind, {}, told).id);
    for (const [index, id] of ids.entries()) {
      await until(() => held.length === index + 1);
      expect(ids.map(stateOf)).toEqual(ids.map((_, other) => (other < index ? 'done' : other === index ? 'running' : 'queued')));
      expect(writers).toBe(0);
      await held[index]!.context.writeStore();
      await held[index]!.context.writeStore();
      expect(writers).toBe(1);
      held[index]!.finish();
      await ended(id, 'done');
    }
    expect(writers).toBe(0);
  });

  it('lets two readers run beside a writer', async () => {
    const kinds: JobKind[] = ['archive', 'verify', 'remove', 'restore', 'verify'];
    const ids = kinds.map((kind) => queue.enqueue(kind, {}, told).id);
    await until(() => held.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(ids.map(stateOf)).toEqual(['running', 'running', 'queued', 'running', 'queued']);
  });
});

describe('cancelling', () => {
  it('answers at once and ends the job when it has stopped', async () => {
    const { id } = queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    queue.cancel(id);
    expect(queue.get(id).job).toMatchObject({ state: 'running', progress: { phase: 'stopping' } });
    expect(held[0]!.context.signal.reason).toMatchObject({ code: 'cancelled' });
    await ended(id, 'cancelled');
    expect(queue.get(id).job).not.toHaveProperty('error');
    queue.cancel(id);
    expect(stateOf(id)).toBe('cancelled');
  });

  it('takes a queued job out before it begins', async () => {
    const first = queue.enqueue('archive', {}, told);
    const second = queue.enqueue('archive', {}, told);
    await ended(first.id, 'running');
    queue.cancel(second.id);
    expect(stateOf(second.id)).toBe('cancelled');
    held[0]!.finish();
    await ended(first.id, 'done');
    expect(held.length).toBe(1);
  });

  it('does not undo work that was finished all the same', async () => {
    await queue.close();
    queue = openQueue({
      functions: {
        ...holdAll,
        archive: (context) => new Promise((resolve) => context.signal.addEventListener('abort', () => resolve({ sealed: 1 }))),
      },
    });
    const { id } = queue.enqueue('archive', {}, told);
    await ended(id, 'running');
    queue.cancel(id);
    await ended(id, 'done');
    expect(queue.get(id).job.result).toEqual({ sealed: 1 });
  });

  it('refuses what is not there', () => {
    expect(() => queue.cancel('nothing')).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
  });
});

describe('events', () => {
  it('come at most ten times in any second, however often a job reports, and the last state always', async () => {
    const { id } = queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    while (events.length < 15) {
      for (let call = 0; call < 500; call++)
        held[0]!.context.progress({ phase: 'encode', bytesDone: call, bytesTotal: 500, itemsDone: 0, itemsTotal: 1 });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    held[0]!.context.progress({ phase: 'encode', bytesDone: 499, bytesTotal: 500, itemsDone: 1, itemsTotal: 1 });
    held[0]!.finish();
    await ended(id, 'done');
    for (const { atMs } of events)
      expect(events.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1000).length).toBeLessThanOrEqual(10);
    expect(events.at(-1)!.job).toMatchObject({ state: 'done', progress: { itemsDone: 1 } });
  });

  it('go on where the clock was set back', async () => {
    await queue.close();
    let backMs = 0;
    queue = openQueue({ nowMs: () => Date.now() - backMs });
    const { id } = queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    backMs = 86_400_000;
    held[0]!.context.progress({ phase: 'prove', bytesDone: 1, bytesTotal: 500, itemsDone: 0, itemsTotal: 1 });
    await until(() => events.at(-1)!.job.progress.phase === 'prove');
    queue.hold(id);
    await until(() => events.at(-1)!.job.state === 'paused');
  });

  it('go on while a job says nothing', async () => {
    queue.enqueue('archive', {}, told);
    await until(() => held.length === 1);
    const before = events.length;
    await until(() => events.length > before + 1);
  });
});

describe('other processes', () => {
  const base = {
    kind: 'archive' as const,
    ...told,
    queued: new Date().toISOString(),
    progress: { phase: '', bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, bytesPerSecond: 0 },
  };
  /** A process that has ended: its id is known to be free for a moment. */
  const gone = { host: hostname(), pid: spawnSync(process.execPath, ['--version']).pid, started: '1' };

  function leave(id: string, state: Job['state'], owner: object, keptAtMs = Date.now()): void {
    catalogue.saveJob({ ...base, id, state }, { owner, params: { left: id }, keptAtMs });
  }

  it('that are gone leave interrupted jobs, which can be run again', async () => {
    leave('a', 'running', gone);
    leave('b', 'queued', gone);
    leave('c', 'done', gone);
    const other = openQueue();
    expect(['a', 'b', 'c'].map((id) => other.get(id).job.state)).toEqual(['interrupted', 'queued', 'done']);
    expect(other.retry('a').state).toBe('queued');
    await other.close();
  });

  it('that live keep what they run, those of another machine while they are heard of', async () => {
    leave('a', 'running', thisOwner());
    leave('b', 'running', { host: 'another machine', pid: 1, started: '' });
    leave('c', 'running', { host: 'another machine', pid: 1, started: '' }, Date.now() - 3_600_000);
    const other = openQueue();
    expect(['a', 'b', 'c'].map((id) => other.get(id).job.state)).toEqual(['running', 'running', 'interrupted']);
    expect(() => other.cancel('b')).toThrow(
      expect.objectContaining({ code: 'bad_request', message: expect.stringContaining('another machine') as string }) as Error,
    );
    await other.close();
  });

  it('are not mistaken where their id was given to another process', async () => {
    leave('a', 'running', { ...thisOwner(), started: '0' });
    const other = openQueue();
    expect(other.get('a').job.state).toBe('interrupted');
    await other.close();
  });

  it('leave queued jobs to a service that stays', async () => {
    leave('a', 'queued', gone);
    const other = openQueue({ adopt: true });
    await until(() => held.length === 1);
    expect(held[0]!.params).toEqual({ left: 'a' });
    await other.close();
  });

  it('may leave a queued job that is cancelled by anyone', async () => {
    leave('a', 'queued', gone);
    const other = openQueue();
    other.cancel('a');
    expect(other.get('a').job.state).toBe('cancelled');
    await other.close();
  });

  it('leave an interrupted job behind even where they are killed', () => {
    const script = `
      import { Catalogue } from ${JSON.stringify(path.resolve('core/catalogue/catalogue.ts'))};
      import { JobQueue } from ${JSON.stringify(path.resolve('core/jobs/queue.ts'))};
      const records = Catalogue.open(process.argv[1]);
      const never = () => new Promise(() => setInterval(() => {}, 1000));
      const queue = new JobQueue({ records, functions: { archive: never }, access: {}, onChange: ({ job }) => job.state === 'running' && process.kill(process.pid, 'SIGKILL'), onLog() {}, onProblem() {} });
      queue.enqueue('archive', {}, { title: 't', command: 'c' });`;
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script, path.join(folder, 'catalogue.sqlite')]),
    ).toThrow(/SIGKILL|Command failed/);
    expect(catalogue.jobs(10).map(({ job }) => job.state)).toEqual(['running']);
    expect(
      openQueue()
        .list()
        .map((job) => job.state),
    ).toEqual(['interrupted']);
  });
});

describe('closing', () => {
  it('interrupts what runs, waits for it, keeps what waits, and takes nothing new', async () => {
    const first = queue.enqueue('archive', {}, told);
    const second = queue.enqueue('archive', {}, told);
    await ended(first.id, 'running');
    await queue.close();
    expect(catalogue.jobs(10).map(({ job }) => [job.id, job.state])).toEqual([
      [second.id, 'queued'],
      [first.id, 'interrupted'],
    ]);
    expect(() => queue.enqueue('archive', {}, told)).toThrow(expect.objectContaining({ code: 'cancelled' }) as Error);
  });
});
