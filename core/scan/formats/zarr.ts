/**
 * Chunks of Zarr arrays (version 2), as Orbax writes them without OCDBT: a folder an array, with `.zarray` (JSON) and a file a chunk, named by
 * its place in the array. A chunk that is not compressed is a tensor of the chunk's shape; of a compressed one only that is told.
 * Source: the specification of Zarr, version 2, and the driver "zarr" of TensorStore, which adds names of dtypes.
 */
import { basename, dirname, join } from 'node:path';
import { CairnError } from '../../contract/errors.ts';
import type { FileLayout, FormatReader, ReadableFile, Tensor } from '../file-layout.ts';
import { openReadable } from '../readable-file.ts';
import { countElements, dtypes, isContiguous } from './dtypes.ts';
import { limits } from './limits.ts';
import { arrayType, fortranStrides, type ArrayType } from './npy.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { readStrictJson, type Json } from './strict-json.ts';

const chunkName = /^\d{1,9}(\.\d{1,9})*$/;

/** TensorStore's own; everything else is named as NumPy does. */
const namedTypes: Record<string, string> = {
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e5m2: 'F8_E5M2',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
};

interface ZarrArray {
  type: ArrayType;
  shape: number[];
  chunk: number[];
  order: 'C' | 'F';
  /** By what chunks are compressed; undefined where they are as they are. */
  compressor: string | undefined;
}

function typeOf(dtype: Json | undefined): ArrayType | undefined {
  if (typeof dtype !== 'string') return undefined;
  const named = Object.hasOwn(namedTypes, dtype) ? dtypes.get(namedTypes[dtype]!) : undefined;
  return named ? { name: named.name, itemBytes: named.bits / 8, element: named.element } : arrayType(dtype);
}

function sizesOf(value: Json | undefined): number[] | undefined {
  const sizes = Array.isArray(value) ? value.map(Number) : undefined;
  return sizes && sizes.length <= limits.dimensions && countElements(sizes) !== undefined ? sizes : undefined;
}

/** An empty name where filters or a compressor of no name change the bytes. */
function compressorOf(metadata: Map<string, Json>): string | undefined {
  const compressor = metadata.get('compressor') ?? null;
  const filters = metadata.get('filters') ?? null;
  if (compressor === null && (filters === null || (Array.isArray(filters) && filters.length === 0))) return undefined;
  const id = compressor instanceof Map ? compressor.get('id') : undefined;
  return typeof id === 'string' ? id : '';
}

function parseArray(file: ReadableFile, json: Json): ZarrArray {
  const metadata = json instanceof Map ? json : new Map<string, Json>();
  if (metadata.get('zarr_format') !== 2) throw notUnderstood(file, 'belongs to a Zarr array of a version other than 2');
  const [type, shape, chunk] = [typeOf(metadata.get('dtype')), sizesOf(metadata.get('shape')), sizesOf(metadata.get('chunks'))];
  if (!shape || !chunk || shape.length !== chunk.length || chunk.includes(0))
    throw contradiction(file, 'belongs to a Zarr array without proper shape and chunks');
  if (!type) throw notUnderstood(file, 'belongs to a Zarr array of a kind that this Cairn does not know');
  return { type, shape, chunk, order: metadata.get('order') === 'F' ? 'F' : 'C', compressor: compressorOf(metadata) };
}

/** Undefined where there is no `.zarray` beside the file, which then is something else. */
async function arrayOf(file: ReadableFile): Promise<ZarrArray | undefined> {
  const path = join(dirname(file.path), '.zarray');
  const opened = await openReadable(path).catch((thrown: unknown) => {
    if (thrown instanceof CairnError && (thrown.code === 'not_found' || thrown.code === 'unsupported')) return undefined;
    throw thrown;
  });
  if (!opened) return undefined;
  try {
    if (opened.size > limits.zarrMetadataBytes) throw notUnderstood(file, `belongs to a Zarr array whose .zarray has ${opened.size} bytes`);
    return parseArray(file, readStrictJson(file, await opened.read(0, opened.size), 'the .zarray beside it'));
  } finally {
    await opened.close();
  }
}

/** The array's name, and behind it where in the array the chunk begins, unless it is all of it. */
function nameOf(file: ReadableFile, { shape, chunk }: ZarrArray): string {
  const place = basename(file.path).split('.').map(Number);
  const array = basename(dirname(file.path));
  const isWhole = shape.every((size, axis) => size <= chunk[axis]!);
  if (isWhole) return array;
  if (place.length !== chunk.length)
    throw contradiction(file, `is a chunk with ${place.length} numbers of an array with ${chunk.length} dimensions`);
  return `${array}[${place.map((index, axis) => index * chunk[axis]!).join(',')}]`;
}

async function read(file: ReadableFile): Promise<FileLayout> {
  const array = await arrayOf(file);
  if (!array) return { format: 'bytes', parts: [], tensors: [] };
  const { type, chunk, order, compressor } = array;
  const tensor: Omit<Tensor, 'part'> = { name: nameOf(file, array), dtype: type.name, shape: chunk, offset: 0 };
  if (compressor !== undefined) {
    const how = compressor === '' ? 'filtered' : `compressed by ${quoted(compressor)}`;
    return { format: 'zarr', parts: [], tensors: [{ ...tensor, part: -1 }], note: `is a Zarr chunk ${how}; archived as bytes` };
  }
  const length = countElements(chunk)! * type.itemBytes;
  if (length !== file.size) throw contradiction(file, `is a Zarr chunk of ${file.size} bytes where its array says ${length}`);
  const { parts, indices } = arrangeParts(file, [{ offset: 0, length, element: type.element }]);
  const strides = order === 'F' ? fortranStrides(chunk) : undefined;
  const laidOut = strides && !isContiguous(chunk, strides) ? { strides } : {};
  return { format: 'zarr', parts, tensors: [{ ...tensor, ...laidOut, part: indices[0]! }] };
}

export const zarr: FormatReader = { name: 'zarr', claims: (file) => chunkName.test(basename(file.path)), read };
