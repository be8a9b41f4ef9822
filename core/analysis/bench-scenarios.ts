/**
 * What the codec benchmark measures: for the newest checkpoint of each run and each element type in it, all tensors
 * together, alone and (where the one before has them too) as a delta. The bytes are gathered into one file a scenario,
 * so that a measurement is one range in memory.
 */
import path from 'node:path';
import type { FileRange } from '../codec/binding.ts';
import { elements, type ElementId } from '../codec/elements.ts';
import { BaseSet } from '../plan/pairing.ts';
import type { FileLayout } from '../scan/file-layout.ts';
import type { FoundRun } from '../scan/found.ts';
import type { CheckpointFile } from '../scan/read-checkpoint.ts';
import { firstBytes, gatherRanges } from './ranges.ts';

export interface BenchScenario {
  scenario: string;
  dtype: string;
  element: ElementId;
  mode: 'alone' | 'delta';
  source: FileRange;
  base?: FileRange;
}

/** More would only measure the same longer. */
const mostBytes = 256 * 1024 * 1024;

interface Gathered {
  element: ElementId;
  source: FileRange[];
  base: (FileRange | undefined)[];
}

const partName = (file: string, tensor: FileLayout['tensors'][number]) => ({
  file,
  name: tensor.name,
  dtype: tensor.dtype,
  shape: tensor.shape,
});

function* namedParts(files: readonly CheckpointFile[]) {
  for (const { path: file, layout } of files) {
    const seen = new Set<number>();
    for (const tensor of layout.tensors) {
      const part = layout.parts[tensor.part];
      if (!part || seen.has(tensor.part)) continue;
      seen.add(tensor.part);
      yield { file, part, name: partName(path.basename(file), tensor) };
    }
  }
}

function basesOf(files: readonly CheckpointFile[]): BaseSet {
  const bases = new BaseSet();
  for (const { file, part, name } of namedParts(files)) {
    bases.add(name, { digest: '', length: part.length, element: part.element, blockLog2: 0, depth: 0, file, offset: part.offset });
  }
  return bases;
}

/** Parts by element, each with the same part of the checkpoint before. */
function gather(newest: readonly CheckpointFile[], before: readonly CheckpointFile[]): Gathered[] {
  const bases = basesOf(before);
  const byElement = new Map<ElementId, Gathered>();
  for (const { file, part, name } of namedParts(newest)) {
    const gathered = byElement.get(part.element) ?? { element: part.element, source: [], base: [] };
    byElement.set(part.element, gathered);
    const base = bases.find(name, part.length);
    gathered.source.push({ path: file, offset: part.offset, length: part.length });
    gathered.base.push(base && { path: base.file, offset: base.offset, length: base.length });
  }
  return [...byElement.values()];
}

const nameOf = (element: ElementId): string => Object.entries(elements).find(([, id]) => id === element)![0];

/**
 * @param newest the files of the run's newest checkpoint, `before` those of the one before (none: only alone)
 * @param scratch an existing folder that the gathered bytes go to
 * @param most bytes of a scenario, a multiple of eight
 */
export async function scenariosOf(
  run: FoundRun,
  newest: readonly CheckpointFile[],
  before: readonly CheckpointFile[],
  scratch: string,
  most = mostBytes,
): Promise<BenchScenario[]> {
  const scenarios: BenchScenario[] = [];
  const join = (ranges: readonly FileRange[], file: string): Promise<FileRange> => gatherRanges(firstBytes(ranges, most), file);
  for (const { element, source, base } of gather(newest, before)) {
    const dtype = nameOf(element);
    const file = (kind: string): string => path.join(scratch, `${scenarios.length}-${dtype}-${kind}`);
    scenarios.push({ scenario: run.name, dtype, element, mode: 'alone', source: await join(source, file('alone')) });
    const paired = source.filter((_, index) => base[index] !== undefined);
    if (paired.length === 0) continue;
    const bases = base.filter((range) => range !== undefined);
    scenarios.push({
      scenario: run.name,
      dtype,
      element,
      mode: 'delta',
      source: await join(paired, file('new')),
      base: await join(bases, file('base')),
    });
  }
  return scenarios;
}
