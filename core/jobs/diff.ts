/**
 * What changed between two snapshots, from their records alone: nothing is decoded. Tensors pair as along a chain, by name
 * within the file that stands for theirs, then anywhere where the name is there once. Equal digests are equal bytes; how
 * far others are apart is told by the deltas between them, where one was decoded against the other.
 */
import type { DiffFile, DiffTensor, SnapshotDiff } from '../contract/model.ts';
import { pairFiles } from '../plan/pairing.ts';
import type { Manifest, ManifestFile, ManifestTensor } from '../store/manifest.ts';
import { baseOf, maxDepth, type Store } from '../store/store.ts';

export interface DiffOptions {
  /** Which of the tensors are listed, in the order of `order`; they are counted all the same. */
  offset: number;
  limit: number;
}

type Change = DiffTensor['change'];
const order: readonly Change[] = ['changed', 'unknown', 'added', 'removed', 'unchanged'];

/** A tensor with what its record needs of its manifest. */
interface Side {
  tensor: ManifestTensor;
  file: ManifestFile;
  /** Of the storage that it lies in, where its bytes are told apart from the file's. */
  digest: string | undefined;
  bytes: number;
  /** Of everything in its file that is no storage. */
  rest: string | undefined;
}

interface Pair {
  before?: Side;
  after?: Side;
}

function sidesOf(manifest: Manifest): Side[] {
  return manifest.tensors.map((tensor) => {
    const file = manifest.files[tensor.file]!;
    const part = file.parts[tensor.part];
    return { tensor, file, digest: part && manifest.blobs[part[2]], bytes: part?.[1] ?? 0, rest: manifest.blobs[file.rest] };
  });
}

/** Where a name is there once, that one. */
function onceByName(sides: readonly Side[]): Map<string, Side | undefined> {
  const byName = new Map<string, Side | undefined>();
  for (const side of sides) byName.set(side.tensor.name, byName.has(side.tensor.name) ? undefined : side);
  return byName;
}

function pairTensors(before: readonly Side[], after: readonly Side[]): Pair[] {
  const pathsOf = (sides: readonly Side[]): string[] => [...new Set(sides.map(({ file }) => file.path))];
  const files = pairFiles(pathsOf(after), pathsOf(before));
  const inFile = new Map(before.map((side) => [`${side.file.path}\0${side.tensor.name}`, side]));
  const [onceBefore, onceAfter] = [onceByName(before), onceByName(after)];
  const taken = new Set<Side>();
  const take = (side: Side | undefined): Side | undefined => {
    if (!side || taken.has(side)) return undefined;
    taken.add(side);
    return side;
  };
  const direct = after.map((side) => take(inFile.get(`${files.get(side.file.path)}\0${side.tensor.name}`)));
  const pairs = after.map((side, index): Pair => {
    const other = direct[index] ?? take(onceAfter.get(side.tensor.name) && onceBefore.get(side.tensor.name));
    return other ? { before: other, after: side } : { after: side };
  });
  return [...pairs, ...before.filter((side) => !taken.has(side)).map((side) => ({ before: side }))];
}

const sameList = (a: readonly number[] = [], b: readonly number[] = []): boolean =>
  a.length === b.length && a.every((n, at) => n === b[at]);

const sameView = (a: ManifestTensor, b: ManifestTensor): boolean =>
  a.dtype === b.dtype && sameList(a.shape, b.shape) && a.offset === b.offset && sameList(a.strides, b.strides);

function changeOf({ before, after }: Pair): Change {
  if (!before) return 'added';
  if (!after) return 'removed';
  if (!sameView(before.tensor, after.tensor)) return 'changed';
  if (before.digest !== undefined && after.digest !== undefined) return before.digest === after.digest ? 'unchanged' : 'changed';
  if (before.file.digest === after.file.digest) return 'unchanged';
  // Its bytes are among others that are kept as one: those tell only where they are equal.
  return before.digest === after.digest && before.rest !== undefined && before.rest === after.rest ? 'unchanged' : 'unknown';
}

/** Stored bytes of the deltas that lead from one content to another; undefined where none do. */
async function deltaBytes(store: Store, from: string, to: string): Promise<number | undefined> {
  let bytes = 0;
  let digest = to;
  for (let depth = 0; depth < maxDepth; depth++) {
    const found = await store.lookup(digest);
    const base = found && baseOf(found.entry);
    if (base === undefined) return undefined;
    bytes += found!.entry.storedLength;
    if (base === from) return bytes;
    digest = base;
  }
  return undefined;
}

async function tensorRow(store: Store, pair: Pair, change: Change): Promise<DiffTensor> {
  const { tensor, file, bytes } = (pair.after ?? pair.before)!;
  const { name, dtype, shape } = tensor;
  const row: DiffTensor = { name, file: file.path, change, dtype, shape, bytes };
  const { before, after } = pair;
  if (!before || !after) return row;
  if (before.file.path !== file.path) row.fileBefore = before.file.path;
  if (before.tensor.dtype !== dtype) row.dtypeBefore = before.tensor.dtype;
  if (!sameList(before.tensor.shape, shape)) row.shapeBefore = before.tensor.shape;
  if (change === 'changed' && before.digest !== undefined && after.digest !== undefined && before.digest !== after.digest) {
    row.bytesDelta = (await deltaBytes(store, before.digest, after.digest)) ?? (await deltaBytes(store, after.digest, before.digest));
  }
  return row;
}

/** Files pair by path, then by content, then numbers aside. */
function diffFiles(before: readonly ManifestFile[], after: readonly ManifestFile[]): DiffFile[] {
  const byPath = new Map(before.map((file) => [file.path, file]));
  const alike = pairFiles(
    after.map((file) => file.path),
    before.map((file) => file.path),
  );
  const byDigest = new Map(before.map((file) => [file.digest, file]));
  const taken = new Set<ManifestFile>();
  const take = (file: ManifestFile | undefined): ManifestFile | undefined => {
    if (!file || taken.has(file)) return undefined;
    taken.add(file);
    return file;
  };
  const same = after.map((file) => take(byPath.get(file.path)));
  const equal = after.map((file, index) => same[index] ?? take(byDigest.get(file.digest)));
  const rows = after.map((file, index): DiffFile => {
    const other = equal[index] ?? take(byPath.get(alike.get(file.path) ?? ''));
    if (!other) return { path: file.path, change: 'added', bytes: file.size };
    const change = other.digest === file.digest ? 'unchanged' : 'changed';
    const row: DiffFile = { path: file.path, change, bytes: file.size, bytesBefore: other.size };
    return other.path === file.path ? row : { ...row, pathBefore: other.path };
  });
  const gone = before.filter((file) => !taken.has(file));
  return [...rows, ...gone.map(({ path, size }): DiffFile => ({ path, change: 'removed', bytes: size }))];
}

/**
 * Compares two snapshots.
 *
 * @param a id of the one before
 * @param b id of the one after
 * @throws CairnError `not_found`, `damaged`, `unsupported`
 */
export async function diffSnapshots(store: Store, a: string, b: string, { offset, limit }: DiffOptions): Promise<SnapshotDiff> {
  const [before, after] = [await store.manifest(a), await store.manifest(b)];
  const changes = pairTensors(sidesOf(before), sidesOf(after)).map((pair) => ({ pair, change: changeOf(pair) }));
  const counts = { changed: 0, unknown: 0, added: 0, removed: 0, unchanged: 0 };
  for (const { change } of changes) counts[change] += 1;
  const listed = order.flatMap((wanted) => changes.filter(({ change }) => change === wanted)).slice(offset, offset + limit);
  const tensors: DiffTensor[] = [];
  for (const { pair, change } of listed) tensors.push(await tensorRow(store, pair, change));
  return { a, b, counts, total: changes.length, tensors, files: diffFiles(before.files, after.files) };
}
