/** Measures one step, by itself and against the one before: windows -> native sums in parallel -> figures by kind and layer. */
import type { Analysis, FileRange } from '../codec/binding.ts';
import { ordered } from '../codec/ordered.ts';
import type { KindMeasures, LayerMeasures } from '../contract/model.ts';
import { withRanges, type ReadContext } from './readable.ts';
import type { Window } from './sampling.ts';
import type { StepTensor } from './step-tensors.ts';

const taskBytes = 8 * 1024 * 1024;

interface Task {
  kind: string;
  layer: string;
  windows: Window<StepTensor>[];
  paired: boolean;
}

export interface Measured {
  kinds: KindMeasures[];
  /** Of weights only. */
  layers: LayerMeasures[];
  bytesSampled: number;
}

const bytesOf = ({ tensor, count }: Window<StepTensor>): number => count * tensor.width;

/** Windows of one kind, layer and pairing together, at most `taskBytes` of them. */
function* tasksOf(windows: readonly Window<StepTensor>[], pairs: ReadonlyMap<StepTensor, StepTensor>): Generator<Task> {
  const open = new Map<string, { task: Task; bytes: number }>();
  for (const window of windows) {
    const { kind, part, layer } = window.tensor;
    const paired = pairs.has(window.tensor);
    const key = `${window.tensor.group}\0${window.tensor.element}\0${paired}`;
    const held = open.get(key) ?? { task: { kind, layer: part === 'weights' ? layer : '', windows: [], paired }, bytes: 0 };
    open.set(key, held);
    held.task.windows.push(window);
    held.bytes += bytesOf(window);
    if (held.bytes < taskBytes) continue;
    yield held.task;
    open.delete(key);
  }
  for (const { task } of open.values()) yield task;
}

async function analyseTask(task: Task, pairs: ReadonlyMap<StepTensor, StepTensor>, context: ReadContext): Promise<Analysis> {
  const { element } = task.windows[0]!.tensor;
  const before = task.paired ? task.windows.map((window) => ({ ...window, tensor: pairs.get(window.tensor)! })) : [];
  return withRanges([...task.windows, ...before], context, async (ranges) => {
    const flat = (some: FileRange[][]): FileRange[] => some.flat();
    const [sources, bases] = [flat(ranges.slice(0, task.windows.length)), flat(ranges.slice(task.windows.length))];
    const aligned = task.paired ? alignRanges(sources, bases) : { sources, bases: [] };
    const item = { element, sources: aligned.sources, ...(task.paired ? { bases: aligned.bases } : {}) };
    return (await context.pool.analyse({ items: [item], cancel: context.cancel }))[0]!;
  });
}

/** Cuts two lists of ranges of the same total at the same places: one may be divided into blocks where the other is not. */
export function alignRanges(sources: readonly FileRange[], bases: readonly FileRange[]): { sources: FileRange[]; bases: FileRange[] } {
  const cut = { sources: [] as FileRange[], bases: [] as FileRange[] };
  let [base, used] = [0, 0];
  for (const source of sources) {
    for (let at = 0; at < source.length;) {
      const other = bases[base]!;
      const length = Math.min(source.length - at, other.length - used);
      cut.sources.push({ path: source.path, offset: source.offset + at, length });
      cut.bases.push({ path: other.path, offset: other.offset + used, length });
      at += length;
      used += length;
      if (used === other.length) [base, used] = [base + 1, 0];
    }
  }
  return cut;
}

/** Sums of everything measured under one name. */
class Sums {
  elements = 0;
  pairedElements = 0;
  unchanged = 0;
  finitePairs = 0;
  absoluteChange = 0;
  readonly planeBits: number[] = [];
  readonly exponents: number[] = [];
  readonly bitFlips: number[] = [];

  add(analysis: Analysis): void {
    this.elements += analysis.elements;
    accumulate(this.planeBits, analysis.planeBits);
    accumulate(this.exponents, analysis.exponents);
    if (!analysis.bitFlips) return;
    this.pairedElements += analysis.elements;
    accumulate(this.bitFlips, analysis.bitFlips);
    this.unchanged += analysis.unchanged ?? 0;
    this.finitePairs += analysis.finitePairs ?? 0;
    this.absoluteChange += analysis.absoluteChange ?? 0;
  }

  change(): { changed?: number; meanChange?: number } {
    if (this.pairedElements === 0) return {};
    const changed = 1 - this.unchanged / this.pairedElements;
    return this.finitePairs === 0 ? { changed } : { changed, meanChange: this.absoluteChange / this.finitePairs };
  }
}

function accumulate(sums: number[], values: Float64Array | undefined): void {
  values?.forEach((value, index) => (sums[index] = (sums[index] ?? 0) + value));
}

function sumsOf(all: Map<string, Sums>, name: string): Sums {
  const sums = all.get(name) ?? new Sums();
  all.set(name, sums);
  return sums;
}

function kindMeasures(kind: string, sums: Sums): KindMeasures {
  const { elements, pairedElements, planeBits, exponents, bitFlips } = sums;
  return {
    kind,
    elements,
    planes: planeBits.map((bits) => bits / elements),
    ...(exponents.length > 0 ? { exponents } : {}),
    ...(pairedElements > 0 ? { flips: bitFlips.map((count) => count / pairedElements) } : {}),
    ...sums.change(),
  };
}

/**
 * @param pairs of the windows' tensors with those of the step before; tensors without one are measured alone
 * @throws CairnError `changed` where a file became shorter, `damaged`, `cancelled`.
 */
export async function measure(
  windows: readonly Window<StepTensor>[],
  pairs: ReadonlyMap<StepTensor, StepTensor>,
  context: ReadContext,
): Promise<Measured> {
  const [kinds, layers] = [new Map<string, Sums>(), new Map<string, Sums>()];
  const results = ordered(tasksOf(windows, pairs), context.pool.threads, (task) => analyseTask(task, pairs, context));
  for await (const [task, analysis] of results) {
    sumsOf(kinds, task.kind).add(analysis);
    if (task.layer !== '') sumsOf(layers, task.layer).add(analysis);
  }
  return {
    kinds: [...kinds].map(([kind, sums]) => kindMeasures(kind, sums)),
    layers: [...layers].map(([layer, sums]) => ({ layer, elements: sums.elements, ...sums.change() })),
    bytesSampled: windows.reduce((sum, window) => sum + bytesOf(window), 0),
  };
}
