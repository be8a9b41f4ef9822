/**
 * The tar archives that torch.save wrote before 0.1.10 (2017): `storages` has a count, then for each storage a pickle (key, location, class), an
 * int64 count of elements and its bytes, and at last a pickle of views (key, key of the whole, offset, elements); `tensors` has a count, then for
 * each tensor a pickle (key, key of its storage, class), its dimensions as int32 and four unused bytes, sizes, strides and offset as int64;
 * `pickle` has the tree, which refers to tensors by their keys. `legacy_load` of torch/serialization.py is the source of the layout.
 */
import type { FileLayout, FormatReader, ReadableFile } from '../file-layout.ts';
import { openWindow } from '../readable-file.ts';
import { HeaderCursor } from './header-cursor.ts';
import { limits } from './limits.ts';
import { readPickle, readWholePickle, type Pickle } from './pickle.ts';
import { PickleCutShort } from './pickle-machine.ts';
import { dangerNote } from './pickle-danger.ts';
import { isKind, itemsOf, wholeNumber, type PickleValue } from './pickle-values.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { firstName, isTar, readTar } from './tar.ts';
import { storageDtype } from './torch-dtypes.ts';
import { placeTensors, storageBytes, type StorageRange } from './torch-layout.ts';
import type { StorageReference, TorchTensor } from './torch-rebuild.ts';
import { findTensors } from './torch-tree.ts';

const members = new Set(['sys_info', 'pickle', 'storages', 'tensors']);
/** A count or a tuple of a few words. */
const smallPickleBytes = 64 * 1024;

const claims = (file: ReadableFile): boolean => isTar(file.head) && members.has(firstName(file.head));

/** Keys are numbers, as text or not. */
const keyOf = (value: PickleValue | undefined): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;

/** Reads pickles and numbers in turn. */
class Turns {
  readonly file: ReadableFile;
  readonly globals: string[] = [];
  at = 0;

  constructor(file: ReadableFile) {
    this.file = file;
  }

  async pickle(mostBytes = smallPickleBytes): Promise<PickleValue> {
    const bytes = await this.file.read(this.at, Math.min(mostBytes, this.file.size - this.at));
    let pickle: Pickle;
    try {
      pickle = readPickle(this.file, bytes);
    } catch (thrown) {
      if (thrown instanceof PickleCutShort) throw contradiction(this.file, `has a pickle at ${this.at} that is cut short`);
      throw thrown;
    }
    this.at += pickle.end;
    this.globals.push(...pickle.globals);
    return pickle.value;
  }

  async count(what: string): Promise<number> {
    const count = wholeNumber(await this.pickle());
    if (count === undefined || count < 0) throw contradiction(this.file, `has no count of its ${what}`);
    if (count > limits.storages) throw notUnderstood(this.file, `has more than ${limits.storages} ${what}`);
    return count;
  }

  async int64s(count: number): Promise<number[]> {
    const view = await new HeaderCursor(this.file, this.at).take(8 * count);
    this.at += 8 * count;
    const numbers = Array.from({ length: count }, (_, index) => Number(view.getBigInt64(8 * index, true)));
    if (!numbers.every(Number.isSafeInteger)) throw contradiction(this.file, 'has sizes that no tensor has');
    return numbers;
  }
}

interface Storages {
  /** By key, views included. */
  references: Map<string, StorageReference>;
  /** Of whole storages, in the file. */
  ranges: Map<string, StorageRange>;
}

async function readStorages(turns: Turns, start: number): Promise<Storages> {
  const found: Storages = { references: new Map(), ranges: new Map() };
  for (let left = await turns.count('storages'); left > 0; left--) {
    const [keyValue, , kind] = itemsOf(await turns.pickle()) ?? [];
    const [key, dtype] = [keyOf(keyValue), isKind(kind, 'global') ? storageDtype(kind.name) : undefined];
    if (key === undefined || !dtype || dtype === 'untyped')
      throw notUnderstood(turns.file, "has a storage of a kind that this Cairn doesn't know");
    const [length = 0] = await turns.int64s(1);
    const storage: StorageReference = { key, dtype, length, viewOffset: 0 };
    const bytes = storageBytes(storage);
    if (length < 0 || bytes > turns.file.size - turns.at) throw contradiction(turns.file, `is cut short in storage ${quoted(key)}`);
    found.references.set(key, storage);
    found.ranges.set(key, { offset: start + turns.at, length: bytes });
    turns.at += bytes;
  }
  for (const view of itemsOf(await turns.pickle(limits.pickleBytes)) ?? []) addView(turns.file, found.references, itemsOf(view) ?? []);
  return found;
}

function addView(file: ReadableFile, references: Map<string, StorageReference>, [target, root, offset, count]: PickleValue[]): void {
  const whole = references.get(keyOf(root) ?? '');
  const [key, viewOffset, length] = [keyOf(target), wholeNumber(offset), wholeNumber(count)];
  if (
    !whole ||
    key === undefined ||
    viewOffset === undefined ||
    length === undefined ||
    viewOffset < 0 ||
    viewOffset + length > whole.length
  )
    throw contradiction(file, 'has a view of a storage that is not there');
  references.set(key, { ...whole, viewOffset });
}

async function readTensors(turns: Turns, storages: ReadonlyMap<string, StorageReference>): Promise<Map<string, TorchTensor>> {
  const tensors = new Map<string, TorchTensor>();
  for (let left = await turns.count('tensors'); left > 0; left--) {
    const [keyValue, storageKey] = itemsOf(await turns.pickle()) ?? [];
    const [key, storage] = [keyOf(keyValue), storages.get(keyOf(storageKey) ?? '')];
    if (key === undefined || !storage || storage.dtype === 'untyped') throw contradiction(turns.file, 'has a tensor without a storage');
    const dimensions = (await new HeaderCursor(turns.file, turns.at).take(8)).getInt32(0, true);
    if (dimensions < 0 || dimensions > limits.dimensions) throw contradiction(turns.file, `has a tensor of ${dimensions} dimensions`);
    turns.at += 8;
    const numbers = await turns.int64s(2 * dimensions + 1);
    const offset = numbers.at(-1)! + storage.viewOffset;
    tensors.set(key, {
      dtype: storage.dtype,
      shape: numbers.slice(0, dimensions),
      strides: numbers.slice(dimensions, 2 * dimensions),
      offset,
      storage,
    });
  }
  return tensors;
}

/** @throws CairnError `bad_input` where members, storages and tensors disagree, `unsupported` for storages of other kinds and above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const found = new Map((await readTar(file)).map((member) => [member.name, member]));
  const open = async (name: string): Promise<{ turns: Turns; start: number }> => {
    const member = found.get(name);
    if (!member) throw contradiction(file, `is a tar archive of torch without its member ${name}`);
    return { turns: new Turns(await openWindow(file, member.offset, member.length)), start: member.offset };
  };
  const [storages, tensors, tree] = [await open('storages'), await open('tensors'), await open('pickle')];
  const { references, ranges } = await readStorages(storages.turns, storages.start);
  const byKey = await readTensors(tensors.turns, references);
  const pickleFile = tree.turns.file;
  if (pickleFile.size > limits.pickleBytes) throw notUnderstood(file, `has a pickle of more than ${limits.pickleBytes} bytes`);
  const root = readWholePickle(file, await pickleFile.read(0, pickleFile.size));
  const named = findTensors(file, root.value, '', (id) => byKey.get(keyOf(id) ?? ''));
  const globals = [...storages.turns.globals, ...tensors.turns.globals, ...root.globals];
  return { format: 'torch-tar', ...placeTensors(file, named, ranges), note: dangerNote(globals) };
}

export const torchTar: FormatReader = { name: 'torch-tar', claims, read };
