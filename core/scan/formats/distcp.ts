/**
 * Distributed checkpoints of torch (torch.distributed.checkpoint): `.metadata` is a pickle that says where in which `.distcp` file each
 * piece of each tensor lies; every piece is a torch archive (or a safetensors file) of its own. The pickle is only described.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CairnError, toCairnError } from '../../contract/errors.ts';
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { openReadable, openWindow } from '../readable-file.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { readWholePickle } from './pickle.ts';
import { entriesOf, isKind, itemsOf, member, wholeNumber, type PickleValue } from './pickle-values.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { safetensors } from './safetensors.ts';
import { readTorchZip } from './torch-zip.ts';
import { startsAsZip } from './zip.ts';

interface Piece {
  name: string;
  offset: number;
  length: number;
  /** Written through an extension (compression, encryption). */
  transformed: boolean;
}

function stateMember(value: PickleValue | undefined, key: string): PickleValue | undefined {
  return isKind(value, 'call') ? member(value.state, key) : undefined;
}

/** The tensor's name, and behind it where in the tensor the piece begins, unless that is its beginning. */
function pieceName(index: PickleValue): string | undefined {
  const name = stateMember(index, 'fqn');
  const size = stateMember(index, 'offset');
  const offset = itemsOf(isKind(size, 'call') ? size.args[0] : size)?.map((axis) => wholeNumber(axis) ?? 0);
  if (typeof name !== 'string') return undefined;
  return offset?.some((axis) => axis > 0) ? `${name}[${offset.join(',')}]` : name;
}

function readPieces(metadata: ReadableFile, root: PickleValue): Map<string, Piece[]> {
  const byFile = new Map<string, Piece[]>();
  const storage = stateMember(root, 'storage_data');
  if (!isKind(storage, 'dictionary')) throw notUnderstood(metadata, 'has no storage_data');
  for (const [index, info] of entriesOf(storage.pairs)) {
    const [name, path] = [pieceName(index), stateMember(info, 'relative_path')];
    const [offset, length] = [wholeNumber(stateMember(info, 'offset')), wholeNumber(stateMember(info, 'length'))];
    if (name === undefined || typeof path !== 'string' || offset === undefined || length === undefined)
      throw notUnderstood(metadata, 'has storage_data of an unknown kind');
    const transformed = (itemsOf(stateMember(info, 'transform_descriptors')) ?? []).length > 0;
    const pieces = byFile.get(path) ?? [];
    pieces.push({ name, offset, length, transformed });
    byFile.set(path, pieces);
  }
  return byFile;
}

/** Without collectives each rank writes its own. */
function metadataPaths(path: string): string[] {
  const rank = /^(__[0-9]{1,9})_/.exec(basename(path))?.[1];
  return [join(dirname(path), '.metadata'), ...(rank === undefined ? [] : [join(dirname(path), `${rank}.metadata`)])];
}

/** The metadata read last: a checkpoint has one for all of its files, which are read one after the other. */
let latest: { identity: string; pieces: Map<string, Piece[]> } | undefined;

async function readMetadata(path: string): Promise<Map<string, Piece[]>> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true }).catch((thrown: unknown) => {
    throw toCairnError(thrown);
  });
  const identity = [path, dev, ino, size, mtimeNs].join(':');
  if (latest?.identity !== identity) latest = { identity, pieces: await parseMetadata(path) };
  return latest.pieces;
}

async function parseMetadata(path: string): Promise<Map<string, Piece[]>> {
  const metadata = await openReadable(path);
  try {
    if (metadata.size > limits.pickleBytes) throw notUnderstood(metadata, `has ${metadata.size} bytes, more than ${limits.pickleBytes}`);
    return readPieces(metadata, readWholePickle(metadata, await metadata.read(0, metadata.size)).value);
  } finally {
    await metadata.close();
  }
}

async function piecesOf(file: ReadableFile): Promise<Piece[]> {
  for (const path of metadataPaths(file.path)) {
    try {
      return (await readMetadata(path)).get(basename(file.path)) ?? [];
    } catch (thrown) {
      if (!(thrown instanceof CairnError)) throw thrown;
      // The metadata's own damage is no damage of this file.
      if (thrown.code !== 'not_found') throw notUnderstood(file, `can't be told apart into tensors: ${thrown.message}`);
    }
  }
  throw notUnderstood(file, 'has no .metadata beside it, so where its tensors lie is unknown');
}

async function readPiece(file: ReadableFile, piece: Piece): Promise<FileLayout | undefined> {
  if (piece.transformed || piece.length === 0) return undefined;
  if (piece.offset < 0 || piece.length < 0 || piece.length > file.size - piece.offset)
    throw contradiction(file, `ends at byte ${file.size}, before ${quoted(piece.name)} does`);
  const window = await openWindow(file, piece.offset, piece.length);
  try {
    if (startsAsZip(window.head)) return await readTorchZip(window);
    return safetensors.claims(window) ? await safetensors.read(window) : undefined;
  } catch (thrown) {
    if (thrown instanceof CairnError && thrown.code === 'unsupported') return undefined;
    throw thrown;
  }
}

function nameBelow(piece: string, inner: string): string {
  return inner === '' || inner === piece ? piece : `${piece}.${inner}`;
}

/** Pieces may share a range but not a part of one, so that reading them all takes no longer than the file is long. */
function checkPieces(file: ReadableFile, pieces: readonly Piece[]): void {
  let last: Piece | undefined;
  for (const piece of [...pieces].sort((a, b) => a.offset - b.offset || a.length - b.length)) {
    const same = last?.offset === piece.offset && last.length === piece.length;
    if (last && !same && piece.offset < last.offset + last.length) {
      throw contradiction(file, `has pieces ${quoted(last.name)} and ${quoted(piece.name)} that overlap`);
    }
    last = piece;
  }
}

/** @throws CairnError `bad_input` where a piece lies outside the file or contradicts itself, `unsupported` without metadata */
async function read(file: ReadableFile): Promise<FileLayout> {
  const pieces = await piecesOf(file);
  checkPieces(file, pieces);
  const layouts = new Map<number, FileLayout | undefined>();
  const ranges: Part[] = [];
  const tensors: Tensor[] = [];
  let unread = 0;
  for (const piece of pieces) {
    const known = piece.length > 0 && layouts.has(piece.offset);
    const layout = known ? layouts.get(piece.offset) : await readPiece(file, piece);
    if (piece.length > 0) layouts.set(piece.offset, layout);
    if (!layout) unread++;
    const first = ranges.length;
    for (const part of layout?.parts ?? []) ranges.push({ ...part, offset: part.offset + piece.offset });
    for (const tensor of layout?.tensors ?? []) {
      tensors.push({ ...tensor, name: nameBelow(piece.name, tensor.name), part: tensor.part === -1 ? -1 : tensor.part + first });
    }
  }
  const { parts, indices } = arrangeParts(file, ranges);
  for (const tensor of tensors) if (tensor.part !== -1) tensor.part = indices[tensor.part] as number;
  return {
    format: 'distcp',
    parts,
    tensors,
    note: unread > 0 ? `${unread} of its ${pieces.length} pieces are not plain torch archives; archived as bytes` : undefined,
  };
}

export const distcp: FormatReader = { name: 'distcp', claims: (file) => file.path.endsWith('.distcp'), read };
