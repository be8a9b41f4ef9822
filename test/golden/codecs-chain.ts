/**
 * The checkpoints behind the golden stores of codecs: runs of two steps whose tensors, coded, use every block codec. golden-v1-codecs has
 * the first two runs, golden-v1-parts the third.
 * They were written once; the store and its originals are committed, and are never written again for this format version.
 *
 *   node test/golden/codecs-chain.ts FOLDER     writes the checkpoints; `cairn archive` made the store of them
 */
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bytesOf, safetensors, weights, type TestTensor } from '../jobs/files.ts';
import { randomBytes, randomSource } from '../native/contents.ts';

/** Elements of a real tensor of the sample chain. */
function realWeights(step: string, from: number, count: number): Uint8Array {
  const file = readFileSync(path.resolve(import.meta.dirname, `../fixtures/sample-chain/${step}/model.safetensors`));
  const headerBytes = Number(file.readBigUInt64LE(0));
  return Uint8Array.from(file.subarray(8 + headerBytes + from * 2, 8 + headerBytes + (from + count) * 2));
}

const halfOf = (values: Float32Array): Uint8Array => {
  const words = new Uint32Array(values.buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16).buffer);
};

/** Mostly zeros, over more than a block; only what is behind the first block changes. */
function wide(step: number): Uint8Array {
  const random = randomSource(5);
  const bytes = Uint8Array.from({ length: 2 ** 19 + 300 }, () => (random() % 4096 === 0 ? 1 : 0));
  bytes.fill(step, 2 ** 19 + 100);
  return bytes;
}

/** Counters whose top bit is a mark that comes and goes. */
function marked(step: number): Uint8Array {
  const random = randomSource(6);
  const words = Uint32Array.from({ length: 800 }, () => random());
  return new Uint8Array(words.map((word, index) => (step === 2 && index % 9 === 0 ? (word ^ 0x80000000) >>> 0 : word)).buffer);
}

/** Moved by one of a few distances each: low bits that are no noise, as when weights were quantised before. */
function jumping(step: number): Uint8Array {
  const random = randomSource(8);
  const words = new Uint32Array(weights(900, 9).buffer);
  const distances = [0, 1000, 70_001, 123_456];
  return new Uint8Array(words.map((word) => (step === 1 ? word : word + distances[random() % 4]!)).buffer);
}

const tensor = (name: string, dtype: string, width: number, bytes: Uint8Array): TestTensor => ({
  name,
  dtype,
  shape: [bytes.length / width],
  bytes,
});

function tensorsOf(step: 1 | 2): TestTensor[] {
  const master = weights(400, 40 + step);
  return [
    tensor('noise', 'U8', 1, randomBytes(200, step)),
    tensor('ones', 'F32', 4, bytesOf(new Float32Array(64).fill(step))),
    tensor('wide', 'U8', 1, wide(step)),
    tensor('marked', 'I32', 4, marked(step)),
    tensor('jumping', 'F32', 4, jumping(step)),
    tensor('layer.weight', 'BF16', 2, realWeights(step === 1 ? 'step-002000' : 'step-002200', 5000, 2200)),
    tensor('model.head', 'BF16', 2, halfOf(master)),
    tensor('master.head', 'F32', 4, bytesOf(master)),
  ];
}

/** Enough of a real tensor that its symbols are kept by tables. */
const partsTensorsOf = (step: 1 | 2): TestTensor[] => [
  tensor('layer.weight', 'BF16', 2, realWeights(step === 1 ? 'step-002000' : 'step-002200', 1000, 34_000)),
];

const lmcTensorsOf = (step: 1 | 2): TestTensor[] => [
  tensor('layer.weight', 'BF16', 2, realWeights(step === 1 ? 'step-002000' : 'step-002200', 20_000, 2200)),
];

const savedAt = new Date('2026-01-02T03:04:05.678Z');

function writeRun(folder: string, tensorsAt: (step: 1 | 2) => TestTensor[]): void {
  for (const step of [1, 2] as const) {
    const checkpoint = path.join(folder, `step-00000${step}`);
    mkdirSync(checkpoint, { recursive: true });
    writeFileSync(path.join(checkpoint, 'model.safetensors'), safetensors(tensorsAt(step)));
    writeFileSync(path.join(checkpoint, 'config.json'), JSON.stringify({ step, notes: 'as it was '.repeat(20) }));
    for (const name of ['model.safetensors', 'config.json', '.']) utimesSync(path.join(checkpoint, name), savedAt, savedAt);
  }
}

if (import.meta.main) {
  const folder = path.resolve(process.argv[2]!);
  writeRun(path.join(folder, 'run'), tensorsOf);
  writeRun(path.join(folder, 'lmc-run'), lmcTensorsOf);
  writeRun(path.join(folder, 'parts-run'), partsTensorsOf);
}
