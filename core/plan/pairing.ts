/**
 * Which stored tensor a new one may be taken against. Tensors pair along a chain by name, dtype and shape: first within
 * the file of the same name (numbers in file names aside, because many trainers write the step there), then anywhere
 * in the snapshot where the name is unique. A resized or renamed tensor pairs with nothing and starts a keyframe, alone.
 */
import type { ElementId } from '../codec/elements.ts';

/** A stored content that may serve as a base. */
export interface BasePart {
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

export class BaseSet {
  readonly #inFile = new Map<string, BasePart>();
  /** Undefined where several parts have the name. */
  readonly #anywhere = new Map<string, BasePart | undefined>();

  add(name: PartName, part: BasePart): void {
    const kind = kindOf(name, part.length);
    this.#inFile.set(`${withoutNumbers(name.file)}\0${kind}`, part);
    this.#anywhere.set(kind, this.#anywhere.has(kind) ? undefined : part);
  }

  find(name: PartName, length: number): BasePart | undefined {
    const kind = kindOf(name, length);
    return this.#inFile.get(`${withoutNumbers(name.file)}\0${kind}`) ?? this.#anywhere.get(kind);
  }
}
