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

it('one that is not there, or takes too long, fails in one line; what it started goes with it', async () => {
  const signal = new AbortController().signal;
  await expect(runHook({ command: [at('absent')], record: {}, timeoutMs: 1000, signal })).rejects.toMatchObject({ code: 'not_found' });
  const starts = `require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' })`;
  const slow = [process.execPath, '-e', starts];
  await expect(runHook({ command: slow, record: {}, timeoutMs: 300, signal })).rejects.toThrow(/it took longer than 0.3 s/);
});
