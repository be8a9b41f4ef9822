/**
 * Same input, same bytes: whole archives of checkpoints that use every codec of tensors are the same whatever the implementation and the
 * number of threads, each in a process of its own; any implementation proves what another wrote, and so does the second decoder.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aboutCore } from '../../core/codec/hashing.ts';
import { codecNames } from '../../core/codec/elements.ts';
import { runCli, type Ran } from '../cli/run-cli.ts';
import { StoreDecoder } from '../decoder/store.ts';
import { randomBytes, specialValues, weightPair } from '../native/contents.ts';
import { bytesOf, safetensors, weights, writeStep, type TestTensor } from './files.ts';
import { halfOf, stateOf, Trained } from './trained.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-same-'));
const run = path.join(folder, 'run');
afterAll(() => rmSync(folder, { recursive: true }));

const tensor = (name: string, dtype: string, bytes: Uint8Array, width: number): TestTensor => ({ name, dtype, shape: [bytes.length / width], bytes }); // prettier-ignore

/** Saves of one training: what is large enough to be planned from samples, and to be cut into several blocks and pieces. */
function writeRun(): void {
  const [up, down] = [new Trained([400, 300], 1), new Trained([300, 256], 2)];
  let large = weights(2_300_000, 3);
  for (const step of [100, 110]) {
    for (let times = 0; times < (step === 100 ? 20 : 40); times += 1) for (const each of [up, down]) each.step();
    const pair = (element: 6 | 7 | 8 | 9 | 10, count: number): Uint8Array => weightPair(element, count, element)[step === 100 ? 'base' : 'raw']; // prettier-ignore
    const rows = randomBytes(300_000, 5).map((byte, at) => byte & (0xff >> (7 - ((at >> 15) % 8))));
    const checkpoint = writeStep(run, step, [
      halfOf('up', up, 'BF16'),
      halfOf('down', down, 'F16'),
      tensor('large', 'F32', bytesOf(large), 4),
      tensor('tied', 'F32', bytesOf(large), 4),
      tensor('bf16', 'BF16', pair(6, 1_200_001), 2),
      tensor('small', 'BF16', pair(6, 5000), 2),
      tensor('f8', 'F8_E4M3', pair(9, 300_000), 1),
      tensor('f8_e5m2', 'F8_E5M2', pair(10, 9001), 1),
      tensor('f64', 'F64', pair(8, 70_000), 8),
      tensor('special', 'F32', specialValues(7, 40_000), 4),
      tensor('rows', 'U8', rows.map((byte, at) => (step === 110 && at % 5 === 0 ? byte + 1 : byte)), 1), // prettier-ignore
      tensor('ones', 'F32', bytesOf(new Float32Array(9000).fill(1)), 4),
      tensor('noise', 'U8', randomBytes(70_000, step), 1),
      { name: 'quiet', dtype: 'F32', shape: [500, 300], bytes: bytesOf(weights(150_000, step).map((value, at) => (Math.floor(at / 300) % 2 ? value : 0))) }, // prettier-ignore
    ]);
    mkdirSync(path.join(checkpoint, 'optimizer'));
    const state = [...stateOf('up', up), ...stateOf('down', down)];
    writeFileSync(path.join(checkpoint, 'optimizer', 'state.safetensors'), safetensors(state));
    large = large.map((value, at) => (at % 3 === 0 ? value + 1e-5 * Math.sin(at) : value));
  }
}

const homeOf = (name: string): string => path.join(folder, name);
const storeOf = (name: string): string => path.join(homeOf(name), 'store');

async function cairn(name: string, implementation: string, ...args: string[]): Promise<Ran> {
  const ran = await runCli([...args, '--json'], { home: homeOf(name), env: { CAIRN_IMPLEMENTATION: implementation } });
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
  return ran;
}

function packsOf(name: string): Record<string, Buffer> {
  const names = readdirSync(path.join(storeOf(name), 'packs'), { recursive: true, encoding: 'utf8' });
  const packs = names.filter((file) => file.endsWith('.pack')).sort();
  return Object.fromEntries(packs.map((file) => [file, readFileSync(path.join(storeOf(name), 'packs', file))]));
}

describe('an archive of a training run', () => {
  const { implementations } = aboutCore();
  const ways = implementations.flatMap((implementation) =>
    [1, 2, 5].map((threads) => ({ implementation, threads, name: `${implementation}-${threads}` })),
  );
  const [first] = ways as [(typeof ways)[number]];

  beforeAll(async () => {
    writeRun();
    for (const { implementation, threads, name } of ways) await cairn(name, implementation, 'archive', run, '--threads', String(threads));
  }, 300_000);

  it('has the same packs whatever the implementation and the number of threads', () => {
    const wanted = packsOf(first.name);
    expect(Object.keys(wanted).length).toBeGreaterThan(1);
    for (const { name } of ways.slice(1)) {
      const packs = packsOf(name);
      expect(Object.keys(packs)).toEqual(Object.keys(wanted));
      for (const [file, bytes] of Object.entries(wanted)) expect(packs[file]!.equals(bytes), `${name}: ${file}`).toBe(true);
    }
  });

  it('is decoded by every implementation', async () => {
    for (const implementation of implementations) {
      const verified = await cairn(first.name, implementation, 'verify');
      expect(verified.records.at(-1)).toMatchObject({ snapshots: 2, findings: [] });
    }
  });

  it('uses every codec of tensors, and the second decoder reads all of it', () => {
    const decoder = new StoreDecoder(storeOf(first.name));
    const used = [...decoder.codecs().keys()].map((id) => codecNames[id]!);
    // Those of method lmc alone, and what is chosen of small or unlike blocks, are in test/decoder/agreement.spec.ts.
    expect(used).toEqual(
      expect.arrayContaining(['raw', 'constant', 'zstd', 'planes', 'xor-planes', 'lmc', 'conditioned', 'conditioned-parts', 'rounded', 'moment', 'rows', 'rows-base']), // prettier-ignore
    );
    for (const manifest of decoder.manifests.values()) {
      manifest.files.forEach((file, index) => {
        const original = readFileSync(path.join(manifest.run.path, manifest.path, file.path));
        expect(original.equals(decoder.file(manifest, index)), file.path).toBe(true);
      });
    }
  });

  it("knows the optimizer's state by what it is stored with, and what is there twice takes nothing", async () => {
    const shown = await cairn(first.name, first.implementation, 'show', 'run@110');
    const tensors = shown.records.filter(({ type }) => type === 'tensor') as { name: string; codecs: string[]; bytesStored: number }[]; // prettier-ignore
    const codecsOf = (name: string): string[] => tensors.find((each) => each.name === name)!.codecs;
    for (const name of ['up', 'down']) {
      expect(codecsOf(`state.${name}.exp_avg`)).toEqual(['moment']);
      expect(codecsOf(`state.${name}.exp_avg_sq`)).toEqual(['rows-base']);
      expect(codecsOf(name)).toEqual(['rounded']);
    }
    expect(codecsOf('ones')).toEqual(['constant']);
    const { blobs } = [...new StoreDecoder(storeOf(first.name)).manifests.values()].at(-1)!;
    expect(new Set(blobs).size).toBe(blobs.length);
    expect(tensors.length).toBe(14 + 6);
    // Fourteen tensors, of which two are one, six of state, and the headers of two files.
    expect(blobs.length).toBe(13 + 6 + 2);
  });
});
