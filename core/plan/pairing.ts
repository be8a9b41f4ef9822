/**
 * Which stored tensor a new one may be taken against. Tensors pair along a chain by name, dtype and shape: first within
 * the file that stands for theirs in the snapshot before, then anywhere in it where the name means one content only. A
 * resized or renamed tensor pairs with nothing and starts a keyframe, alone.
 *
 * Many trainers write the step into file names, and ranks have numbers too. So a file stands for the one of the same path
 * where there is one; else, numbers aside, the first for the first, the second for the second, but only among equally
 * many: with another number of ranks, flat partitions hold other elements.
 */
import type { ElementId } from '../codec/elements.ts';

/** A stored content that may serve as a base. */
export interface BasePart {
  /** Empty where the content is only planned. */
  digest: string;
  length: number;
  element: ElementId;
  blockLog2: number;
  depth: number;
  /** Where its bytes lay in the checkpoint it came from. */
  file: string;
  offset: number;
}

/** The tensor that stands for a part: the first that begins in it. */
export interface PartName {
  file: string;
  name: string;
  dtype: string;
  shape: readonly number[];
}

const kindOf = (part: PartName, length: number): string => `${part.name}\0${part.dtype}\0${part.shape.join(',')}\0${length}`;

const withoutNumbers = (file: string): string => file.replaceAll(/\d+/g, '#');

/** Digits compare as numbers, so that `rank_10` comes after `rank_9`. */
const natural = new Intl.Collator('en', { numeric: true }).compare;

function groupByShape(files: Iterable<string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const shape = withoutNumbers(file);
    groups.set(shape, [...(groups.get(shape) ?? []), file]);
  }
  for (const group of groups.values()) group.sort(natural);
  return groups;
}

/** @returns for each of `files` the one of `before` that it continues, where there is one. */
export function pairFiles(files: readonly string[], before: readonly string[]): Map<string, string> {
  const same = new Set(before);
  const pairs = new Map(files.filter((file) => same.has(file)).map((file) => [file, file]));
  const candidates = groupByShape(before.filter((file) => !pairs.has(file)));
  for (const [shape, group] of groupByShape(files.filter((file) => !pairs.has(file)))) {
    const others = candidates.get(shape);
    if (others?.length === group.length) group.forEach((file, index) => pairs.set(file, others[index]!));
  }
  return pairs;
}

/** One content, however often it is there; undefined where several have the name. */
function theOne(known: BasePart | undefined, part: BasePart): BasePart | undefined {
  return known && known.digest !== '' && known.digest === part.digest ? known : undefined;
}

export class BaseSet {
  readonly #inFile = new Map<string, BasePart>();
  readonly #anywhere = new Map<string, BasePart | undefined>();
  readonly #files = new Set<string>();

  add(name: PartName, part: BasePart): void {
    const kind = kindOf(name, part.length);
    this.#inFile.set(`${name.file}\0${kind}`, part);
    this.#anywhere.set(kind, this.#anywhere.has(kind) ? theOne(this.#anywhere.get(kind), part) : part);
    this.#files.add(name.file);
  }

  /** Files that hold bases. */
  files(): string[] {
    return [...this.#files];
  }

  /** @param file that stands for the tensor's own in this set; absent: the one of the same path */
  find(name: PartName, length: number, file = name.file): BasePart | undefined {
    const kind = kindOf(name, length);
    return this.#inFile.get(`${file}\0${kind}`) ?? this.#anywhere.get(kind);
  }
}
