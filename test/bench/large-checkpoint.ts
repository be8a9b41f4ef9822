/**
 * A checkpoint as large as wanted out of two real saves of one run: their tensors repeated, each time with other low bits
 * flipped, so that no repetition is a duplicate. Both saves are flipped alike, which leaves their differences as they are.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const shardBytes = 1024 ** 3;

interface Save {
  /** Tensors by name, offsets from the start of `bytes`. */
  tensors: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  words: Uint32Array;
}

function readSave(file: string): Save {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE());
  const { __metadata__: _, ...tensors } = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<string, never>;
  const copy = Uint8Array.from(bytes.subarray(8 + headerLength));
  return { tensors, words: new Uint32Array(copy.buffer, 0, Math.floor(copy.length / 4)) };
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

function headerOf(save: Save, repetitions: readonly number[]): Buffer {
  const named: Save['tensors'] = {};
  for (const [place, repetition] of repetitions.entries()) {
    for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(save.tensors)) {
      const shifted = offsets.map((offset) => offset + place * save.words.byteLength) as [number, number];
      named[`part${repetition}.${name}`] = { dtype, shape, data_offsets: shifted };
    }
  }
  const json = Buffer.from(JSON.stringify(named));
  const padding = Buffer.alloc((8 - (json.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return Buffer.concat([length, json, padding]);
}

/**
 * Writes about `bytes` bytes as sharded safetensors.
 *
 * @param file a safetensors file whose tensors lie one after the other
 * @returns bytes written
 */
export function writeLargeCheckpoint(file: string, folder: string, bytes: number): number {
  mkdirSync(folder, { recursive: true });
  const save = readSave(file);
  const total = Math.max(1, Math.round(bytes / save.words.byteLength));
  const perShard = Math.max(1, Math.floor(shardBytes / save.words.byteLength));
  const flipped = new Uint32Array(save.words.length);
  const shards = Math.ceil(total / perShard);
  const number = (value: number): string => String(value).padStart(5, '0');
  let written = 0;
  for (let shard = 0; shard < shards; shard++) {
    const repetitions = Array.from({ length: Math.min(perShard, total - shard * perShard) }, (_, place) => shard * perShard + place);
    const output = openSync(path.join(folder, `model-${number(shard + 1)}-of-${number(shards)}.safetensors`), 'w');
    written += writeSync(output, headerOf(save, repetitions));
    for (const repetition of repetitions) {
      flipLowBits(save.words, repetition, flipped);
      written += writeSync(output, flipped);
    }
    closeSync(output);
  }
  return written;
}
