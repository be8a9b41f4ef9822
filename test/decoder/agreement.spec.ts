/**
 * The second decoder, written from the specifications alone, gives back what the native encoders store: every element,
 * every kind of content, with and without a base, by both methods, from every implementation this machine can run.
 */
import { blake3 } from '@noble/hashes/blake3.js';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { addon } from '../../core/codec/binding.ts';
import { bytesBlockLog2, codecNames, elements, elementWidths } from '../../core/codec/elements.ts';
import run from '../../core/codec/task.ts';
import type { EncodeResult } from '../../core/codec/binding.ts';
import { code, Folder, neverCancelled } from '../native/coding.ts';
import { decodeBlock } from './blocks.ts';
import { anyCase, contentOf, fixedCases, optionsOf, type Case, type Content } from './cases.ts';
import { checksum } from './checksum.ts';
import type { Told } from './code-cases.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

interface StoredCase {
  stored: Uint8Array;
  lengths: ArrayLike<number>;
  checksums: ArrayLike<number>;
  digest: string;
}

/** Decodes all blocks of one content and holds them, their checksums and the digest against the original. @returns codec ids */
function agree(
  { element, blockLog2 }: Pick<Case, 'element' | 'blockLog2'>,
  { raw, base, master, secondMoment }: Content,
  coded: StoredCase,
): number[] {
  const span = elementWidths[element] * 2 ** blockLog2;
  const ids: number[] = [];
  let [start, at] = [0, 0];
  for (const [index, length] of Array.from(coded.lengths).entries()) {
    const block = coded.stored.subarray(at, at + length);
    const end = Math.min(start + span, raw.length);
    expect(checksum(block)).toBe(coded.checksums[index]);
    expect(
      same(
        decodeBlock(block, end - start, element, {
          1: base?.subarray(start, end),
          2: master?.subarray(start * 2, end * 2),
          3: secondMoment?.subarray(start, end),
        }),
        raw.subarray(start, end),
      ),
    ).toBe(true);
    ids.push(block[0]!);
    [start, at] = [end, at + length];
  }
  expect([start, at]).toEqual([raw.length, coded.stored.length]);
  expect(hex(blake3(raw))).toBe(coded.digest);
  return ids;
}

describe('both decoders agree', () => {
  it('on whatever the encoder stores', () => {
    const property = fc.property(anyCase, (one) => {
      const content = contentOf(one);
      const { item, stored } = code(folder, content.raw, optionsOf(folder, one, content));
      agree(one, content, { stored, lengths: item.lengths, checksums: item.checksums, digest: hex(item.digest) });
    });
    fc.assert(property, { numRuns: 120 });
  });

  it('on bytes of no element, in ranges that are read as one', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 4000, size: 'max' }), fc.constant(new Uint8Array(2 ** bytesBlockLog2 + 5).fill(9)));
    const property = fc.property(bytes, fc.nat(), (raw, cut) => {
      const source = folder.file(raw);
      const middle = raw.length === 0 ? 0 : cut % raw.length;
      const ranges = [
        { path: source, offset: 0, length: middle },
        { path: source, offset: middle, length: raw.length - middle },
      ];
      const outcome = run({ kind: 'encode-bytes', request: { ranges, firstChunk: 0, whole: true, level: 3, cancel: neverCancelled() } });
      if ('failure' in outcome) throw new Error(outcome.failure.message);
      const { slot, items } = outcome.result as EncodeResult;
      const target = folder.file(new Uint8Array());
      addon.write({ slot, path: target, pieces: [{ slotOffset: 0, length: items[0]!.storedLength, fileOffset: 0 }] });
      const { lengths, checksums, digest } = items[0]!;
      const ids = agree(
        { element: elements.bytes8, blockLog2: bytesBlockLog2 },
        { raw },
        { stored: readFileSync(target), lengths, checksums, digest: hex(digest) },
      );
      expect(ids.every((id) => id === 0 || id === 3)).toBe(true);
    });
    fc.assert(property, { numRuns: 40 });
  });

  it('on digests that are joined from pieces', () => {
    const property = fc.property(
      fc.integer({ min: 1025, max: 70_000 }),
      fc.integer({ min: 10, max: 14 }),
      fc.nat(),
      (length, spanLog2, seed) => {
        const raw = Uint8Array.from({ length }, (_, index) => Math.imul(index + seed, 2654435761) >>> 24);
        const span = 2 ** spanLog2;
        fc.pre(length > span);
        const values: Uint8Array[] = [];
        for (let at = 0; at < length; at += span) values.push(addon.digestBytes(raw.subarray(at, at + span), at / 1024, false));
        expect(hex(addon.joinDigests(Buffer.concat(values), span, length))).toBe(hex(blake3(raw)));
      },
    );
    fc.assert(property, { numRuns: 30 });
  });
});

describe('every implementation', () => {
  const cases = [...fixedCases, ...fc.sample(anyCase, { numRuns: 150, seed: 20_261_121 })];
  const contents = cases.map(contentOf);
  const casesFile = path.join(folder.path, 'cases.json');
  writeFileSync(casesFile, JSON.stringify(cases));
  /** What was decoded already, by case and stored bytes: implementations that write the same needn't be decoded again. */
  const decoded = cases.map(() => new Map<string, number[]>());
  const seen = new Set<number>();

  it.each(addon.about().implementations)('%s stores what the second decoder reads', (implementation) => {
    const target = path.join(folder.path, implementation);
    mkdirSync(target);
    const told = JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(new URL('./code-cases.ts', import.meta.url)), casesFile, target], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
        env: { ...process.env, CAIRN_IMPLEMENTATION: implementation },
      }),
    ) as Told;
    expect(told.implementation).toBe(implementation);
    expect(told.items).toHaveLength(cases.length);
    for (const [index, item] of told.items.entries()) {
      const stored = readFileSync(path.join(target, String(index)));
      const key = JSON.stringify([hex(blake3(stored)), item]);
      const ids = decoded[index]!.get(key) ?? agree(cases[index]!, contents[index]!, { stored, ...item });
      decoded[index]!.set(key, ids);
      for (const id of ids) seen.add(id);
    }
  });

  it('stored the same bytes', () => {
    expect(cases.filter((_, index) => decoded[index]!.size !== 1)).toEqual([]);
  });

  it('used every codec of tensors, and planes in parts', () => {
    const zstd = codecNames.indexOf('zstd');
    expect(codecNames.map((_, id) => id).filter((id) => id !== zstd && !seen.has(id))).toEqual([]);
    const index = cases.findIndex(({ element, kind, count }) => element === elements.bytes8 && kind === 'rows' && count > 2 ** 17);
    const stored = readFileSync(path.join(folder.path, addon.about().implementations[0]!, String(index)));
    expect([...stored.subarray(0, 3)]).toEqual([codecNames.indexOf('planes'), 0, 4]);
  });
});
