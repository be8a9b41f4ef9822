/**
 * The worked examples of the specifications beside the codecs: their bytes are read from the very texts, and both decoders must make
 * of them what the texts say. So no text can drift from what is decoded.
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../../core/codec/binding.ts';
import { codecNames, elements, type ElementId } from '../../core/codec/elements.ts';
import { Folder, handmade, needsOf, restore } from '../native/coding.ts';
import { decodeBlock, type Needed } from './blocks.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const textOf = (name: string): string => readFileSync(new URL(`../../core/native/src/codecs/${name}.md`, import.meta.url), 'utf8');
const hex = (text: string): number[] => [...Buffer.from(text.replaceAll(/\s/g, ''), 'hex')];
const idOf = (name: (typeof codecNames)[number]): number => codecNames.indexOf(name);

/** What stands from a heading to the next one. */
function sectionOf(name: string, heading: RegExp): string {
  const section = textOf(name).split(/^## /m).find((part) => heading.test(part)); // prettier-ignore
  if (section === undefined) throw new Error(`${name}.md has no section ${String(heading)}`);
  return section;
}

/** The bytes that the lines of each block of code begin with: before the explanations. */
function blocksIn(section: string): number[][] {
  return [...section.matchAll(/^```\n(.*?)^```/gms)].map(([, lines]) =>
    lines!.split('\n').flatMap((line) => hex(/^\s*((?:[0-9a-f]{2}(?:\s+|$))*)/.exec(line)![1]!)),
  );
}

/** Bytes or numbers that stand between backticks. */
const quotedIn = (section: string): string[] => [...section.matchAll(/`([0-9a-f]{2,}(?: [0-9a-f]{2,})*)`/g)].map(([, quoted]) => quoted!);
const words = (quoted: string): number[] => quoted.split(' ').map((word) => parseInt(word, 16));
const halves = (values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);
const wholes = (values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const times = <T>(count: number, values: T[]): T[] => Array.from({ length: count }, () => values).flat();

/** Decodes by both decoders. */
function assertDecodes(stored: number[], element: ElementId, raw: Uint8Array, needed: Needed = {}): void {
  const block = Uint8Array.from(stored);
  expect(decodeBlock(block, raw.length, element, needed)).toEqual(raw);
  const sourceOf = (bytes?: Uint8Array): Need['source'] | undefined =>
    bytes && { file: { path: folder.file(bytes), offset: 0, length: bytes.length } };
  const needs = needsOf({ base: sourceOf(needed[1]), master: sourceOf(needed[2]), secondMoment: sourceOf(needed[3]) });
  const blocks = handmade(folder, [block], { element, blockLog2: 19, rawLength: raw.length, needs });
  expect(Uint8Array.from(restore(folder, blocks).bytes)).toEqual(raw);
}

describe('the worked examples of', () => {
  it('huffman.md', () => {
    const section = sectionOf('huffman', /^Worked example/);
    const text = /`([a-e]{32})`/.exec(section)![1]!;
    // As the only plane of a block of planes, not rotated, in Huffman's mode.
    assertDecodes([idOf('planes'), 0, 2, ...blocksIn(section)[0]!], elements.bytes8, Uint8Array.from(Buffer.from(text)));
  });

  it('planes.md', () => {
    const section = sectionOf('planes', /^Worked examples/);
    const [eight, plane] = blocksIn(section) as [number[], number[]];
    assertDecodes([idOf('planes'), ...eight], elements.bfloat16, Uint8Array.from(hex(quotedIn(section)[0]!)));
    const sparse = Uint8Array.from({ length: 256 }, (_, index) => ([0, 8, 17].includes(index) ? 9 : 0));
    assertDecodes([idOf('planes'), 0, ...plane], elements.bytes8, sparse);
  });

  it('lmc.md', () => {
    const section = sectionOf('lmc', /^Worked example/);
    expect(section).toContain('eight times `01 02` and 14 zeros');
    const raw = Uint8Array.from(times(8, [1, 2, ...times(14, [0])]));
    assertDecodes([idOf('lmc'), ...blocksIn(section)[0]!], elements.bytes8, raw);
  });

  it('conditioned.md', () => {
    const section = sectionOf('conditioned', /^Examples/);
    const [base, raw, stored, head, plane] = [0, 1, 2, -2, -1].map((at) => quotedIn(section).at(at)!) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const [known, wanted] = [{ 1: halves(times(3, words(base))) }, halves(times(3, words(raw)))];
    assertDecodes([idOf('conditioned'), ...hex(stored)], elements.bfloat16, wanted, known);
    expect(section).toMatch(/As difference-planes: `[^`]+` and three times `[^`]+`/);
    assertDecodes([idOf('difference-planes'), ...hex(head), ...times(3, hex(plane))], elements.bfloat16, wanted, known);
  });

  it('conditioned_parts.md', () => {
    const [base, raw] = quotedIn(sectionOf('conditioned', /^Examples/)) as [string, string];
    const section = sectionOf('conditioned_parts', /^Example/);
    expect(section).toMatch(/`[^`]+`, then `[^`]+` eight\s+times, and `[^`]+`/);
    const [head, length, streams] = quotedIn(section) as [string, string, string];
    const stored = [idOf('conditioned-parts'), ...hex(head), ...times(8, hex(length)), ...hex(streams)];
    assertDecodes(stored, elements.bfloat16, halves(times(4, words(raw))), { 1: halves(times(4, words(base))) });
  });

  it('rounded.md', () => {
    const section = sectionOf('rounded', /^Worked example/);
    const listed = (part: string): number[][] => [...part.matchAll(/`([0-9a-f]{4}(?:[0-9a-f]{4})?(?: [0-9a-f]{8})*)`/g)].map(([, quoted]) => words(quoted!)); // prettier-ignore
    const [bfloat16, float16] = section.split('As float16').map(listed) as [number[][], number[][]];
    for (const [element, [master, ...rounded]] of [
      [elements.bfloat16, bfloat16],
      [elements.float16, float16],
    ] as const) {
      expect(rounded).toHaveLength(master!.length);
      assertDecodes(hex('0a'), element, halves(rounded.flat()), { 2: wholes(master!) });
    }
  });

  it('predicted.md', () => {
    const section = sectionOf('predicted', /^Worked examples/);
    const [moment, rows] = blocksIn(section) as [number[], number[]];
    const [squares, ...quoted] = quotedIn(section) as [string, ...string[]];
    const first = words(quoted.find((text) => /^[0-9a-f]{8}$/.test(text))!);
    const others = quoted.filter((text) => /^[0-9a-f]{8}$/.test(text)).slice(1, 4).flatMap(words); // prettier-ignore
    assertDecodes([idOf('moment'), ...moment], elements.float32, wholes([...first, ...others]), { 3: wholes(words(squares)) });
    const levels = (from: number): Uint8Array => wholes(Array.from({ length: 16 }, (_, at) => ((from + (at >> 2) + 2 * (at & 3)) << 22) >>> 0)); // prettier-ignore
    assertDecodes([idOf('rows'), ...rows], elements.float32, levels(125));
    expect(quoted.slice(-6)).toEqual(expect.arrayContaining(['1f400000', '21800000', '3f800000']));
    const meanless = rows.with(9, 0).with(10, 0);
    assertDecodes([idOf('rows-base'), ...meanless], elements.float32, levels(63), { 1: wholes(times(16, [0x3f800000])) });
  });
});
