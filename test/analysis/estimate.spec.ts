/** What archiving is said to take, against what it then takes: within the bounds stated here, from samples and from the run's own snapshots. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunEstimate } from '../../core/contract/model.ts';
import { runCli } from '../cli/run-cli.ts';
import { bytesOf, safetensors, weights, type TestTensor } from '../jobs/files.ts';
import { Served } from '../service/served.ts';

/** Share of the real size that an estimate may be off. */
const bound = 0.05;

let served: Served;
let stored: number;
beforeEach(async () => {
  stored = 0;
  served = await Served.open();
});
afterEach(() => served.release());

const tensor = (name: string, values: Float32Array): TestTensor => ({ name, dtype: 'F32', shape: [values.length], bytes: bytesOf(values) });

/** The upper half of each, rounded to even: what trainers keep beside their masters. */
function rounded(name: string, values: Float32Array): TestTensor {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
  return { name, dtype: 'BF16', shape: [halves.length], bytes: new Uint8Array(halves.buffer) };
}

/** Full training state: masters whose changes become smaller, their bf16 copies, moments, a remainder that is text. */
function writeTraining(run: string, steps: number, count: number): void {
  let master = weights(count, 7);
  for (let step = 1; step <= steps; step++) {
    const drift = weights(count, step * 31).map((value) => (value * 0.02) / step);
    master = master.map((value, index) => value + drift[index]!);
    const folder = path.join(run, `checkpoint-${step}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'model.safetensors'), safetensors([rounded('model.layers.0.weight', master)]));
    const squares = weights(count, step * 17 + 5).map((value) => value * value * 1e-4);
    const state = [
      tensor('fp32.layers.0.weight', master),
      tensor('state.layers.0.weight.exp_avg', weights(count, step * 13 + 3)),
      tensor('state.layers.0.weight.exp_avg_sq', squares),
    ];
    writeFileSync(path.join(folder, 'optimizer.safetensors'), safetensors(state));
    writeFileSync(path.join(folder, 'trainer_state.json'), JSON.stringify({ global_step: step, log_history: [] }));
  }
}

const scanned = async (run: string): Promise<string> => (await served.client.call('sources.scan', { paths: [run] })).runs[0]!.id;
const estimateOf = async (run: string): Promise<RunEstimate> => (await served.client.call('analyse.estimate', { run })).estimate;

/** Archives all or some steps; what they took, all told. */
async function archived(run: string, steps?: number[]): Promise<number> {
  const job = await served.ended(served.client.call('archive.start', { paths: [run], ...(steps ? { steps } : {}) }));
  expect(job.state).toBe('done');
  await served.client.call('sources.scan', { paths: [run] });
  stored += (job.result!['snapshots'] as unknown[]).length;
  await expect.poll(async () => (await served.client.call('runs.list', {})).runs[0]?.archived).toBe(stored);
  return Number(job.result!['bytesStored']);
}

const off = (estimate: number, real: number): number => Math.abs(estimate / real - 1);

describe('of a run of which nothing is archived, the estimate', () => {
  it('is within five per cent of what the sample chain takes', async () => {
    const run = await served.copyChain();
    const estimate = await estimateOf(await scanned(run));
    expect(estimate).toMatchObject({ steps: 4, basis: 'sampled', stepsMeasured: 4 });
    expect(estimate.bytesSampled).toBeGreaterThan(0);
    expect(off(estimate.bytesEstimated, await archived(run))).toBeLessThan(bound);
  });

  it('is within five per cent of what full training state takes, of which it has read a part', async () => {
    const run = path.join(served.folder, 'training');
    writeTraining(run, 12, 700_000);
    const estimate = await estimateOf(await scanned(run));
    expect(estimate).toMatchObject({ steps: 12, basis: 'sampled' });
    expect(estimate.stepsMeasured).toBeLessThan(12);
    expect(estimate.bytesSampled).toBeLessThan(estimate.bytesOriginal);
    expect(off(estimate.bytesEstimated, await archived(run))).toBeLessThan(bound);
    expect(await estimateOf(estimate.id)).toMatchObject({ steps: 0, bytesOriginal: 0, bytesEstimated: 0, basis: 'nothing' });
  });

  it('is that of a dry run too, step by step', async () => {
    const run = path.join(served.folder, 'training');
    writeTraining(run, 4, 600_000);
    const { plan } = await served.client.call('archive.plan', { paths: [run] });
    const job = await served.ended(served.client.call('archive.start', { paths: [run] }));
    const snapshots = job.result!['snapshots'] as { bytesStored: number }[];
    plan.items.forEach(({ bytesEstimated }, index) => expect(off(bytesEstimated, snapshots[index]!.bytesStored)).toBeLessThan(bound));
  });

  it('counts what is in no tensor, of files that nothing is known of', async () => {
    const run = await served.copyChain();
    const text = Buffer.from('the same words again and again, '.repeat(100_000));
    for (const step of ['000400', '002400']) writeFileSync(path.join(run, `step-${step}`, 'notes.dat'), Buffer.concat([text, readFileSync(path.join(run, `step-${step}`, 'model.safetensors'))])); // prettier-ignore
    const estimate = await estimateOf(await scanned(run));
    expect(off(estimate.bytesEstimated, await archived(run))).toBeLessThan(0.25);
  });
});

describe('of a run that is archived in part, the estimate', () => {
  it('is made of what its own snapshots took, within five per cent', async () => {
    const run = path.join(served.folder, 'training');
    writeTraining(run, 12, 200_000);
    const id = await scanned(run);
    await archived(run, [1, 2, 3, 4, 5, 6]);
    const estimate = await estimateOf(id);
    expect(estimate).toMatchObject({ steps: 6, basis: 'measured', stepsMeasured: 6, bytesSampled: 0 });
    expect(off(estimate.bytesEstimated, await archived(run))).toBeLessThan(bound);
  });

  it('is sampled while too little of it is archived, against what is still on disk', async () => {
    const run = await served.copyChain();
    const id = await scanned(run);
    await archived(run, [400, 2000]);
    const estimate = await estimateOf(id);
    expect(estimate).toMatchObject({ steps: 2, basis: 'sampled', stepsMeasured: 2 });
    expect(off(estimate.bytesEstimated, await archived(run))).toBeLessThan(bound);
  });
});

it('a step that went away is passed over, and where all went the reason is told', async () => {
  const [run, gone] = [await served.copyChain(), await served.copyChain('gone')];
  const [id, other] = [await scanned(run), await scanned(gone)];
  rmSync(path.join(run, 'step-000400'), { recursive: true });
  expect(await estimateOf(id)).toMatchObject({ steps: 4, basis: 'sampled', stepsMeasured: 2 });
  rmSync(gone, { recursive: true });
  await expect(estimateOf(other)).rejects.toMatchObject({ code: 'not_found' });
});

describe('the command line', () => {
  it('has it as a record and in the summary of a run, and of all runs where none is named', async () => {
    const run = await served.copyChain();
    const options = { home: path.join(served.folder, 'cli') };
    const { records, exitCode } = await runCli(['analyse', run, '--step', '2400', '--no-engines', '--json'], options);
    expect(exitCode).toBe(0);
    const estimate = records.find(({ type }) => type === 'estimate')!;
    expect(estimate).toMatchObject({ name: 'run', steps: 4, basis: 'sampled' });
    const { type: _, ...members } = estimate;
    expect(records.at(-1)).toMatchObject({ type: 'summary', estimate: members });
    const all = await runCli(['analyse', '--json'], options);
    expect(all.records.map(({ type }) => type)).toEqual(['estimate', 'summary']);
    expect(all.records.at(-1)).toMatchObject({ runs: 1, steps: 4, bytesEstimated: estimate['bytesEstimated'] });
    const words = await runCli(['analyse'], options);
    expect(words.stdout).toMatch(/samples of 4 steps, .*\n4 steps not archived, .*: would take about .* in the store; about .* less once originals are released\n$/); // prettier-ignore
  });

  it('goes on with the other runs where one can not be read, and fails', async () => {
    const options = { home: path.join(served.folder, 'cli') };
    const [run, gone] = [await served.copyChain(), await served.copyChain('gone')];
    for (const place of [run, gone]) expect((await runCli(['scan', place], options)).exitCode).toBe(0);
    rmSync(gone, { recursive: true });
    const { records, exitCode, stderr } = await runCli(['analyse', '--json'], options);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^cairn: .*gone.*: no checkpoint is there any more.*\n$/);
    expect(records.at(-1)).toMatchObject({ type: 'summary', runs: 1, steps: 4, errors: [{ code: 'not_found' }] });
  });
});
