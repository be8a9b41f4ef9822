/**
 * A checkpoint as large as wanted out of two real saves of one run: each shard has every tensor of a save, with many times the rows, as a
 * larger model would. Repeated rows have other low bits flipped, so that none is a duplicate; both saves are flipped
 * alike, which leaves their differences as they are.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const shardBytes = 1024 ** 3;

interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  words: Uint32Array;
}

/** Tensors of an even number of 16-bit elements, or of wider ones; others would not be whole words. */
function readTensors(file: string): Tensor[] {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const copy = Uint8Array.from(bytes.subarray(start + from, start + to - ((to - from) % 4)));
        return { name, dtype, shape, words: new Uint32Array(copy.buffer) };
      },
    )
    .filter(({ words, shape }) => words.length > 0 && shape.length > 0);
}

/** Flips the lowest bit of about one half-word in sixteen, others for each repetition (xorshift32; Marsaglia, 2003). */
function flipLowBits(from: Uint32Array, repetition: number, to: Uint32Array): void {
  let state = (repetition * 0x9e3779b9) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  for (let index = 0; index < from.length; index++) {
    const random = next();
    to[index] = from[index]! ^ (random & (random >>> 8) & (random >>> 4) & (random >>> 12) & 0x00010001);
  }
}

/** The tensors of one shard, each with so many times the rows. */
function headerOf(tensors: Tensor[], shard: number, times: number): Buffer {
  let at = 0;
  const named = tensors.map(({ name, dtype, shape: [rows, ...columns], words }) => {
    const place = [at, (at += words.byteLength * times)];
    return [`shard${shard}.${name}`, { dtype, shape: [rows! * times, ...columns], data_offsets: place }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(named)));
  const padding = Buffer.alloc((8 - (json.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return Buffer.concat([length, json, padding]);
}

function writeShard(file: string, tensors: Tensor[], shard: number, times: number): number {
  const output = openSync(file, 'w');
  let written = writeSync(output, headerOf(tensors, shard, times));
  for (const { words } of tensors) {
    const flipped = new Uint32Array(words.length);
    for (let time = 0; time < times; time++) {
      flipLowBits(words, shard * times + time, flipped);
      written += writeSync(output, flipped);
    }
  }
  closeSync(output);
  return written;
}

/**
 * Writes about `bytes` bytes as safetensors files of up to a gibibyte.
 *
 * @param file a safetensors file
 * @returns bytes written
 */
export function writeLargeCheckpoint(file: string, folder: string, bytes: number): number {
  mkdirSync(folder, { recursive: true });
  const tensors = readTensors(file);
  const each = tensors.reduce((sum, { words }) => sum + words.byteLength, 0);
  const shards = Math.max(1, Math.round(bytes / shardBytes));
  const times = Math.max(1, Math.round(bytes / shards / each));
  const number = (value: number): string => String(value).padStart(5, '0');
  let written = 0;
  for (let shard = 0; shard < shards; shard++) {
    written += writeShard(path.join(folder, `model-${number(shard + 1)}-of-${number(shards)}.safetensors`), tensors, shard, times);
  }
  return written;
}
