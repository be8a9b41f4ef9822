/**
 * What torch.save wrote before 1.6 (and still can): five pickles in a row (magic number, protocol 1001, machine, the tree, keys of the
 * storages), then each storage as an int64 count of elements and its bytes, in the order of the keys.
 * `_legacy_save` of torch/serialization.py is the source of the layout.
 */
import type { FileLayout, FormatReader, ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { readPickle, type Pickle } from './pickle.ts';
import { PickleCutShort } from './pickle-machine.ts';
import { dangerNote } from './pickle-danger.ts';
import { itemsOf, member, type PickleValue } from './pickle-values.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { placeTensors, storageBytes, type StorageRange } from './torch-layout.ts';
import { findTensors, type TorchTree } from './torch-tree.ts';

const magic = 0x1950a86a20f9469cfc6cn;

/** PROTO, LONG1 of ten bytes, the magic number: the same in protocols 2 to 5, those from 4 on put a FRAME between. */
function claims(file: ReadableFile): boolean {
  if (file.head[0] !== 0x80) return false;
  return Buffer.from(file.head.buffer, file.head.byteOffset, Math.min(file.head.length, 32)).includes(
    Buffer.from('8a0a6cfc9c46f920', 'hex'),
  );
}

interface Prologue {
  machine: PickleValue;
  tree: TorchTree;
  keys: string[];
  globals: string[];
  /** Where the storages begin. */
  end: number;
}

function readPrologue(file: ReadableFile, bytes: Uint8Array): Prologue {
  const pickles: Pickle[] = [];
  for (let index = 0, at = 0; index < 5; index++) {
    const pickle = readPickle(file, bytes, at);
    pickles.push(pickle);
    at = pickle.end;
    if (index === 0 && pickle.value !== magic) throw notUnderstood(file, 'begins with a pickle that is not torch.save');
    if (index === 1 && pickle.value !== 1001) throw notUnderstood(file, 'has a version of torch.save other than 1001');
  }
  const [, , machine, root, keys] = pickles as [Pickle, Pickle, Pickle, Pickle, Pickle];
  const names = itemsOf(keys.value)?.map(String);
  if (!names) throw contradiction(file, 'has no list of its storages');
  const globals = pickles.flatMap((pickle) => pickle.globals);
  return { machine: machine.value, tree: findTensors(file, root.value), keys: names, globals, end: keys.end };
}

/** The pickles have no length of their own, so they are read from a window that grows until it holds them. */
async function readGrowing(file: ReadableFile): Promise<Prologue> {
  for (let length = Math.min(file.size, 1024 * 1024); ; length = Math.min(file.size, length * 4, limits.pickleBytes)) {
    try {
      return readPrologue(file, await file.read(0, length));
    } catch (thrown) {
      if (!(thrown instanceof PickleCutShort)) throw thrown;
      if (length === file.size) throw contradiction(file, 'ends inside its pickles: it is cut short');
      if (length === limits.pickleBytes) throw notUnderstood(file, `has pickles of more than ${limits.pickleBytes} bytes`);
    }
  }
}

async function storageRanges(file: ReadableFile, prologue: Prologue): Promise<Map<string, StorageRange>> {
  const known = prologue.tree.storages;
  const ranges = new Map<string, StorageRange>();
  let at = prologue.end;
  for (const key of prologue.keys) {
    const storage = known.get(key);
    if (!storage) throw notUnderstood(file, `has a storage ${quoted(key)} of a kind that this Cairn doesn't know`);
    if (ranges.has(key)) throw contradiction(file, `lists the storage ${quoted(key)} twice`);
    const header = await file.read(at, 8);
    const count = new DataView(header.buffer, header.byteOffset, 8).getBigInt64(0, true);
    if (count !== BigInt(storage.length))
      throw contradiction(file, `has ${count} elements in storage ${quoted(key)}, its pickle says ${storage.length}`);
    const length = storageBytes(storage);
    if (length > file.size - at - 8)
      throw contradiction(file, `is cut short: storage ${quoted(key)} needs ${length} bytes at ${at + 8}, the file ends at ${file.size}`);
    ranges.set(key, { offset: at + 8, length });
    at += 8 + length;
  }
  if (ranges.size < known.size) throw contradiction(file, 'refers to storages that it does not list');
  return ranges;
}

/** @throws CairnError `bad_input` where pickles, keys and storages disagree, `unsupported` for other versions and above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const prologue = await readGrowing(file);
  const bigEndian = member(prologue.machine, 'little_endian') === false;
  if (bigEndian) throw notUnderstood(file, 'was written by a big-endian machine');
  const placed = placeTensors(file, prologue.tree, await storageRanges(file, prologue));
  return { format: 'torch-legacy', ...placed, note: dangerNote(prologue.globals) };
}

export const torchLegacy: FormatReader = { name: 'torch-legacy', claims, read };
