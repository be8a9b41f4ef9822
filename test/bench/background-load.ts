/**
 * A process that behaves as a trainer does: it multiplies matrices on one thread, and every so often saves a checkpoint, file by file,
 * each in several writes. Prints one JSON line: every second between saves with the steps it did in it, how long its saves took, and the
 * digest of every file that it saved.
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
/** When a second ended, by the clock of the world, and steps a second in it. */
const seconds: [endedMs: number, steps: number][] = [];
let savingSeconds = 0;

/** Steps for about a second. */
function work(): void {
  const before = performance.now();
  let steps = 0;
  for (; performance.now() - before < 1000; steps++) step(a, b, c);
  seconds.push([Date.now(), (1000 * steps) / (performance.now() - before)]);
}

const began = performance.now();
for (let number = 0; number <= Number(saves); number++) {
  // After the last save it goes on for as long again.
  const untilMs = (number + 1) * Number(everySeconds) * 1000;
  while (performance.now() - began < untilMs) work();
  if (number === Number(saves)) break;
  const before = performance.now();
  const name = `step-${String((number + 1) * 100).padStart(6, '0')}`;
  mkdirSync(path.join(folder, name), { recursive: true });
  for (const [index, file] of files.entries()) {
    move(tensors[index]!, number * 100 + index);
    digests[`${name}/${file}`] = save(path.join(folder, name, file), tensors[index]!);
  }
  savingSeconds += (performance.now() - before) / 1000;
}
process.stdout.write(`${JSON.stringify({ seconds, savingSeconds, digests })}\n`);
