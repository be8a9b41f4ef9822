/** Jobs that another process of the home has: they are steered and followed from here, and not lost where that process ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../core/contract/model.ts';
import { runCli, startCli } from '../cli/run-cli.ts';
import { bytesOf, weights, writeStep } from '../jobs/files.ts';
import { Served, writeRun } from './served.ts';

const root = path.resolve(import.meta.dirname, '../..');
let here: Served;
let there: ChildProcess | undefined;
let chain: string;

beforeEach(async () => {
  here = await Served.open(undefined, { stays: true });
  chain = path.join(here.folder, 'run');
  mkdirSync(chain);
  for (const step of [100, 200, 300]) {
    const values = weights(3_000_000, step);
    writeStep(chain, step, [{ name: 'weight', dtype: 'F32', shape: [values.length], bytes: bytesOf(values) }]);
  }
});
afterEach(async () => {
  there?.kill('SIGKILL');
  there = undefined;
  await here.release();
});

const home = (): string => path.join(here.folder, 'home');
const jobOf = async (id: string): Promise<Job> => (await here.client.call('jobs.get', { id })).job;
const inState = (id: string, state: Job['state']): Promise<void> =>
  expect.poll(async () => (await jobOf(id)).state, { interval: 10 }).toBe(state);

/** Another service that stays, in a process of its own, which archives the chain. */
async function startThere(): Promise<string> {
  const seen = here.collect('job.changed');
  const params = JSON.stringify({ paths: [chain], threads: 1 });
  there = spawn(process.execPath, [path.join(root, 'test/jobs/service-process.ts'), home(), here.storePath, params], { stdio: 'ignore' });
  await expect.poll(() => seen.some(({ job }) => job.state === 'running')).toBe(true);
  return seen.at(-1)!.job.id;
}

/** So that the job can be caught at work. */
async function slowDown(bytesPerSecond: number | undefined = 2 ** 21): Promise<void> {
  const { manners } = await here.client.call('manners.get', {});
  await here.client.call('manners.set', { manners: { ...manners, bytesPerSecond } });
}

const cli = (...args: string[]): ReturnType<typeof runCli> => runCli([...args, '--store', here.storePath], { home: home() });

describe('a job of another process', () => {
  it('is told of here from its beginning to its end, with its log', async () => {
    await slowDown(24 * 2 ** 20);
    const [seen, lines] = [here.collect('job.changed'), here.collect('job.log')];
    const id = await startThere();
    await inState(id, 'done');
    await expect.poll(() => seen.at(-1)?.job.state).toBe('done');
    expect(seen.every(({ job }) => job.id === id && job.elsewhere === (job.state === 'done' ? undefined : true))).toBe(true);
    await expect.poll(() => lines.filter(({ line }) => line.message.includes('sealed as')).length).toBe(3);
  });

  it('is paused, resumed and cancelled from here, however long its next piece has to wait', async () => {
    await slowDown();
    const id = await startThere();
    await slowDown(2 ** 16);
    for (const [act, state] of [
      ['jobs.pause', 'paused'],
      ['jobs.resume', 'running'],
      ['jobs.cancel', 'cancelled'],
    ] as const) {
      await here.client.call(act, { id });
      await inState(id, state);
    }
  });

  it('answers in its own words where something can not be', async () => {
    await slowDown();
    const id = await startThere();
    await expect(here.client.call('jobs.move', { id, to: 'first' })).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('has begun') as string,
    });
    await here.client.call('jobs.threads', { id, threads: 2 });
  });

  it('is said not to answer where that process does not', async () => {
    await slowDown();
    const id = await startThere();
    there!.kill('SIGSTOP');
    await expect(here.client.call('jobs.pause', { id })).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('does not answer') as string,
    });
    there!.kill('SIGCONT');
    await here.client.call('jobs.cancel', { id });
    await inState(id, 'cancelled');
  });

  it('is gone on with here where that process is killed', async () => {
    await slowDown();
    const id = await startThere();
    there!.kill('SIGKILL');
    await slowDown(2 ** 40);
    await inState(id, 'interrupted');
    const { jobs } = await here.client.call('jobs.list', {});
    const next = jobs.find(({ resumes }) => resumes === id)!;
    await inState(next.id, 'done');
  });
});

describe('schedules', () => {
  it('that another process adds, turns and runs are told of here', async () => {
    const seen = here.collect('schedules.changed');
    const told = async (act: Promise<{ exitCode: number | null }>): Promise<void> => {
      const before = seen.length;
      expect((await act).exitCode).toBe(0);
      await expect.poll(() => seen.length).toBeGreaterThan(before);
    };
    const nobody = 'nothing runs schedules now';
    expect((await here.client.call('schedules.list', {})).evaluated).toBe(true);
    expect((await cli('schedule', 'ls')).stdout).not.toContain(nobody);
    const alone = await runCli(['schedule', 'add', 'alone', chain, '--every', '60'], { home: path.join(here.folder, 'alone') });
    expect(alone.stdout).toContain(nobody);
    expect((await runCli(['schedule', 'ls'], { home: path.join(here.folder, 'alone') })).stdout).toContain(nobody);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await told(cli('schedule', 'add', 'nightly', chain, '--cron', '0 0 29 2 *', '--runs', 'none'));
    await told(cli('schedule', 'off', 'nightly'));
    expect((await here.client.call('schedules.list', {})).schedules).toMatchObject([{ name: 'nightly', enabled: false }]);
    await told(cli('schedule', 'add', 'nightly', chain, '--replace', '--every', '60', '--runs', 'none'));
    expect((await here.client.call('schedules.list', {})).schedules).toMatchObject([{ enabled: true, trigger: { minutes: 60 } }]);
    await told(cli('schedule', 'run', 'nightly'));
    const pauses = here.collect('queue.changed');
    await cli('jobs', '--pause', '--for', '60');
    await expect.poll(() => pauses.at(-1)?.pause?.until).toBeDefined();
  });

  it('that can not be read any more hold their jobs, with the reason, and end no service', async () => {
    await slowDown();
    const { schedule } = await here.client.call('schedules.save', {
      draft: { name: 'hourly', paths: [chain], trigger: { kind: 'idle', minutes: 1 }, policy: {} },
    });
    const job = here.service.queue.enqueue(
      'archive',
      { paths: [chain], steps: [100] },
      { title: 't', command: 'c', schedule: schedule.name },
    );
    await inState(job.id, 'running');
    const file = path.join(home(), 'schedules.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, '{');
    await inState(job.id, 'paused');
    expect((await jobOf(job.id)).reason).toMatch(/schedules\.json: not valid JSON; correct the file/);
    writeFileSync(file, text);
    await inState(job.id, 'running');
  });
});

describe('the command line', () => {
  it('pauses, moves, resumes and cancels what the service has', async () => {
    await here.client.call('jobs.pause', {});
    const start = async (): Promise<string> => (await here.client.call('archive.start', { paths: [chain] })).job.id;
    const [first, second] = [await start(), await start()];
    expect((await cli('jobs', second, '--move', 'first')).exitCode).toBe(0);
    const orders = await Promise.all([first, second].map(async (id) => (await jobOf(id)).order!));
    expect(orders[1]).toBeLessThan(orders[0]!);
    expect((await cli('jobs', first, '--pause', '--for', '60')).stdout).toMatch(/paused, paused by the user/);
    expect((await cli('jobs', first, '--cancel')).stdout).toContain('cancelled');
    expect((await cli('jobs', '--resume')).exitCode).toBe(0);
    await inState(second, 'done');
  });

  it('says that a job which ran is cancelled, once it is', async () => {
    await slowDown();
    const { job } = await here.client.call('archive.start', { paths: [chain] });
    await inState(job.id, 'running');
    expect((await cli('jobs', job.id, '--cancel')).stdout).toBe(`${job.id}  cancelled\n`);
  });

  it('that watches leaves what was cancelled until there is something new', async () => {
    await slowDown();
    const old = new Date(Date.now() - 3_600_000);
    for (const name of readdirSync(chain, { recursive: true, encoding: 'utf8' })) utimesSync(path.join(chain, name), old, old);
    const last = path.join(chain, 'step-000300');
    const aside = path.join(here.folder, 'aside');
    renameSync(last, aside);
    const { child, ended } = startCli(['archive', chain, '--watch', '--store', here.storePath], { home: home() });
    const jobs = async (): Promise<Job[]> => (await here.client.call('jobs.list', {})).jobs;
    await expect.poll(async () => (await jobs())[0]?.state).toBe('running');
    await here.client.call('jobs.cancel', { id: (await jobs())[0]!.id });
    await inState((await jobs())[0]!.id, 'cancelled');
    writeFileSync(path.join(chain, 'note.txt'), 'makes it look');
    await new Promise((resolve) => setTimeout(resolve, 7000));
    expect((await jobs()).length).toBe(1);
    renameSync(aside, last);
    await expect.poll(async () => (await jobs())[0]?.state).toBe('running');
    child.kill('SIGINT');
    await ended;
  });

  it('that watches leaves what failed until it changes or its time has come, and archives what is new', async () => {
    const old = new Date(Date.now() - 3_600_000);
    const settle = (folder: string): void => {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) utimesSync(path.join(folder, name), old, old);
    };
    settle(chain);
    expect((await here.ended(here.client.call('archive.start', { paths: [chain] }))).state).toBe('done');
    const packs = path.join(here.storePath, 'packs');
    for (const entry of readdirSync(packs, { recursive: true, withFileTypes: true }).filter((found) => found.isFile())) {
      const file = path.join(entry.parentPath, entry.name);
      const pack = readFileSync(file);
      pack[pack.length >> 1]! ^= 1;
      writeFileSync(file, pack);
    }
    // The same contents again: what the store has of them is damaged there.
    const again = path.join(here.folder, 'again');
    cpSync(path.join(chain, 'step-000300'), path.join(again, 'step-000300'), { recursive: true });
    settle(again);
    const { child, ended } = startCli(['archive', again, '--watch', '--store', here.storePath], { home: home() });
    let said = '';
    child.stderr!.on('data', (text: string) => (said += text));
    const left = `${path.join(again, 'step-000300')}: left until it changes, or for 1 min`;
    await expect.poll(() => said).toContain(left);
    await writeRun(path.join(again, 'aside'), 'other', 1000);
    settle(path.join(again, 'aside'));
    renameSync(path.join(again, 'aside', 'step-1'), path.join(again, 'step-000400'));
    const jobs = async (): Promise<Job[]> => (await here.client.call('jobs.list', {})).jobs;
    await expect.poll(async () => (await jobs())[0]?.result?.['snapshots']).toMatchObject([{ step: 400 }]);
    expect((await jobs())[0]).toMatchObject({ state: 'done', result: { errors: [], skipped: [] } });
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(1);
    expect(said.split(left).length).toBe(2);
  });

  it('ends the pause of single jobs too when everything is to go on', async () => {
    await here.client.call('jobs.pause', {});
    const { job } = await here.client.call('archive.start', { paths: [chain] });
    await here.client.call('jobs.pause', { id: job.id });
    expect((await cli('jobs', '--resume')).exitCode).toBe(0);
    await inState(job.id, 'done');
  });
});
