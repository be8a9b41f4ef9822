/**
 * What a checkpoint would take in a store, judged by blocks of it that are coded as an archive would code them: with the same
 * bases and companions, of each kind of tensor some, at even distances. Nothing is written.
 */
import type { CodingMethod } from '../contract/model.ts';
import { rangesOf } from '../codec/pieces.ts';
import { levelFor } from '../codec/encode.ts';
import { elementWidths, neededLength, roles, tensorBlockLog2 } from '../codec/elements.ts';
import type { EncodeItem, FileRange, Need, RawSource } from '../codec/binding.ts';
import type { CodecPool } from '../codec/pool.ts';
import { estimateBytes, spread, type Sample } from '../plan/cost.ts';
import { BaseSet } from '../plan/pairing.ts';
import type { PlanFile, PlannedContent } from '../plan/planner.ts';
import type { CheckpointFile } from '../scan/read-checkpoint.ts';
import { sample, type Sampled } from './sampling.ts';
import { kindOf } from './subjects.ts';

/** The bases of a checkpoint, whether archived or only planned, with a way to read them. */
export interface Bases {
  set: BaseSet;
  depth: number;
  read(content: PlannedContent, offset: number, length: number): RawSource | Promise<RawSource>;
}

export interface SamplingOptions {
  pool: CodecPool;
  method: CodingMethod;
  bases: Bases | undefined;
  cancel: Int32Array;
}

export interface ContentsEstimate {
  bytesEstimated: number;
  /** Original bytes that were coded. */
  bytesSampled: number;
}

/** About this much of a checkpoint's tensors is coded, and one block of each kind at least. */
const budgetBytes = 8 * 1024 * 1024;
/** Of what is in no tensor: so many contents, and of each so many windows of so much. */
const mostRemainders = 8;
const [remainderWindows, windowBytes] = [4, 256 * 1024];

export const planFilesOf = (files: readonly CheckpointFile[]): PlanFile[] =>
  files.map(({ found, layout }) => ({ path: found.path, size: found.size, parts: layout.parts, tensors: layout.tensors }));

/** What a checkpoint that is about to be archived will offer the next one. */
export function plannedBases(files: readonly CheckpointFile[], depth: number): Bases {
  const set = new BaseSet();
  const paths = new Map(files.map(({ found, path }) => [found.path, path]));
  for (const { found, layout } of files) {
    const named = new Set<number>();
    for (const tensor of layout.tensors) {
      const part = layout.parts[tensor.part];
      if (!part || named.has(tensor.part)) continue;
      named.add(tensor.part);
      const { length, element, offset } = part;
      set.add(
        { file: found.path, name: tensor.name, dtype: tensor.dtype, shape: tensor.shape },
        { digest: '', length, element, blockLog2: tensorBlockLog2, depth, file: found.path, offset },
      );
    }
  }
  const read: Bases['read'] = ({ base }, offset, length) => ({
    file: { path: paths.get(base!.file)!, offset: base!.offset + offset, length },
  });
  return { set, depth, read };
}

interface Stratum extends Sampled {
  content: PlannedContent;
}

/** Kinds of tensors by file and offset. */
function kindsOf(files: readonly CheckpointFile[]): Map<string, string> {
  const kinds = new Map<string, string>();
  files.forEach(({ found, layout }, file) => {
    for (const { name, dtype, part } of layout.tensors) {
      const place = layout.parts[part] && `${file}:${layout.parts[part].offset}`;
      if (place !== undefined && !kinds.has(place)) kinds.set(place, kindOf(found.path, name, dtype));
    }
  });
  return kinds;
}

/** Contents that are coded alike are sampled together: of one kind and element, with or without a base and a companion. */
function strataOf(contents: readonly PlannedContent[], files: readonly CheckpointFile[]): Stratum[] {
  const kinds = kindsOf(files);
  return contents
    .filter(({ coding, length }) => coding === 'tensor' && length > 0)
    .map((content) => {
      const { element, length, base, companion, file, ranges } = content;
      const width = elementWidths[element];
      const kind = kinds.get(`${file}:${ranges[0]!.offset}`) ?? '';
      return { group: [kind, element, base !== undefined, companion?.role].join('\0'), elements: length / width, width, content };
    });
}

/** A block of a content and all that the coder may use, as an archive would hand it over. */
async function itemOf(
  content: PlannedContent,
  block: { offset: number; length: number },
  contents: readonly PlannedContent[],
  files: readonly CheckpointFile[],
  { bases, method }: SamplingOptions,
): Promise<EncodeItem> {
  const { element, blockLog2, columns, companion } = content;
  const { offset, length } = block;
  const rangeOf = ({ file, ranges }: PlannedContent, from: number, bytes: number): FileRange => ({
    path: files[file]!.path,
    offset: ranges[0]!.offset + from,
    length: bytes,
  });
  const needs: Need[] = content.base && bases ? [{ role: roles.base, source: await bases.read(content, offset, length) }] : [];
  if (companion) {
    const [from, bytes] = [offset, length].map((value) => neededLength(companion.role, element, value).length);
    needs.push({ role: companion.role, source: { file: rangeOf(contents[companion.content]!, from!, bytes!) } });
  }
  const rows = columns === undefined ? {} : { columns, firstColumn: (offset / elementWidths[element]) % columns };
  return { source: rangeOf(content, offset, length), element, blockLog2, method, needs, firstChunk: 0, whole: true, ...rows };
}

async function codeBlock(item: EncodeItem, { pool, cancel }: SamplingOptions): Promise<Sample> {
  const { slot, items } = await pool.encode({ items: [item], cancel });
  await pool.release(slot);
  return { rawBytes: item.source.length, storedBytes: items[0]!.storedLength };
}

/** All of it where it is short, else windows at even distances: a file may begin unlike it goes on. */
function windowsOf(length: number): { offset: number; length: number }[] {
  if (length <= remainderWindows * windowBytes) return [{ offset: 0, length }];
  const gap = (length - windowBytes) / (remainderWindows - 1);
  return Array.from({ length: remainderWindows }, (_, index) => ({ offset: Math.floor(index * gap), length: windowBytes }));
}

async function codeRemainder(content: PlannedContent, files: readonly CheckpointFile[], options: SamplingOptions): Promise<Sample[]> {
  const { pool, cancel } = options;
  const { path } = files[content.file]!;
  const all = content.ranges.map((range) => ({ path, ...range }));
  const level = levelFor(content.length);
  const coded = windowsOf(content.length).map(async ({ offset, length }): Promise<Sample> => {
    const { slot, items } = await pool.encodeBytes({ ranges: rangesOf(all, offset, length), firstChunk: 0, whole: true, level, cancel });
    await pool.release(slot);
    return { rawBytes: length, storedBytes: items[0]!.storedLength };
  });
  return Promise.all(coded);
}

const bytesOf = (contents: readonly PlannedContent[]): number => contents.reduce((sum, { length }) => sum + length, 0);

/**
 * @param contents as planned, `files` those that they lie in
 * @throws CairnError `changed` where a file became shorter, `cancelled`, `io`
 */
export async function estimateContents(
  contents: readonly PlannedContent[],
  files: readonly CheckpointFile[],
  options: SamplingOptions,
): Promise<ContentsEstimate> {
  const strata = Map.groupBy(strataOf(contents, files), ({ group }) => group);
  const windows = Map.groupBy(sample([...strata.values()].flat(), budgetBytes, 2 ** tensorBlockLog2), ({ tensor }) => tensor.group);
  let [bytesEstimated, bytesSampled] = [0, 0];
  const add = (bytes: number, samples: readonly Sample[]): void => {
    bytesEstimated += estimateBytes(bytes, samples);
    bytesSampled += samples.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
  };
  for (const [group, alike] of strata) {
    const coded = windows.get(group)!.map(async ({ tensor: { content, width }, start, count }) => {
      const item = await itemOf(content, { offset: start * width, length: count * width }, contents, files, options);
      return codeBlock(item, options);
    });
    add(bytesOf(alike.map(({ content }) => content)), await Promise.all(coded));
  }
  const remainders = contents.filter(({ coding, length }) => coding === 'bytes' && length > 0).toSorted((a, b) => b.length - a.length);
  const chosen = spread(remainders, mostRemainders);
  if (chosen.length > 0) add(bytesOf(remainders), (await Promise.all(chosen.map((one) => codeRemainder(one, files, options)))).flat());
  return { bytesEstimated, bytesSampled };
}
