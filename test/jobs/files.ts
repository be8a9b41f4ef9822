/** Folders and safetensors files for tests. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Everything below a folder that restoring must give back: bytes, modes, times to the nanosecond. */
export function picture(folder: string): Record<string, { bytes: string; mode: number; mtimeNs: string }> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const stat = lstatSync(path.join(folder, name), { bigint: true });
      const bytes = stat.isFile() ? readFileSync(path.join(folder, name)).toString('base64') : 'folder';
      return [name, { bytes, mode: Number(stat.mode & 0o7777n), mtimeNs: String(stat.mtimeNs) }];
    }),
  );
}

export interface TestTensor {
  name: string;
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

export function safetensors(tensors: TensorList): Buffer {
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...tensors.map((tensor) => tensor.bytes)]);
}
type TensorList = readonly TestTensor[];

/** Writes `<folder>/step-<n>/model.safetensors`. */
export function writeStep(folder: string, step: number, tensors: TensorList): string {
  const checkpoint = path.join(folder, `step-${String(step).padStart(6, '0')}`);
  mkdirSync(checkpoint, { recursive: true });
  writeFileSync(path.join(checkpoint, 'model.safetensors'), safetensors(tensors));
  return checkpoint;
}

/** Bytes like trained float32 weights, from a seed; `drift` moves each a little from `before`. */
export function weights(count: number, seed: number, before?: Float32Array): Float32Array {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length: count }, (_, index) => (before ? before[index]! + next() * 1e-4 : (next() + next() + next()) * 0.04));
}

export const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
