/** Commands before and after a job: real processes, which no shell starts, whose failures are loud. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Job } from '../../core/contract/model.ts';
import { runHook } from '../../core/jobs/hooks.ts';
import { Served } from '../service/served.ts';

let served: Served;
let chain: string;
beforeEach(async () => {
  served = await Served.open(undefined, { stays: true });
  chain = await served.copyChain();
});
afterEach(() => served.release());

const at = (name: string): string => path.join(served.folder, name);
/** Writes its arguments and its standard input to a file, and ends with a code. */
const program = `const fs = require('fs'); const [file, code, ...words] = process.argv.slice(1);
fs.writeFileSync(file, JSON.stringify({ words, job: JSON.parse(fs.readFileSync(0, 'utf8')) })); console.error('said so'); process.exit(Number(code))`;
const hook = (file: string, code = 0, ...words: string[]): string[] => [process.execPath, '-e', program, at(file), String(code), ...words];
const written = (file: string): { words: string[]; job: Job } =>
  JSON.parse(readFileSync(at(file), 'utf8')) as { words: string[]; job: Job };

async function run(hooks: object): Promise<Job> {
  const draft = { name: 'nightly', paths: [chain], trigger: { kind: 'interval' as const, minutes: 600 }, policy: { hooks } };
  const { schedule } = await served.client.call('schedules.save', { draft });
  const { job } = await served.client.call('schedules.run', { id: schedule.id });
  return served.ended(Promise.resolve({ job: job! }));
}

it('they hear of the job as JSON, and their words reach them as they are, whatever a shell would make of them', async () => {
  const evil = ['; touch gone', '$(id)', '`id`', '&& false', "it's", '"', '*'];
  const job = await run({ before: hook('before', 0, ...evil), after: hook('after') });
  expect(job.state).toBe('done');
  expect(written('before')).toMatchObject({ words: evil, job: { id: job.id, state: 'running', title: 'nightly: archive 4 checkpoints' } });
  expect(written('after')).toMatchObject({ words: [], job: { id: job.id, state: 'done', result: { snapshots: { length: 4 } } } });
});

it('one that fails before keeps the job from doing anything', async () => {
  const job = await run({ before: hook('before', 3), after: hook('after') });
  expect(job).toMatchObject({ state: 'failed', error: { code: 'io' } });
  expect(job.error!.message).toMatch(/^the command before the job failed, .*it ended with 3: said so; nothing was done$/);
  expect([existsSync(at('after')), (await served.client.call('snapshots.list', {}).catch(() => ({ snapshots: [] }))).snapshots]).toEqual([
    false,
    [],
  ]);
});

it('one that fails afterwards makes the job fail, with the record of what it did', async () => {
  const job = await run({ after: hook('after', 1) });
  expect(job).toMatchObject({ state: 'failed', result: { snapshots: { length: 4 } } });
  expect(job.error!.message).toMatch(/^the command after the job failed, .*it ended with 1: said so$/);
});

it('the one after hears of a failure too, and the job keeps its own', async () => {
  writeFileSync(path.join(chain, 'step-002200', 'model.safetensors'), 'cut');
  const params = { paths: [chain], hooks: { after: hook('after', 1) } };
  const job = await served.ended(served.client.call('archive.start', params));
  expect(job).toMatchObject({ state: 'failed', error: { code: 'bad_input' } });
  expect(written('after').job).toMatchObject({ state: 'failed', error: { code: 'bad_input' }, result: { snapshots: { length: 3 } } });
});

/** Leaves a process behind that has its standard error, and is in no group of its own where that is asked for. */
const leaving = (detached: boolean, then: string): string[] => [
  process.execPath,
  '-e',
  `const child = require('child_process').spawn(process.execPath, ['-e', "console.log(process.pid); setTimeout(() => {}, 120000)"],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: ${detached} });
  child.stdout.once('data', (pid) => { require('fs').writeFileSync(${JSON.stringify(at('left'))}, pid); ${then} })`,
];
const leftBehind = (): number => Number(readFileSync(at('left'), 'utf8'));

it('one that leaves a process behind has ended when it has, and what it left lives on', async () => {
  const signal = new AbortController().signal;
  await runHook({ command: leaving(false, 'process.exit(0)'), record: {}, timeoutMs: 60_000, signal });
  process.kill(leftBehind(), 'SIGKILL');
});

it('one that is cancelled ends at once, though a process that it left has its standard error', async () => {
  const controller = new AbortController();
  const running = runHook({ command: leaving(true, ''), record: {}, timeoutMs: 60_000, signal: controller.signal });
  await expect.poll(() => existsSync(at('left')) && leftBehind() > 0).toBe(true);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  process.kill(leftBehind(), 'SIGKILL');
});

it('one that says megabytes and reads nothing ends as it does', async () => {
  const signal = new AbortController().signal;
  const loud = `process.stdin.destroy(); process.stderr.write('x'.repeat(8 << 20) + '\\nat last\\n', () => process.exit(4))`;
  const record = { words: 'y'.repeat(4 << 20) };
  await expect(runHook({ command: [process.execPath, '-e', loud], record, timeoutMs: 60_000, signal })).rejects.toThrow(
    /it ended with 4: at last$/,
  );
});

it('one that is not there, or takes too long, fails in one line; what it started goes with it', async () => {
  const signal = new AbortController().signal;
  await expect(runHook({ command: [at('absent')], record: {}, timeoutMs: 1000, signal })).rejects.toMatchObject({ code: 'not_found' });
  const starts = `require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' })`;
  const slow = [process.execPath, '-e', starts];
  await expect(runHook({ command: slow, record: {}, timeoutMs: 300, signal })).rejects.toThrow(/it took longer than 0.3 s/);
});
