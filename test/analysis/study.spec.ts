/** The study of a real chain through the service: from originals, from the store, by the command line, cancelled. */
import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import { toCairnError } from '../../core/contract/errors.ts';
import type { StepMeasures } from '../../core/contract/model.ts';
import { runCli } from '../cli/run-cli.ts';
import { Served, sampleChain } from '../service/served.ts';
import { analyse } from './reference.ts';

let served: Served;
let run: string;
let id: string;
beforeAll(async () => {
  served = await Served.open();
  run = await served.copyChain();
  const { runs } = await served.client.call('sources.scan', { paths: [run] });
  id = runs[0]!.id;
});
afterAll(() => served.release());

const measuresOf = async (step: number, full = false): Promise<StepMeasures> =>
  (await served.client.call('analyse.step', { run: id, step, full })).measures;
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it did not fail',
    (thrown: unknown) => toCairnError(thrown).code,
  );

/** Every tensor of a fixture by name. */
function tensorsOf(step: string): Map<string, Uint8Array> {
  const file = readFileSync(path.join(sampleChain, `step-${step}`, 'model.safetensors'));
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, { data_offsets?: [number, number] }>;
  return new Map(
    Object.entries(header).flatMap(([name, { data_offsets: at }]) =>
      at ? [[name, file.subarray(start + at[0], start + at[1])] as const] : [],
    ),
  );
}

describe('a step', () => {
  it('is measured as plain arithmetic does it from the same files', async () => {
    const [now, before] = [tensorsOf('002400'), tensorsOf('002200')];
    const expected = analyse(
      [...now.values()],
      [...now.keys()].map((name) => before.get(name)!),
      elements.bfloat16,
    );
    const measures = await measuresOf(2400, true);
    expect(measures).toMatchObject({
      step: 2400,
      against: 2200,
      from: 'originals',
      bytesTotal: expected.elements * 2,
      bytesSampled: expected.elements * 2,
    });
    const [kind, ...others] = measures.kinds;
    expect(others).toEqual([]);
    expect(kind).toMatchObject({ kind: 'weights BF16', elements: expected.elements, exponents: [...expected.exponents!] });
    kind!.planes.forEach((bits, plane) => expect(bits).toBeCloseTo(expected.planeBits[plane]! / expected.elements, 9));
    kind!.flips!.forEach((share, bit) => expect(share).toBeCloseTo(expected.bitFlips![bit]! / expected.elements, 12));
    expect(kind!.changed).toBeCloseTo(1 - expected.unchanged! / expected.elements, 12);
    expect(kind!.meanChange).toBeCloseTo(expected.absoluteChange! / expected.finitePairs!, 12);
  });

  it('has its change told by layer, and the first one none', async () => {
    const [before, now] = [tensorsOf('002200'), tensorsOf('002400')];
    const names = [...now.keys()].filter((name) => name.startsWith('transformer.h.0.'));
    const expected = analyse(
      names.map((name) => now.get(name)!),
      names.map((name) => before.get(name)!),
      elements.bfloat16,
    );
    const { layers } = await measuresOf(2400, true);
    const layer = layers.find((one) => one.layer === 'transformer.h.0');
    expect(layer).toMatchObject({ elements: expected.elements });
    expect(layer!.changed).toBeCloseTo(1 - expected.unchanged! / expected.elements, 12);
    const first = await measuresOf(400);
    expect(first).not.toHaveProperty('against');
    for (const one of [...first.layers, ...first.kinds]) expect(one).not.toHaveProperty('changed');
  });

  it('that is not there is refused, and so is a run nobody knows', async () => {
    expect(await codeOf(measuresOf(7))).toBe('not_found');
    expect(await codeOf(served.client.call('analyse.outline', { run: 'no-such-run' }))).toBe('not_found');
  });

  it('is given up when the caller does, and leaves no temporary files', async () => {
    const scratch = async (): Promise<string[]> => (await readdir(tmpdir())).filter((name) => name.startsWith('cairn-analyse-'));
    const known = new Set(await scratch());
    const abort = new AbortController();
    const call = served.client.call('analyse.engines', { run: id }, { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    expect(await codeOf(call)).toBe('cancelled');
    await expect.poll(async () => (await scratch()).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('engines', () => {
  it('are compared on what the tensors hold, and Cairn is not the larger one', async () => {
    const { comparison } = await served.client.call('analyse.engines', { run: id, step: 2400 });
    expect(comparison).toMatchObject({ step: 2400, against: 2200 });
    const stored = (engine: string, mode: string): number =>
      comparison.results.find((result) => result.engine === engine && result.mode === mode)!.bytesStored;
    for (const { bytesOriginal, encodeSeconds, decodeSeconds } of comparison.results) {
      expect(bytesOriginal).toBe([...tensorsOf('002400').values()].reduce((sum, bytes) => sum + bytes.length, 0));
      expect(Math.min(encodeSeconds, decodeSeconds)).toBeGreaterThan(0);
    }
    for (const engine of ['gzip -6', 'brotli -5', 'zstd -3', 'zstd -19'])
      expect(stored('Cairn', 'alone')).toBeLessThan(stored(engine, 'alone'));
    expect(stored('Cairn', 'delta')).toBeLessThan(stored('LMC', 'delta'));
    expect(stored('Cairn', 'delta')).toBeLessThan(stored('Cairn', 'alone'));
  });
});

describe('the command line', () => {
  it('prints one record a step and engine, the last the summary', async () => {
    const { records, exitCode } = await runCli(['analyse', run, '--step', '2200', '2400', '--json'], {
      home: path.join(served.folder, 'cli'),
    });
    expect(exitCode).toBe(0);
    expect(records.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([2200, 2400]);
    expect(records.filter(({ type }) => type === 'engine').length).toBeGreaterThan(6);
    expect(records.at(-1)).toMatchObject({ type: 'summary', run: 'run', steps: 2 });
  });

  it('tells in one line what is not there', async () => {
    const home = path.join(served.folder, 'cli');
    const absent = await runCli(['analyse', 'no-such-run'], { home });
    expect(absent).toMatchObject({ exitCode: 1, stdout: '' });
    expect(absent.stderr).toMatch(/^cairn: no-such-run: no such run; .*\n$/);
    expect(await runCli(['analyse', run, '--step', '3'], { home })).toMatchObject({ exitCode: 1 });
    expect(await runCli(['analyse', run, '--step', 'x'], { home })).toMatchObject({ exitCode: 2 });
  });
});

describe('a run of which only the store is left', () => {
  it('gives the very same figures, and says what each part takes there', async () => {
    const steps = [400, 2000, 2200, 2400];
    const before = await Promise.all(steps.map((step) => measuresOf(step, true)));
    const job = await served.ended(served.client.call('archive.start', { paths: [run] }));
    expect(job.state).toBe('done');
    // The list of runs follows a store that was just made within a moment.
    await expect.poll(async () => (await served.client.call('runs.list', {})).runs[0]?.archived).toBe(steps.length);
    await rm(run, { recursive: true });
    await served.client.call('sources.scan', { paths: [run] });
    const { outline } = await served.client.call('analyse.outline', { run: id });
    expect(outline.steps.map(({ step, onDisk }) => [step, onDisk])).toEqual(steps.map((step) => [step, false]));
    const { snapshots } = await served.client.call('snapshots.list', {});
    for (const { step, stored, bytesOriginal } of outline.steps) {
      const snapshot = snapshots.find((found) => found.step === step)!;
      expect(bytesOriginal).toBe(snapshot.bytesOriginal);
      expect(stored!.weights).toBeGreaterThan(0);
      expect(stored!.optimizer).toBe(0);
      expect(stored!.weights + stored!.other).toBeLessThanOrEqual(snapshot.bytesStored);
    }
    for (const [index, step] of steps.entries()) expect(await measuresOf(step, true)).toEqual({ ...before[index], from: 'store' });
  });
});
