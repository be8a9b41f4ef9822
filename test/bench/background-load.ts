/**
 * A process that behaves as a trainer does: it multiplies matrices on one thread, and every so often saves a checkpoint, file by file,
 * each in several writes. Prints one JSON line: how many steps it did in how many seconds, and the digest of every file that it saved.
 *
 *   node test/bench/background-load.ts RUN_FOLDER SAVES EVERY_SECONDS MIB
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

const [folder, saves, everySeconds, mebibytes] = process.argv.slice(2) as [string, string, string, string];
const size = 192;
const files = ['model.safetensors', 'optimizer.safetensors'];
const elements = (Number(mebibytes) * 2 ** 20) / 4 / files.length;
const writeBytes = 2 ** 22;

function step(a: Float32Array, b: Float32Array, c: Float32Array): void {
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      const factor = a[row * size + inner]!;
      for (let column = 0; column < size; column++) c[row * size + column]! += factor * b[inner * size + column]!;
    }
  }
}

/** Every value moves a little, as under an optimizer. */
function move(values: Float32Array, seed: number): void {
  let state = seed | 1;
  for (let at = 0; at < values.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[at] = values[at]! + (state / 2 ** 32 - 0.5) * 1e-4;
  }
}

/** @returns the digest of what was written */
function save(file: string, values: Float32Array): string {
  const header = Buffer.from(JSON.stringify({ weight: { dtype: 'F32', shape: [values.length], data_offsets: [0, values.byteLength] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bytes = Buffer.concat([length, header, new Uint8Array(values.buffer)]);
  const opened = openSync(file, 'w');
  for (let at = 0; at < bytes.length; at += writeBytes) writeSync(opened, bytes, at, Math.min(writeBytes, bytes.length - at));
  fsyncSync(opened);
  closeSync(opened);
  return createHash('sha256').update(bytes).digest('hex');
}

const [a, b, c] = [0, 1, 2].map(() => Float32Array.from({ length: size * size }, (_, at) => (at % 7) / 7)) as [
  Float32Array,
  Float32Array,
  Float32Array,
];
const tensors = files.map(() =>
  Float32Array.from({ length: elements }, (_, at) => ((Math.imul(at, 2654435761) >>> 0) / 2 ** 32 - 0.5) * 0.04),
);
const digests: Record<string, string> = {};
let steps = 0;
let stepSeconds = 0;
const began = performance.now();
for (let number = 1; number <= Number(saves); number++) {
  while (performance.now() - began < number * Number(everySeconds) * 1000) {
    const before = performance.now();
    step(a, b, c);
    stepSeconds += (performance.now() - before) / 1000;
    steps += 1;
  }
  const name = `step-${String(number * 100).padStart(6, '0')}`;
  mkdirSync(path.join(folder, name), { recursive: true });
  for (const [index, file] of files.entries()) {
    move(tensors[index]!, number * 100 + index);
    digests[`${name}/${file}`] = save(path.join(folder, name, file), tensors[index]!);
  }
}
process.stdout.write(`${JSON.stringify({ steps, stepSeconds, seconds: (performance.now() - began) / 1000, digests })}\n`);
