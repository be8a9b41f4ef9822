/**
 * A snapshot's record, FORMAT.md section 4: JSON under a digest that names it, compressed. What a reader accepts here
 * it may rely on: every index points somewhere, parts lie inside their files, paths stay inside the checkpoint.
 */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { CairnError } from '../contract/errors.ts';
import { toHex, type Hashing } from './hashing.ts';

const manifestVersion = 1;
/** About a million tensors; the declared length is checked against it before anything is decompressed. */
export const maxJsonBytes = 256 * 1024 * 1024;
const envelopeBytes = 64;
/** No larger file is read: incompressible JSON of the greatest length, with zstd's own bound. */
export const maxManifestBytes = envelopeBytes + maxJsonBytes + maxJsonBytes / 256 + 1024;

const magic = 'CAIRNSNP';
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const size = z.number().int().nonnegative();
const mode = z.number().int().min(0).max(0o7777);
const decimal = z.string().regex(/^-?\d{1,20}$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const snapshotId = z.string().regex(/^[0-9a-f]{32}$/);
const path = z.string().refine(isSafePath, 'is no safe relative path');
const time = z.iso.datetime();

const file = z.object({
  path,
  size,
  mode,
  mtimeNs: decimal,
  digest,
  format: z.string(),
  note: z.string().optional(),
  rest: z.number().int().min(-1),
  parts: z.array(z.tuple([size, size, size])),
});
const folder = z.object({ path, mode, mtimeNs: decimal });
const link = z.object({
  path,
  target: z
    .string()
    .min(1)
    .refine((target) => !target.includes('\0')),
});
const tensor = z.object({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(size),
  file: size,
  part: z.number().int().min(-1),
  offset: size,
  strides: z.array(z.number().int()).optional(),
});

const manifestSchema = z.object({
  created: time,
  run: z.object({ name: z.string(), path: z.string(), layout: z.string() }),
  step: z.number().int(),
  path: z.union([z.literal(''), path]),
  time,
  method: z.enum(['cairn', 'lmc']),
  base: snapshotId.optional(),
  depth: z.number().int().min(0).max(64),
  bytesOriginal: size,
  bytesStored: size,
  blobs: z.array(digest),
  new: z.array(size),
  files: z.array(file),
  folders: z.array(folder),
  links: z.array(link),
  tensors: z.array(tensor),
  /** Files of the checkpoint that were archived and let go of since. */
  dropped: z.array(z.object({ path, size, mtimeNs: decimal })).optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = z.infer<typeof file>;
export type ManifestTensor = z.infer<typeof tensor>;

/** Every member name in the order in which it is written, at any depth: the same record gives the same bytes. */
const memberOrder = [
  ...['created', 'run', 'step', 'name', 'path', 'layout', 'target', 'time', 'method', 'base', 'depth', 'bytesOriginal', 'bytesStored'],
  ...['blobs', 'new', 'files', 'folders', 'links', 'tensors', 'dropped'],
  ...['size', 'mode', 'mtimeNs', 'digest', 'format', 'note', 'rest', 'parts'],
  ...['dtype', 'shape', 'file', 'part', 'offset', 'strides'],
];

/**
 * The bytes of a manifest's file, and the id that is its name.
 *
 * @throws CairnError `internal` where the record contradicts itself: the caller's defect, noticed before it is stored.
 */
export async function encodeManifest(manifest: Manifest, hashing: Hashing): Promise<{ id: string; bytes: Uint8Array }> {
  const checked = check(manifest);
  if (typeof checked === 'string')
    throw new CairnError('internal', `the manifest of ${manifest.run.name}@${manifest.step}: ${checked}; please report it`);
  const json = Buffer.from(JSON.stringify(manifest, memberOrder));
  if (json.length > maxJsonBytes) {
    throw new CairnError(
      'unsupported',
      `${manifest.run.name}@${manifest.step}: its record takes ${json.length} bytes, more than ${maxJsonBytes}; archive it in parts`,
    );
  }
  const payload = await compress(json);
  const envelope = Buffer.alloc(envelopeBytes);
  envelope.write(magic, 'latin1');
  envelope.writeUInt32LE(manifestVersion, 8);
  envelope.writeBigUInt64LE(BigInt(payload.length), 16);
  envelope.writeBigUInt64LE(BigInt(json.length), 24);
  const sum = hashing.digestBytes(json);
  envelope.set(sum, 32);
  return { id: idOfDigest(sum), bytes: Buffer.concat([envelope, payload]) };
}

/**
 * Reads a manifest's file.
 *
 * @param id the file's name, which the digest of the record must give
 * @param path for messages
 * @throws CairnError `damaged` for anything that contradicts itself or the id, `unsupported` for other versions.
 */
export async function decodeManifest(bytes: Uint8Array, id: string, hashing: Hashing, path: string): Promise<Manifest> {
  const { payload, jsonBytes, sum } = openEnvelope(bytes, path);
  const json = await decompress(payload, { maxOutputLength: Math.max(jsonBytes, 1) }).catch((thrown: unknown) => {
    throw damaged(path, 'its payload does not decompress to the length it states', thrown);
  });
  if (json.length !== jsonBytes) throw damaged(path, `its payload holds ${json.length} bytes instead of ${jsonBytes}`);
  const digestFound = hashing.digestBytes(json);
  if (Buffer.compare(digestFound, sum) !== 0) throw damaged(path, 'the digest of its record does not match');
  if (idOfDigest(digestFound) !== id) throw damaged(path, 'it is the manifest of another snapshot');
  return parseRecord(json, path);
}

function openEnvelope(bytes: Uint8Array, path: string): { payload: Uint8Array; jsonBytes: number; sum: Uint8Array } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < envelopeBytes || view.toString('latin1', 0, 8) !== magic) throw damaged(path, 'it does not begin as a manifest');
  const [version, flags] = [view.readUInt32LE(8), view.readUInt32LE(12)];
  if (version !== manifestVersion || flags !== 0) {
    throw new CairnError('unsupported', `${path}: manifest version ${version}, flags ${flags}; use a newer Cairn`, { path });
  }
  if (view.readBigUInt64LE(16) !== BigInt(view.length - envelopeBytes)) throw damaged(path, 'its length is not what it states');
  const jsonBytes = view.readBigUInt64LE(24);
  if (jsonBytes > BigInt(maxJsonBytes)) throw damaged(path, `it states ${jsonBytes} bytes of record, more than ${maxJsonBytes}`);
  return { payload: view.subarray(envelopeBytes), jsonBytes: Number(jsonBytes), sum: view.subarray(32, 64) };
}

function parseRecord(json: Buffer, path: string): Manifest {
  let record: unknown;
  try {
    record = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (thrown) {
    throw damaged(path, 'its record is no JSON', thrown);
  }
  const checked = check(record);
  if (typeof checked === 'string') throw damaged(path, checked);
  return checked;
}

/** The manifest, or what is wrong with it. */
function check(record: unknown): Manifest | string {
  const parsed = manifestSchema.safeParse(record);
  if (parsed.success) return problemOf(parsed.data) ?? parsed.data;
  const issue = parsed.error.issues[0]!;
  return `${issue.path.join('.')}: ${issue.message}`;
}

/** What a schema can't say: indexes, ranges and sums that must agree. Undefined where all do. */
function problemOf(manifest: Manifest): string | undefined {
  const { blobs, files, tensors } = manifest;
  if (new Set(blobs).size !== blobs.length) return 'it names a content twice';
  if (new Set(manifest.new).size !== manifest.new.length || manifest.new.some((index) => index >= blobs.length))
    return 'its new blobs are not among its blobs';
  if (files.reduce((sum, { size }) => sum + size, 0) !== manifest.bytesOriginal) return 'its files do not add up to its size';
  return (
    problemOfPaths(manifest) ??
    firstProblem(files, (file) => problemOfFile(file, blobs.length)) ??
    firstProblem(tensors, (tensor) => problemOfTensor(tensor, files))
  );
}

function problemOfFile(file: ManifestFile, blobCount: number): string | undefined {
  let end = 0;
  let inParts = 0;
  for (const [offset, length, blob] of file.parts) {
    if (offset < end || offset + length > file.size) return `${file.path}: its parts overlap or lie outside`;
    if (blob >= blobCount) return `${file.path}: a part is none of the blobs`;
    end = offset + length;
    inParts += length;
  }
  if (file.rest >= blobCount) return `${file.path}: its remainder is none of the blobs`;
  // A remainder of no bytes may be left out or be the empty content.
  if (file.rest === -1 && inParts !== file.size) return `${file.path}: it has bytes that no blob holds`;
  return undefined;
}

function problemOfTensor(tensor: ManifestTensor, files: ManifestFile[]): string | undefined {
  const file = files[tensor.file];
  if (!file) return `tensor ${tensor.name}: it is in none of the files`;
  if (tensor.part === -1) return undefined;
  const part = file.parts[tensor.part];
  if (!part) return `tensor ${tensor.name}: it is in none of the parts of ${file.path}`;
  if (tensor.offset > part[1]) return `tensor ${tensor.name}: it begins outside its part`;
  if (tensor.strides && tensor.strides.length !== tensor.shape.length) return `tensor ${tensor.name}: its strides do not fit its shape`;
  return undefined;
}

/** No path twice, and nothing below what is a file or a link: else restoring would write through it. */
function problemOfPaths({ files, folders, links }: Manifest): string | undefined {
  const leaves = new Set<string>();
  for (const { path } of [...files, ...links]) {
    if (leaves.has(path)) return `${path}: it is there twice`;
    leaves.add(path);
  }
  const folderPaths = new Set(folders.map((folder) => folder.path));
  if (folderPaths.size !== folders.length) return 'a folder is there twice';
  for (const path of [...leaves, ...folderPaths]) {
    if (pathsAbove(path).some((above) => leaves.has(above))) return `${path}: it lies below what is no folder`;
    if (folderPaths.has(path) && leaves.has(path)) return `${path}: it is a folder and something else`;
  }
  return undefined;
}

function pathsAbove(path: string): string[] {
  const above: string[] = [];
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) above.push(path.slice(0, slash));
  return above;
}

function firstProblem<T>(items: T[], problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = problem(item);
    if (found) return found;
  }
  return undefined;
}

/** Relative, "/" between parts, no empty, `.` or `..` part, no NUL. */
export function isSafePath(path: string): boolean {
  return path.length <= 32768 && !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function idOfDigest(sum: Uint8Array): string {
  return toHex(sum.subarray(0, 16));
}

function damaged(path: string, what: string, cause?: unknown): CairnError {
  return new CairnError('damaged', `${path}: ${what}; the manifest is damaged: restore it from a copy, or archive the checkpoint again`, {
    path,
    cause,
  });
}
