/** What the two decoders must agree on: contents of every kind, made from a seed, so that each process makes the same bytes. */
import fc from 'fast-check';
import { elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import { decodeRounded } from './rounded.ts';
import type { CodeOptions, Folder } from '../native/coding.ts';
import { randomBytes, randomSource, specialValues, weightPair } from '../native/contents.ts';

export const kinds = ['trained', 'random', 'special', 'constant', 'zeros', 'sparse', 'rounded', 'rows', 'text'] as const;
/** What the base is: none, the same, a step of training before, nearly the same, or something unlike. */
export const bases = ['none', 'same', 'step', 'near', 'random', 'special', 'zeros'] as const;

export interface Case {
  element: ElementId;
  count: number;
  kind: (typeof kinds)[number];
  base: (typeof bases)[number];
  method: 'cairn' | 'lmc';
  blockLog2: number;
  seed: number;
  /** A float32 master for half-precision elements: of which they are the rounding, or all of them but the last. */
  master?: 'exact' | 'near' | 'none';
  /** What is known of float32: its second moment, or how long its rows are. */
  known?: 'second-moment' | 'rows' | 'none';
}

export interface Content {
  raw: Uint8Array;
  base?: Uint8Array;
  master?: Uint8Array;
  secondMoment?: Uint8Array;
}

const everyElement = Object.values(elements);
const words = Buffer.from('{"loss": 0.25, "step": 1200, "learning_rate": 0.0003}, ');

/** Bytes that get wilder from row to row, as embeddings of tokens that are rarer and rarer. */
function rows(length: number, seed: number): Uint8Array {
  const random = randomSource(seed);
  return Uint8Array.from({ length }, (_, index) => (random() >>> 24) & (0xff >> (7 - ((index >> 16 || index >> 9) % 8))));
}

function bytesOfKind({ element, count, kind, seed }: Case): Uint8Array {
  const [width, random] = [elementWidths[element], randomSource(seed)];
  const length = count * width;
  const trained = (): Uint8Array => weightPair(element, count, seed).raw;
  if (kind === 'random') return randomBytes(length, seed);
  if (kind === 'special') return specialValues(element, count);
  if (kind === 'zeros') return new Uint8Array(length);
  if (kind === 'rows') return rows(length, seed);
  if (kind === 'text') return Uint8Array.from({ length }, (_, index) => words[index % words.length]!);
  if (kind === 'constant') return Uint8Array.from({ length }, (_, index) => (seed >>> ((index % width) * 5)) & 0xff);
  if (kind === 'sparse') return trained().map((byte, index) => (Math.imul(index - (index % width), 2654435761) >>> 28 === 1 ? byte : 0));
  // The lowest bits of every element are 0, as in float32 that was rounded to bfloat16; now and then one is left.
  if (kind === 'rounded') return trained().map((byte, index) => (index % width === 0 && random() % 5000 > 0 ? byte & 0xf0 : byte));
  return trained();
}

/** Other elements a little up or down, in their lowest byte, and a few that change their sign. */
function nearTo(raw: Uint8Array, width: number, seed: number): Uint8Array {
  const random = randomSource(seed + 1);
  const near = raw.slice();
  for (let at = 0; at < near.length; at += width) {
    const dice = random() % 256;
    if (dice < 4) near[at] = near[at]! + 1 + (random() % 3);
    if (dice === 5) near[at + width - 1] = near[at + width - 1]! ^ 0x80;
  }
  return near;
}

/** Numbers, then patterns of every exponent and special ones, so that all ways of rounding occur. */
function masterOf({ count, kind, seed }: Case): Uint8Array {
  if (kind === 'special') return specialValues(elements.float32, count);
  if (kind === 'random') return randomBytes(count * 4, seed);
  return weightPair(elements.float32, count, seed).raw;
}

function withMaster(one: Case): Content {
  const master = masterOf(one);
  const raw = decodeRounded(new Uint8Array(), one.count * 2, one.element, master);
  if (one.master === 'near' && raw.length > 0) raw[raw.length - 2]! ^= 1;
  return { raw, master, ...(one.base === 'none' ? {} : { base: nearTo(raw, 2, one.seed) }) };
}

export function contentOf(one: Case): Content {
  const half = one.element === elements.bfloat16 || one.element === elements.float16;
  if (half && one.master !== undefined && one.master !== 'none') return withMaster(one);
  if (one.element !== elements.float32 || one.known === undefined || one.known === 'none') return contentAlone(one);
  return one.known === 'rows' ? withRows(one) : { ...contentAlone(one), secondMoment: squaresOf(contentAlone(one).raw, one.seed) };
}

const rowLength = 48;

/** How a case is coded: with files of what its content comes with. */
export function optionsOf(folder: Folder, one: Case, content: Content): CodeOptions {
  const { element, method, blockLog2 } = one;
  const sourceOf = (bytes: Uint8Array | undefined): CodeOptions['base'] =>
    bytes && { file: { path: folder.file(bytes), offset: 0, length: bytes.length } };
  const needs = { base: sourceOf(content.base), master: sourceOf(content.master), secondMoment: sourceOf(content.secondMoment) };
  return { element, method, blockLog2, ...needs, ...(one.known === 'rows' && element === elements.float32 ? { columns: rowLength } : {}) };
}

const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);
const bytesOf = (floats: Float32Array): Uint8Array => new Uint8Array(floats.buffer);

/** About the squares of what they are squares of. */
function squaresOf(raw: Uint8Array, seed: number): Uint8Array {
  const random = randomSource(seed + 3);
  return bytesOf(floatsOf(raw).map((value) => value * value * (0.5 + random() / 2 ** 32)));
}

/** Elements as large as their row and column make them, but for the kinds that aren't numbers at all. */
function withRows(one: Case): Content {
  const { raw, base } = contentAlone(one);
  if (one.kind !== 'trained' && one.kind !== 'sparse') return { raw, base };
  const scaled = (bytes: Uint8Array): Uint8Array =>
    bytesOf(floatsOf(bytes).map((value, index) => value ** 2 * 4 ** (-(Math.floor(index / rowLength) % 9) - ((index % rowLength) % 7))));
  if (one.base !== 'random') return { raw: scaled(raw), base: base && scaled(base) };
  // Nothing but rows and columns in common, as squares of gradients have after many steps.
  const random = randomSource(one.seed + 4);
  const fresh = (): Uint8Array => scaled(bytesOf(Float32Array.from({ length: one.count }, () => 1 + random() / 2 ** 32)));
  return { raw: fresh(), base: fresh() };
}

function contentAlone(one: Case): Content {
  const { element, count, base, seed } = one;
  const width = elementWidths[element];
  if (base === 'step') return weightPair(element, count, seed, one.kind === 'random' ? 0.02 : 0.0002);
  const raw = bytesOfKind(one);
  if (base === 'none') return { raw };
  if (base === 'same') return { raw, base: raw };
  if (base === 'near') return { raw, base: nearTo(raw, width, seed) };
  return { raw, base: bytesOfKind({ ...one, kind: base, seed: seed + 2 }) };
}

/** Around the edges of eight streams (2048), of blocks and of sub-blocks, and anywhere. */
const counts = fc.oneof(
  fc.constantFrom(0, 1, 2, 7, 8, 9, 63, 64, 65, 511, 512, 513, 2046, 2047, 2048, 2049, 2055, 2056, 2057, 4095, 4096, 4097),
  fc.nat({ max: 300 }),
  fc.nat({ max: 9000 }),
);

export const anyCase: fc.Arbitrary<Case> = fc.record({
  element: fc.constantFrom(...everyElement),
  count: counts,
  kind: fc.constantFrom(...kinds),
  base: fc.constantFrom(...bases),
  method: fc.constantFrom('cairn', 'cairn', 'cairn', 'lmc'),
  blockLog2: fc.constantFrom(6, 11, 12, 19, 19),
  seed: fc.nat({ max: 2 ** 31 - 1 }),
  master: fc.constantFrom('none', 'none', 'exact', 'near'),
  known: fc.constantFrom('none', 'second-moment', 'rows'),
});

const one = (element: ElementId, count: number, kind: Case['kind'], base: Case['base'], method: Case['method'] = 'cairn'): Case => ({
  element,
  count,
  kind,
  base,
  method,
  blockLog2: 19,
  seed: 7,
});

/** Each element with each kind of base by each method, with eight streams and with one; and what only large blocks have. */
export const fixedCases: Case[] = [
  ...everyElement.flatMap((element) =>
    bases.flatMap((base) => [
      one(element, 2050, 'trained', base),
      one(element, 700, 'trained', base),
      one(element, 2049, 'trained', base, 'lmc'),
    ]),
  ),
  ...everyElement.flatMap((element) => kinds.map((kind) => one(element, 3000, kind, 'near'))),
  // Parts of planes, the rotation of large blocks, sub-blocks of lmc, one element more than a block.
  one(elements.bytes8, 200_001, 'rows', 'none'),
  one(elements.bfloat16, 131_073, 'rows', 'none'),
  one(elements.bfloat16, 40_000, 'trained', 'step'),
  one(elements.float32, 40_000, 'trained', 'none'),
  one(elements.float32, 70_000, 'trained', 'step', 'lmc'),
  one(elements.float32, 40_000, 'rounded', 'near'),
  one(elements.bfloat16, 2 ** 19 + 1, 'trained', 'step'),
  // Differences in parts: counted whole and from a sample, quiet keys, trailing zeros, everything special.
  ...[elements.bfloat16, elements.float16, elements.float32, elements.float8e4m3, elements.float8e5m2].flatMap((element) => [
    one(element, 9001, 'trained', 'step'),
    one(element, 35_000, 'trained', 'near'),
    one(element, 34_567, 'rounded', 'step'),
    one(element, 9001, 'special', 'near'),
  ]),
  // Predictions: of few elements, of many, with blocks that begin within a row, with and without a base.
  ...[700, 9000, 70_000].flatMap((count) =>
    (['none', 'step', 'near', 'random'] as const).flatMap((base) => [
      { ...one(elements.float32, count, 'trained', base), known: 'second-moment' as const },
      { ...one(elements.float32, count, 'trained', base), known: 'rows' as const, blockLog2: count === 9000 ? 12 : 19 },
      { ...one(elements.float32, count, 'special', base), known: 'rows' as const },
    ]),
  ),
  { ...one(elements.float32, 9000, 'sparse', 'none'), known: 'rows' },
  // Roundings: numbers, everything special, every exponent; of one block more than a grid, and not quite.
  ...[elements.bfloat16, elements.float16].flatMap((element) =>
    (['trained', 'special', 'random'] as const).flatMap((kind) => [
      { ...one(element, 5000, kind, 'none'), master: 'exact' as const },
      { ...one(element, 3000, kind, 'near'), master: 'near' as const },
    ]),
  ),
  { ...one(elements.bfloat16, 2 ** 19 + 9, 'trained', 'none'), master: 'exact' },
];
