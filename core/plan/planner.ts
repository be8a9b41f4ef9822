/**
 * What to store for a checkpoint, from descriptions alone: no I/O, no clock. Every byte of every file ends up in exactly
 * one content: a tensor's storage each, and per file the remainder (headers, padding, everything no reader claimed).
 * A tensor that pairs with one of the snapshot before gets that one as base, unless the chain would grow too deep.
 *
 * Whether a delta is really taken is the coder's choice, block by block; here it is only allowed.
 */
import { bytesBlockLog2, elements, tensorBlockLog2, type ElementId } from '../codec/elements.ts';
import { columnsOf, findCompanions, type Companion } from './companions.ts';
import { pairFiles, type BasePart, type BaseSet, type PartName } from './pairing.ts';

/** Deltas to apply at most for one tensor. */
export const defaultMaxDepth = 8;

export interface PlanFile {
  /** Relative to the checkpoint. */
  path: string;
  size: number;
  parts: readonly { offset: number; length: number; element: ElementId }[];
  tensors: readonly { name: string; dtype: string; shape: readonly number[]; part: number; offset: number }[];
}

export interface PlannedContent {
  /** Index into the files. */
  file: number;
  ranges: { offset: number; length: number }[];
  length: number;
  element: ElementId;
  blockLog2: number;
  coding: 'tensor' | 'bytes';
  base?: BasePart;
  /** Elements a row, where the coder should know. */
  columns?: number;
  /** Another content of this plan, which is coded before. It has no companion itself. */
  companion?: Companion;
}

export interface PlannedFile {
  /** Index into the contents, or -1. */
  rest: number;
  parts: { offset: number; length: number; content: number }[];
}

export interface SnapshotPlan {
  contents: PlannedContent[];
  files: PlannedFile[];
}

export interface PlanOptions {
  bases?: BaseSet;
  maxDepth?: number;
  /** Whether contents may have companions. */
  companions?: boolean;
}

function remainderOf(file: PlanFile): { offset: number; length: number }[] {
  const ranges: { offset: number; length: number }[] = [];
  let at = 0;
  for (const part of [...file.parts, { offset: file.size, length: 0 }]) {
    if (part.offset > at) ranges.push({ offset: at, length: part.offset - at });
    at = part.offset + part.length;
  }
  return ranges;
}

function namesOf(file: PlanFile): (PartName | undefined)[] {
  const names: (PartName | undefined)[] = file.parts.map(() => undefined);
  for (const tensor of file.tensors) {
    if (tensor.part < 0 || names[tensor.part]) continue;
    names[tensor.part] = { file: file.path, name: tensor.name, dtype: tensor.dtype, shape: tensor.shape };
  }
  return names;
}

type FindBase = (name: PartName | undefined, content: PlannedContent) => BasePart | undefined;

function basesFor(files: readonly PlanFile[], { bases, maxDepth = defaultMaxDepth }: PlanOptions): FindBase {
  if (!bases) return () => undefined;
  const pairs = pairFiles(
    files.filter((file) => file.parts.length > 0).map((file) => file.path),
    bases.files(),
  );
  return (name, content) => {
    const base = name && bases.find(name, content.length, pairs.get(name.file));
    const fits = base && base.element === content.element && base.blockLog2 === content.blockLog2 && base.depth < maxDepth;
    return fits ? base : undefined;
  };
}

function addCompanions(contents: PlannedContent[], names: readonly (PartName | undefined)[]): void {
  const candidates = contents.map(({ element, length }, index) => ({ element, length, ...names[index] }));
  for (const [index, candidate] of candidates.entries()) {
    const columns = columnsOf(candidate);
    if (columns !== undefined) contents[index]!.columns = columns;
  }
  for (const [index, companion] of findCompanions(candidates)) contents[index]!.companion = companion;
}

/** @returns what to store: contents in the order of files and offsets, and how each file is put together from them. */
export function planSnapshot(files: readonly PlanFile[], options: PlanOptions = {}): SnapshotPlan {
  const contents: PlannedContent[] = [];
  const partNames: (PartName | undefined)[] = [];
  const baseFor = basesFor(files, options);
  const add = (content: PlannedContent): number => contents.push(content) - 1;
  const planned = files.map((file, index): PlannedFile => {
    const names = namesOf(file);
    const parts = file.parts.map((part, number) => {
      const range = { offset: part.offset, length: part.length };
      const content: PlannedContent = {
        file: index,
        ranges: [range],
        length: part.length,
        element: part.element,
        blockLog2: tensorBlockLog2,
        coding: 'tensor',
      };
      const base = baseFor(names[number], content);
      partNames[contents.length] = names[number];
      return { ...range, content: add(base ? { ...content, base } : content) };
    });
    const ranges = remainderOf(file);
    const length = ranges.reduce((sum, range) => sum + range.length, 0);
    const rest =
      length === 0 ? -1 : add({ file: index, ranges, length, element: elements.bytes8, blockLog2: bytesBlockLog2, coding: 'bytes' });
    return { rest, parts };
  });
  if (options.companions) addCompanions(contents, partNames);
  return { contents, files: planned };
}
