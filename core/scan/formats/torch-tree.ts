/**
 * Walks what a torch pickle describes and names every tensor by its path, as `state_dict()` would: keys and list positions
 * joined by dots, a module's `_parameters`, `_buffers` and `_modules` left out. Shared and cyclic structures are fine:
 * branches without tensors are walked once, and everything has a limit.
 */
import type { ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import {
  entriesOf,
  globalName,
  isKind,
  isRecord,
  itemsOf,
  type PickleCall,
  type PickleRecord,
  type PickleReference,
  type PickleValue,
} from './pickle-values.ts';
import { notUnderstood } from './refusals.ts';
import { rebuild, storageReference, type StorageReference, type TorchTensor } from './torch-rebuild.ts';

export interface NamedTensor {
  name: string;
  tensor: TorchTensor;
}

export interface TorchTree {
  tensors: NamedTensor[];
  /** Every storage that is named anywhere, in order of first mention. */
  storages: Map<string, StorageReference>;
  /** True where nesting went deeper than is looked into. */
  truncated: boolean;
}

/** Keys of a module's state that its `state_dict()` has no part in names for. */
const transparent = new Set(['_parameters', '_buffers', '_modules', '_local_tensor']);
const dictionaries = new Set([
  'collections.OrderedDict',
  'collections.defaultdict',
  'collections.Counter',
  'builtins.dict',
  '__builtin__.dict',
]);
const reconstructors = new Set(['copyreg._reconstructor', 'copy_reg._reconstructor']);

/** As Python's str() of a dictionary key, for the kinds that name tensors. */
function keyText(key: PickleValue, position: number): string {
  if (key === null) return 'None';
  if (typeof key === 'boolean') return key ? 'True' : 'False';
  if (!isRecord(key)) return String(key);
  if (key.kind === 'global') return `${key.module}.${key.name}`;
  const items = key.kind === 'tuple' && key.items.every((item) => !isRecord(item)) ? key.items : undefined;
  if (!items) return String(position);
  return `(${items.map((item) => (typeof item === 'string' ? `'${item}'` : keyText(item, 0))).join(', ')}${items.length === 1 ? ',' : ''})`;
}

type TensorOf = (id: PickleValue) => TorchTensor | undefined;

class Walk {
  readonly tree: TorchTree = { tensors: [], storages: new Map(), truncated: false };
  private readonly file: Pick<ReadableFile, 'path'>;
  private readonly tensorOf: TensorOf;
  private readonly barren = new WeakSet<PickleRecord>();
  private readonly onPath = new Set<PickleRecord>();
  private readonly timesNamed = new Map<PickleRecord, number>();
  private visits = 0;
  private found = 0;
  private nameLengths = 0;

  constructor(file: Pick<ReadableFile, 'path'>, tensorOf: TensorOf) {
    this.file = file;
    this.tensorOf = tensorOf;
  }

  /** `hidden`: keys of `value`, where it is a dictionary, that names skip. */
  visit(value: PickleValue | undefined, name: string, hidden?: ReadonlySet<string>): void {
    if (!isRecord(value) || this.barren.has(value) || this.onPath.has(value)) return;
    if (++this.visits > limits.treeVisits) throw notUnderstood(this.file, 'has a pickle with too many paths to its tensors');
    if (this.onPath.size >= limits.treeDepth) {
      this.tree.truncated = true;
      this.found++; // not known to be barren
      return;
    }
    const before = this.found;
    this.onPath.add(value);
    this.enter(value, name, hidden);
    this.onPath.delete(value);
    if (this.found === before) this.barren.add(value);
  }

  private enter(value: PickleRecord, name: string, hidden?: ReadonlySet<string>): void {
    if (value.kind === 'reference') this.reference(value, name);
    else if (value.kind === 'dictionary') this.entries(value.pairs, name, hidden);
    else if (value.kind === 'call') this.call(value, name);
    else if (value.kind !== 'bytes' && value.kind !== 'global') this.items(value.items, name);
  }

  private below(name: string, segment: string): string {
    const path = name === '' ? segment : `${name}.${segment}`;
    if (path.length > limits.nameLength)
      throw notUnderstood(this.file, `has a pickle with names of more than ${limits.nameLength} characters`);
    return path;
  }

  private entries(pairs: readonly PickleValue[], name: string, hidden?: ReadonlySet<string>): void {
    let position = 0;
    for (const [key, value] of entriesOf(pairs)) {
      const segment = isRecord(value) ? keyText(key, position) : '';
      this.visit(value, hidden?.has(segment) ? name : this.below(name, segment));
      position++;
    }
  }

  private items(items: readonly PickleValue[], name: string): void {
    for (const [index, item] of items.entries()) if (isRecord(item)) this.visit(item, this.below(name, String(index)));
  }

  private reference(value: PickleReference, name: string): void {
    const tensor = this.tensorOf(value.id);
    if (tensor) return this.name(value, name, tensor);
    const storage = storageReference(value);
    if (storage) this.store(storage);
    // torch.save of whole modules also refers to ('module', class, source file, source): nothing to find there.
  }

  private store(storage: StorageReference): void {
    this.found++;
    if (this.tree.storages.has(storage.key)) return;
    if (this.tree.storages.size >= limits.storages) throw notUnderstood(this.file, `names more than ${limits.storages} storages`);
    this.tree.storages.set(storage.key, storage);
  }

  private call(value: PickleCall, name: string): void {
    const rebuilt = rebuild(value);
    if (rebuilt?.tensor) this.name(value, name, rebuilt.tensor);
    if (rebuilt?.same !== undefined) this.visit(rebuilt.same, name);
    for (const [segment, inner] of rebuilt?.inner ?? []) this.visit(inner, this.below(name, segment));
    if (!rebuilt) this.opaque(value, name);
    this.state(value.state, name);
  }

  private opaque(value: PickleCall, name: string): void {
    const callee = globalName(value.callee) ?? '';
    if (reconstructors.has(callee)) this.visit(value.args[2], name);
    else if (dictionaries.has(callee)) for (const arg of value.args) this.pairList(arg, name);
    else this.items(value.args, name);
    this.items(value.items, name);
    this.entries(value.pairs, name);
  }

  /** OrderedDict([[key, value], ...]), as Python 2 wrote it. */
  private pairList(arg: PickleValue, name: string): void {
    const pairs = itemsOf(arg)?.map(itemsOf);
    if (pairs?.every((pair) => pair?.length === 2)) this.entries((pairs as PickleValue[][]).flat(), name);
    else this.visit(arg, name);
  }

  /** A state of two is the usual dictionary and that of `__slots__`. */
  private state(state: PickleValue | undefined, name: string): void {
    if (!isKind(state, 'tuple') || state.items.length !== 2) return this.visit(state, name, transparent);
    for (const half of state.items) this.visit(half, name, transparent);
  }

  private name(record: PickleRecord, name: string, tensor: TorchTensor): void {
    const times = (this.timesNamed.get(record) ?? 0) + 1;
    this.timesNamed.set(record, times);
    this.nameLengths += name.length;
    const bounded = times <= limits.namesPerTensor && this.tree.tensors.length < limits.tensors && this.nameLengths <= limits.nameLengthSum;
    if (!bounded) throw notUnderstood(this.file, 'names more tensors than a checkpoint has');
    this.found++;
    if (tensor.storage) this.store(tensor.storage);
    this.tree.tensors.push({ name, tensor });
  }
}

/**
 * Finds and names the tensors below `root`.
 *
 * @param prefix in front of every name; may be empty
 * @param tensorOf of files whose pickles refer to tensors by number: the tensor of a reference
 * @throws CairnError `unsupported` above a limit
 */
export function findTensors(
  file: Pick<ReadableFile, 'path'>,
  root: PickleValue,
  prefix = '',
  tensorOf: TensorOf = () => undefined,
): TorchTree {
  const walk = new Walk(file, tensorOf);
  walk.visit(root, prefix);
  return walk.tree;
}
