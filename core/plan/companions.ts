/**
 * Which tensors of one checkpoint say something of others in it. An optimizer's mean of gradients is about as large as the
 * root of its mean of their squares: they differ in name by one word. A half-precision weight may be the rounding of a float32
 * master: they pair by name, wrappers' prefixes aside; what is left pairs in order within one shape, among equally many.
 * A wrong pair costs reading the master and nothing else, because the coder compares before it relies on it.
 */
import { elements, roles, type ElementId } from '../codec/elements.ts';

/** A content as far as pairing needs it. */
export interface Candidate {
  /** The tensor that stands for it, and its file; absent where none does. */
  file?: string;
  name?: string;
  shape?: readonly number[];
  element: ElementId;
  length: number;
}

export interface Companion {
  role: number;
  /** Index of the content that stands in it. */
  content: number;
}

/** What wrappers put before a parameter's own name. */
const wrappers = new Set([
  'module',
  'model',
  '_orig_mod',
  '_fsdp_wrapped_module',
  'state_dict',
  'model_state_dict',
  'base_model',
  'transformer',
  'master',
  'master_params',
  'master_weights',
  'fp32',
  'optimizer',
]);

/** What an optimizer keeps beside weights is nobody's master. */
const isState = (name: string): boolean =>
  /(^|\.)(exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer|square_avg|grad_avg|exp_inf|acc_delta|sum)(\.|$)/.test(name);

function withoutWrappers(name: string): string {
  const words = name.split('.');
  const first = words.findIndex((word) => !wrappers.has(word));
  return words.slice(Math.max(first, 0)).join('.');
}

function groupBy(indices: readonly number[], key: (index: number) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const index of indices) groups.set(key(index), [...(groups.get(key(index)) ?? []), index]);
  return groups;
}

/** Pairs the members of groups of one key, where both sides have equally many. */
function pairEqual(rounded: readonly number[], masters: readonly number[], key: (index: number) => string): [number, number][] {
  const others = groupBy(masters, key);
  return [...groupBy(rounded, key)].flatMap(([name, group]) => {
    const matching = others.get(name) ?? [];
    return matching.length === group.length ? group.map((index, place): [number, number] => [index, matching[place]!]) : [];
  });
}

const meanWord = /(?<![a-z0-9_])exp_avg(?![a-z0-9_])/;
const squaresWord = /(?<![a-z0-9_])(max_)?exp_avg_sq(?![a-z0-9_])/;

/** Where a tensor is: a word of either may tell what it is, because some trainers write a file a tensor. */
const placeOf = ({ file = '', name = '' }: Candidate): string => `${file}\0${name}`;

/** Pairs means of gradients with means of their squares. */
function pairMoments(contents: readonly Candidate[], named: readonly number[]): [number, number][] {
  const floats = named.filter((index) => contents[index]!.element === elements.float32);
  const places = new Map(floats.map((index) => [placeOf(contents[index]!), index]));
  return floats.flatMap((index) => {
    const place = placeOf(contents[index]!);
    const squares = meanWord.test(place) ? places.get(place.replace(meanWord, 'exp_avg_sq')) : undefined;
    return squares !== undefined && contents[squares]!.length === contents[index]!.length ? [[index, squares] as [number, number]] : [];
  });
}

/**
 * Elements a row of what is likely to follow rows and columns in size: an optimizer's means of squared gradients. Of
 * convolutions a row is all of one output channel.
 *
 * @returns undefined for everything else
 */
export function columnsOf(candidate: Candidate): number | undefined {
  const { shape = [], element, length } = candidate;
  if (element !== elements.float32 || shape.length < 2 || !squaresWord.test(placeOf(candidate))) return undefined;
  const count = shape.reduce((product, size) => product * size, 1);
  const columns = shape.length > 3 ? count / shape[0]! : shape.at(-1)!;
  return count * 4 === length && columns > 0 && columns < 2 ** 32 ? columns : undefined;
}

/** @returns for contents that have one, by index, their companion */
export function findCompanions(contents: readonly Candidate[]): Map<number, Companion> {
  const named = [...contents.keys()].filter((index) => contents[index]!.name !== undefined && contents[index]!.length > 0);
  const halves = named.filter((index) => contents[index]!.element === elements.bfloat16 || contents[index]!.element === elements.float16);
  const masters = named.filter((index) => contents[index]!.element === elements.float32 && !isState(contents[index]!.name!));
  const count = (index: number): number => contents[index]!.length / (contents[index]!.element === elements.float32 ? 4 : 2);
  const byName = pairEqual(halves, masters, (index) => `${withoutWrappers(contents[index]!.name!)}\0${count(index)}`);
  const paired = new Set(byName.flat());
  const left = (indices: readonly number[]): number[] => indices.filter((index) => !paired.has(index));
  const byShape = pairEqual(left(halves), left(masters), (index) => `${contents[index]!.shape?.join(',')}\0${count(index)}`);
  return new Map([
    ...[...byName, ...byShape].map(([index, content]): [number, Companion] => [index, { role: roles.master, content }]),
    ...pairMoments(contents, named).map(([index, content]): [number, Companion] => [index, { role: roles.secondMoment, content }]),
  ]);
}
