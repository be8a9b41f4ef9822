/** The tensors of one step and where their original bytes can be read: in the files of the checkpoint, or in the store. */
import { elementWidths, type ElementId } from '../codec/elements.ts';
import { CairnError, toCairnError, type ErrorCode } from '../contract/errors.ts';
import type { Step } from '../contract/model.ts';
import { BaseSet, pairFiles } from '../plan/pairing.ts';
import { readCheckpoint } from '../scan/read-checkpoint.ts';
import type { FoundCheckpoint } from '../scan/found.ts';
import type { Manifest } from '../store/manifest.ts';
import { isSame } from '../store/same-files.ts';
import type { Store } from '../store/store.ts';
import type { FoundCheckpoints } from './found-checkpoints.ts';
import { kindOf, layerOf, partOfTensor, type Part } from './subjects.ts';

export type TensorPlace = { path: string; offset: number } | { digest: string; blockLog2: number };

export interface StepTensor {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Path within the checkpoint. */
  file: string;
  /** In its file. */
  offset: number;
  element: ElementId;
  width: number;
  elements: number;
  place: TensorPlace;
  part: Part;
  kind: string;
  layer: string;
  /** Tensors sampled together. */
  group: string;
}

export interface StepTensors {
  step: number;
  /** Tells this content of the step from another one under the same number. */
  identity: string;
  from: 'originals' | 'store';
  tensors: StepTensor[];
}

interface Named {
  name: string;
  dtype: string;
  shape: readonly number[];
}

function describe(named: Named, file: string, offset: number, length: number, element: ElementId, place: TensorPlace): StepTensor {
  const { name, dtype, shape } = named;
  const [part, kind, layer] = [partOfTensor(file, name), kindOf(file, name, dtype), layerOf(name)];
  const width = elementWidths[element];
  const group = part === 'weights' ? `${kind}\0${layer}` : kind;
  return { name, dtype, shape, file, offset, element, width, elements: Math.floor(length / width), place, part, kind, layer, group };
}

/** Of tensors that share a storage, the first stands for it. */
function firstOfEach<T extends { part: number }>(tensors: readonly T[]): T[] {
  const seen = new Set<number>();
  return tensors.filter(({ part }) => part >= 0 && !seen.has(part) && seen.add(part));
}

/**
 * @param snapshot that was made of it, where there is one
 * @throws CairnError `changed` where it is another than the snapshot's, `bad_input` where a file contradicts itself.
 */
async function tensorsOnDisk(found: FoundCheckpoint, step: number, snapshot: Manifest | undefined): Promise<StepTensors> {
  const place = found.path;
  if (snapshot && !isSame(snapshot, found))
    throw new CairnError('changed', `${place}: it is no longer what was archived; scan its folder again`, { path: place });
  const files = await readCheckpoint(found);
  const tensors = files.flatMap(({ found: file, path: filePath, layout }) =>
    firstOfEach(layout.tensors).flatMap((tensor) => {
      const part = layout.parts[tensor.part];
      if (!part || part.length === 0) return [];
      return describe(tensor, file.path, part.offset, part.length, part.element, { path: filePath, offset: part.offset });
    }),
  );
  const identity = files.map(({ found: file }) => `${file.path}:${file.size}:${file.mtimeNs}`).join('|');
  return { step, identity: `${place}|${identity}`, from: 'originals', tensors };
}

/** @throws CairnError `not_found`, `damaged`, `unsupported`. */
async function tensorsInStore(store: Store, id: string, step: number): Promise<StepTensors> {
  const manifest = await store.manifest(id);
  const tensors: StepTensor[] = [];
  for (const [index, file] of manifest.files.entries()) {
    for (const tensor of firstOfEach(manifest.tensors.filter((candidate) => candidate.file === index))) {
      const part = file.parts[tensor.part];
      const entry = part && (await store.lookup(manifest.blobs[part[2]]!))?.entry;
      if (!entry || entry.coding !== 'tensor' || entry.rawLength === 0) continue;
      const place = { digest: entry.digest, blockLog2: entry.blockLog2 };
      tensors.push(describe(tensor, file.path, part[0], part[1], entry.element, place));
    }
  }
  return { step, identity: id, from: 'store', tensors };
}

export interface Loading {
  checkpoints: FoundCheckpoints;
  /** Folder of the step's run. */
  run: string;
  readStore(): Promise<Store>;
  /** Leaves originals alone where there is a snapshot: they have just turned out not to be what they were. */
  storeFirst?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Originals where they are complete and still what was archived, because reading them is faster; else the snapshot.
 * Undefined where there is neither.
 */
export async function loadStep(step: Step, loading: Loading): Promise<StepTensors | undefined> {
  const { checkpoints, run, readStore, storeFirst = false, signal } = loading;
  const { checkpoint, snapshot } = step;
  if (checkpoint?.state === 'complete' && !(snapshot && storeFirst)) {
    try {
      const manifest = snapshot && (await (await readStore()).manifest(snapshot.id));
      return await tensorsOnDisk(await checkpoints.get(run, checkpoint.path, signal), step.step, manifest);
    } catch (thrown) {
      if (!snapshot || !isLost(thrown)) throw thrown;
    }
  }
  return snapshot && tensorsInStore(await readStore(), snapshot.id, step.step);
}

const lost: readonly ErrorCode[] = ['not_found', 'changed', 'bad_input', 'denied', 'io'];

/** True for failures of originals that the store may make up for. */
export const isLost = (thrown: unknown): boolean => lost.includes(toCairnError(thrown).code);

/** @returns for each tensor the one of `before` that it continues, where there is one. */
export function pairTensors(now: readonly StepTensor[], before: readonly StepTensor[]): Map<StepTensor, StepTensor> {
  const [bases, places] = [new BaseSet(), new Map<string, StepTensor>()];
  for (const tensor of before) {
    const { element, file, offset, elements, width } = tensor;
    places.set(`${file}\0${offset}`, tensor);
    bases.add(tensor, { digest: '', length: elements * width, element, blockLog2: 0, depth: 0, file, offset });
  }
  const filePairs = pairFiles([...new Set(now.map(({ file }) => file))], bases.files());
  const pairs = new Map<StepTensor, StepTensor>();
  for (const tensor of now) {
    const base = bases.find(tensor, tensor.elements * tensor.width, filePairs.get(tensor.file));
    const place = base && places.get(`${base.file}\0${base.offset}`);
    if (place && place.element === tensor.element) pairs.set(tensor, place);
  }
  return pairs;
}

/** Bytes that a snapshot's new contents take in the store now, by part; what is in no tensor counts as other. */
export async function storedByPart(store: Store, manifest: Manifest): Promise<Record<Part, number>> {
  const partOfBlob = new Map<number, Part>();
  for (const tensor of manifest.tensors) {
    const file = manifest.files[tensor.file]!;
    const blob = file.parts[tensor.part]?.[2];
    if (blob !== undefined && !partOfBlob.has(blob)) partOfBlob.set(blob, partOfTensor(file.path, tensor.name));
  }
  const bytes: Record<Part, number> = { weights: 0, optimizer: 0, other: 0 };
  for (const blob of manifest.new) {
    bytes[partOfBlob.get(blob) ?? 'other'] += (await store.lookup(manifest.blobs[blob]!))?.entry.storedLength ?? 0;
  }
  return bytes;
}
