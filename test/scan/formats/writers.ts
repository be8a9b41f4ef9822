/** Writes small GGUF, ONNX and Flax files for tests, from pieces that may each be wrong. */
import { u32, u64 } from './containers.ts';

export interface GgufTensorDraft {
  name: string;
  type: number;
  /** Innermost first, as in the file. */
  sizes: (number | bigint)[];
  offset: number | bigint;
}

export interface GgufDraft {
  version?: number;
  tensors?: GgufTensorDraft[];
  tensorCount?: bigint;
  /** Pairs, each already whole. */
  pairs?: Buffer[];
  pairCount?: bigint;
  alignment?: number;
  body: number;
}

export const ggufName = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
export const ggufPair = (key: string, type: number, value: Buffer) => Buffer.concat([ggufName(key), u32(type), value]);

export function ggufOf(draft: GgufDraft): Buffer {
  const { version = 3, tensors = [], pairs = [], alignment = 32 } = draft;
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    u64(draft.tensorCount ?? tensors.length),
    u64(draft.pairCount ?? pairs.length),
    ...pairs,
    ...tensors.map((tensor) =>
      Buffer.concat([
        ggufName(tensor.name),
        u32(tensor.sizes.length),
        ...tensor.sizes.map((size) => u64(size)),
        u32(tensor.type),
        u64(tensor.offset),
      ]),
    ),
  ]);
  const padding = (alignment - (header.length % alignment)) % alignment;
  return Buffer.concat([header, Buffer.alloc(padding), Buffer.alloc(draft.body, 3)]);
}

export function protobufVarint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export const protobufWhole = (number: number, value: number | bigint) =>
  Buffer.concat([protobufVarint(number << 3), protobufVarint(value)]);
export const protobufNested = (number: number, ...pieces: Buffer[]) => {
  const bytes = Buffer.concat(pieces);
  return Buffer.concat([protobufVarint((number << 3) | 2), protobufVarint(bytes.length), bytes]);
};
export const onnxModel = (...graph: Buffer[]) =>
  Buffer.concat([protobufWhole(1, 8), protobufNested(2, Buffer.from('test')), protobufNested(7, ...graph)]);
export const onnxTensor = (name: string, type: number, sizes: number[], ...more: Buffer[]) =>
  Buffer.concat([...sizes.map((size) => protobufWhole(1, size)), protobufWhole(2, type), protobufNested(8, Buffer.from(name)), ...more]);

export const flaxBytes = (...pieces: (number | string | Uint8Array)[]) =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'number' ? Buffer.from([piece]) : Buffer.from(piece as string))));
export const flaxText = (value: string) => flaxBytes(0xa0 | value.length, value);
export const flaxWide = (code: number, value: number) => {
  const out = Buffer.alloc(5, code);
  out.writeUInt32BE(value, 1);
  return out;
};
export const flaxMap = (entries: Record<string, Uint8Array>) =>
  flaxBytes(0x80 | Object.keys(entries).length, ...Object.entries(entries).flatMap(([key, value]) => [flaxText(key), value]));

export function flaxArray(dtype: string, shape: number[], body: Uint8Array): Buffer {
  const inside = flaxBytes(0x93, 0x90 | shape.length, ...shape, flaxText(dtype), flaxWide(0xc6, body.length), body);
  return flaxBytes(flaxWide(0xc9, inside.length), 1, inside);
}
