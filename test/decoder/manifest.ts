/** A manifest, read as FORMAT.md section 4 describes it. */
import { zstdDecompressSync } from 'node:zlib';
import { blake3 } from '@noble/hashes/blake3.js';
import { expect, Reading } from './reading.ts';

export interface Manifest {
  run: { name: string; path: string; layout: string };
  step: number;
  path: string;
  blobs: string[];
  files: { path: string; size: number; mode: number; mtimeNs: string; digest: string; rest: number; parts: [number, number, number][] }[];
  tensors: { name: string; dtype: string; shape: number[]; file: number; part: number; offset: number; strides?: number[] }[];
}

/** @param name the id that the file's name states */
export function readManifest(bytes: Uint8Array, name: string): Manifest {
  const reading = new Reading(bytes);
  expect(reading.text(8) === 'CAIRNSNP' && reading.u32() === 1 && reading.u32() === 0, 'header');
  const [payloadLength, jsonLength] = [reading.u64(), reading.u64()];
  const digest = Buffer.from(reading.bytes(32));
  expect(reading.left === payloadLength, 'length of the payload');
  const json = zstdDecompressSync(reading.bytes(payloadLength));
  expect(json.length === jsonLength, 'length of the JSON');
  expect(digest.equals(blake3(json)) && digest.toString('hex', 0, 16) === name, 'digest of the JSON');
  return JSON.parse(json.toString('utf8')) as Manifest;
}
