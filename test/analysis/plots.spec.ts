/**
 * Every plot of Insights against numbers that are computed here, plainly, from the same tensors' bytes and from the store's own files:
 * what goes over the service is put into the tables that the charts draw, and each cell is compared.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync, zstdCompress } from 'node:zlib';
import { promisify } from 'node:util';
import { blake3 } from '@noble/hashes/blake3.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { elements } from '../../core/codec/elements.ts';
import type { EngineComparison, RunOutline, StepMeasures } from '../../core/contract/model.ts';
import * as tables from '../../renderer/views/insights/insight-tables.ts';
import { readManifest, type Manifest } from '../decoder/manifest.ts';
import { readPack, type Entry } from '../decoder/pack.ts';
import { bytesOf, safetensors, weights, type TestTensor } from '../jobs/files.ts';
import { code, Folder } from '../native/coding.ts';
import { patienceMs } from '../patience.ts';
import { Served } from '../service/served.ts';
import { analyse } from './reference.ts';

const steps = [10, 20, 30];
const layers = { 'model.layers.0': 70_000, 'model.layers.1': 9_000, 'lm_head': 4_000 }; // prettier-ignore
const stepFiles = new Map<number, Record<string, TestTensor[]>>();

let served: Served;
let run: string;
let id: string;
let outline: RunOutline;
let measures: StepMeasures[];

const tensor = (name: string, values: Float32Array): TestTensor => ({ name, dtype: 'F32', shape: [values.length], bytes: bytesOf(values) });

/** Weights that drift, the last layer frozen from the second step on; moments beside them, and a text. */
function writeRun(): void {
  const before = new Map<string, Float32Array>();
  for (const [index, step] of steps.entries()) {
    const model = Object.entries(layers).map(([layer, count], at) => {
      const frozen = layer === 'lm_head' && index > 1;
      const values = frozen ? before.get(layer)! : weights(count, step * 10 + at, before.get(layer));
      before.set(layer, values);
      return tensor(`${layer}.weight`, values);
    });
    const moments = ['exp_avg', 'exp_avg_sq'].map((moment, at) =>
      tensor(
        `state.0.${moment}`,
        weights(6000, step + at).map((value) => (at === 0 ? value : value * value)),
      ),
    );
    const files = { 'model.safetensors': model, 'optimizer.safetensors': moments };
    stepFiles.set(step, files);
    const folder = path.join(run, `checkpoint-${step}`);
    mkdirSync(folder, { recursive: true });
    for (const [name, tensors] of Object.entries(files)) writeFileSync(path.join(folder, name), safetensors(tensors));
    writeFileSync(path.join(folder, 'trainer_state.json'), JSON.stringify({ global_step: step, log_history: [] }));
  }
}

const modelOf = (step: number): TestTensor[] => stepFiles.get(step)!['model.safetensors']!;
const momentOf = (step: number, moment: string): TestTensor =>
  stepFiles.get(step)!['optimizer.safetensors']!.find(({ name }) => name.endsWith(moment))!;
const closeTo = (value: number) => expect.closeTo(value, 10);

beforeAll(async () => {
  served = await Served.open();
  run = path.join(served.folder, 'run');
  writeRun();
  id = (await served.client.call('sources.scan', { paths: [run] })).runs[0]!.id;
  expect(await served.ended(served.client.call('archive.start', { paths: [run] }))).toMatchObject({ state: 'done' });
  await vi.waitFor(async () => expect((await served.client.call('runs.list', {})).runs[0]?.archived).toBe(steps.length), patienceMs);
  outline = (await served.client.call('analyse.outline', { run: id })).outline;
  measures = [];
  for (const step of steps) measures.push((await served.client.call('analyse.step', { run: id, step, full: true })).measures);
});
afterAll(() => served.release());

describe('stored size by part', () => {
  const entries = new Map<string, Entry>();
  const manifests: Manifest[] = [];
  const storedOf = (digest: string): number => entries.get(digest)!.blocks.reduce((sum, { length }) => sum + length, 0);

  beforeAll(() => {
    for (const name of readdirSync(path.join(served.storePath, 'packs'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.pack')) continue;
      const pack = readPack(readFileSync(path.join(served.storePath, 'packs', name)), path.basename(name, '.pack'));
      for (const entry of pack.entries) entries.set(entry.digest, entry);
    }
    const folder = path.join(served.storePath, 'snapshots');
    for (const name of readdirSync(folder)) manifests.push(readManifest(readFileSync(path.join(folder, name)), path.basename(name, '.manifest'))); // prettier-ignore
    manifests.sort((a, b) => a.step - b.step);
  });

  it('is what the packs hold of the digests of the very tensors, each counted where it came first', () => {
    const seen = new Set<string>();
    const take = (digest: string): number => (seen.has(digest) ? 0 : (seen.add(digest), storedOf(digest)));
    const rows = steps.map((step, index) => {
      const partOf = (file: string): number =>
        stepFiles.get(step)![file]!.reduce((sum, { bytes }) => sum + take(Buffer.from(blake3(bytes)).toString('hex')), 0);
      const [model, optimizer] = [partOf('model.safetensors'), partOf('optimizer.safetensors')];
      const other = manifests[index]!.blobs.reduce((sum, digest) => sum + take(digest), 0);
      const folder = path.join(run, `checkpoint-${step}`);
      const original = readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
      return [step, model, optimizer, other, original];
    });
    expect(tables.sizesTable(outline).rows).toEqual(rows);
    for (const [, model, optimizer, other] of rows) expect(Math.min(model!, optimizer!, other!)).toBeGreaterThan(0);
    // Nothing is counted twice, and nothing left out.
    const all = rows.flatMap((row) => row.slice(1, 4)).reduce((sum, bytes) => sum + bytes, 0);
    expect(all).toBe([...entries.keys()].reduce((sum, digest) => sum + storedOf(digest), 0));
  });
});

/** Entropy of one byte plane in blocks of 64 KiB, weighed by their lengths, by the definition. */
function planeEntropy(bytes: Uint8Array, plane: number): { bits: number; count: number } {
  const own = Uint8Array.from({ length: bytes.length / 4 }, (_, index) => bytes[index * 4 + plane]!);
  let bits = 0;
  for (let start = 0; start < own.length; start += 65_536) {
    const block = own.subarray(start, start + 65_536);
    const counts = new Array<number>(256).fill(0);
    for (const byte of block) counts[byte]! += 1;
    for (const count of counts) if (count > 0) bits -= count * Math.log2(count / block.length);
  }
  return { bits, count: own.length };
}

describe('entropy by byte plane', () => {
  it.each([
    ['weights F32', (step: number) => modelOf(step)],
    ['exp_avg F32', (step: number) => [momentOf(step, 'exp_avg')]],
    ['exp_avg_sq F32', (step: number) => [momentOf(step, 'exp_avg_sq')]],
  ])('of %s is that of blocks of 64 KiB of each tensor', (kind, tensorsOf) => {
    const rows = steps.map((step) => [
      step,
      ...[3, 2, 1, 0].map((plane) => {
        const found = tensorsOf(step).map(({ bytes }) => planeEntropy(bytes, plane));
        return closeTo(found.reduce((sum, { bits }) => sum + bits, 0) / found.reduce((sum, { count }) => sum + count, 0));
      }),
    ]);
    expect(tables.entropyTable(measures, kind)).toEqual({ columns: ['Step', 'Byte 3', 'Byte 2', 'Byte 1', 'Byte 0'], rows });
  });
});

const wordsOf = ({ bytes }: TestTensor): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const floatsOf = ({ bytes }: TestTensor): Float32Array => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

describe('bits that flip', () => {
  it('are counted for each position and step', () => {
    const rows = steps.slice(1).map((step, index) => {
      const flips = new Array<number>(32).fill(0);
      let count = 0;
      modelOf(step).forEach((now, at) => {
        const [words, before] = [wordsOf(now), wordsOf(modelOf(steps[index]!)[at]!)];
        count += words.length;
        words.forEach((word, element) => {
          for (let bit = 0; bit < 32; bit++) flips[bit]! += ((word ^ before[element]!) >>> bit) & 1;
        });
      });
      return [step, ...flips.toReversed().map((flipped) => closeTo(flipped / count))];
    });
    const table = tables.flipsTable(measures, 'weights F32');
    expect(table.columns).toEqual(['Step', ...Array.from({ length: 32 }, (_, index) => `Bit ${31 - index}`)]);
    expect(table.rows).toEqual(rows);
  });
});

describe('change by layer', () => {
  const changes = (layer: string, index: number): { changed: number; meanChange: number } => {
    const at = Object.keys(layers).indexOf(layer);
    const [now, before] = [modelOf(steps[index + 1]!)[at]!, modelOf(steps[index]!)[at]!];
    const [words, wordsBefore, values, valuesBefore] = [wordsOf(now), wordsOf(before), floatsOf(now), floatsOf(before)];
    const changed = words.reduce((sum, word, element) => sum + Number(word !== wordsBefore[element]), 0);
    const moved = values.reduce((sum, value, element) => sum + Math.abs(value - valuesBefore[element]!), 0);
    return { changed: changed / words.length, meanChange: moved / words.length };
  };

  it.each(['changed', 'meanChange'] as const)('is that of each layer at each step (%s), none where it is frozen', (metric) => {
    const names = ['lm_head', 'model.layers.0', 'model.layers.1'];
    const rows = steps.slice(1).map((step, index) => [step, ...names.map((layer) => closeTo(changes(layer, index)[metric]))]);
    const table = tables.layersTable(measures, metric);
    expect(table).toEqual({ columns: ['Step', ...names], rows });
    expect(table.rows.at(-1)![1]).toBe(0);
    expect(Number(table.rows[0]![1])).toBeGreaterThan(0);
  });
});

describe('exponents', () => {
  it.each(steps)('of step %i are how many elements lie between two powers of two', (step) => {
    const counts = new Map<string, number>();
    let total = 0;
    for (const one of modelOf(step)) {
      for (const value of floatsOf(one)) {
        const size = Math.abs(value);
        const name = size < 2 ** -126 ? tables.zeroRow : String(Math.floor(Math.log2(size)));
        counts.set(name, (counts.get(name) ?? 0) + 1);
        total++;
      }
    }
    const found = tables.exponentsTable(measures[steps.indexOf(step)], 'weights F32').rows;
    const expected = [...counts].map(([name, count]) => [name, count, closeTo(count / total)]);
    expect(found.filter(([, count]) => count !== 0)).toEqual(expect.arrayContaining(expected));
    expect(found.reduce((sum, row) => sum + Number(row[1]), 0)).toBe(total);
  });

  it('are the same by the plain reader of float formats', () => {
    const expected = analyse(modelOf(20).map(({ bytes }) => bytes), undefined, elements.float32); // prettier-ignore
    expect(measures[1]!.kinds.find(({ kind }) => kind === 'weights F32')!.exponents).toEqual([...expected.exponents!]);
  });
});

describe('engines', () => {
  const folder = new Folder();
  afterAll(() => folder.remove());

  /** What each engine makes of the same sample, run here. */
  async function expectSizes(comparison: EngineComparison, kind: string, now: Uint8Array, before: Uint8Array): Promise<void> {
    const base = { file: { path: folder.file(before), offset: 0, length: before.length } };
    const coded = (method: 'lmc' | 'cairn', more = {}): number =>
      code(folder, now, { element: elements.float32, method, ...more }).stored.length;
    // Not at once: then the length would be known, and written into the frame.
    const zstd = async (level: number): Promise<number> =>
      (await promisify(zstdCompress)(now, { params: { [constants.ZSTD_c_compressionLevel]: level } })).length;
    const expected: [engine: string, mode: string, stored: number][] = [
      ['gzip -6', 'alone', gzipSync(now, { level: 6 }).length],
      ['brotli -5', 'alone', brotliCompressSync(now, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length],
      ['zstd -3', 'alone', await zstd(3)],
      ['zstd -19', 'alone', await zstd(19)],
      ['LMC', 'alone', coded('lmc')],
      ['Cairn', 'alone', coded('cairn')],
      ['LMC', 'delta', coded('lmc', { base })],
      ['Cairn', 'delta', coded('cairn', { base })],
    ];
    const { rows } = tables.enginesTable(comparison, kind);
    const ratio = (stored: number) => closeTo(now.length / stored);
    expect(rows.map((row) => row.slice(0, 5))).toEqual(expected.map(([engine, mode, stored]) => [engine, mode, now.length, stored, ratio(stored)])); // prettier-ignore
  }

  it('take what the same bytes take by node:zlib and by the codec', async () => {
    const { comparison } = await served.client.call('analyse.engines', { run: id });
    const joined = (step: number): Buffer => Buffer.concat(modelOf(step).map(({ bytes }) => bytes));
    expect(comparison).toMatchObject({ step: 30, against: 20 });
    await expectSizes(comparison, 'weights F32', joined(30), joined(20));
    await expectSizes(comparison, 'exp_avg F32', Buffer.from(momentOf(30, 'exp_avg').bytes), Buffer.from(momentOf(20, 'exp_avg').bytes));
  });

  it('of much more than a sample take every so many blocks of it', async () => {
    const [count, block] = [3 * 2 ** 20, 2 ** 19];
    const first = weights(count, 5);
    const second = weights(count, 6, first);
    const large = path.join(served.folder, 'large');
    for (const [step, values] of [
      [1, first],
      [2, second],
    ] as const) {
      // prettier-ignore
      mkdirSync(path.join(large, `checkpoint-${step}`), { recursive: true });
      writeFileSync(path.join(large, `checkpoint-${step}`, 'model.safetensors'), safetensors([tensor('w', values)]));
    }
    const found = (await served.client.call('sources.scan', { paths: [large] })).runs[0]!;
    const { comparison } = await served.client.call('analyse.engines', { run: found.id });
    // 4 MiB of 12: two of the six blocks, three apart.
    const sampled = (values: Float32Array): Buffer =>
      Buffer.concat([0, 3].map((index) => bytesOf(values.slice(index * block, (index + 1) * block))));
    await expectSizes(comparison, 'weights F32', sampled(second), sampled(first));
  });
});
