import { blake3 } from '@noble/hashes/blake3.js';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { addon, type RawSource, type StoredBlocks } from '../../core/codec/binding.ts';
import { codecNames, elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import type { Case, Outcome } from './code-process.ts';
import { code, codeOf, Folder, itemOf, neverCancelled, restore, type CodeOptions } from './coding.ts';
import { randomBytes, randomSource, specialValues, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const everyElement = Object.values(elements) as ElementId[];
const methods = ['cairn', 'lmc'] as const;
const fileSource = (bytes: Uint8Array): RawSource => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Codes, restores and holds all promises of a stored block against the outcome. */
function roundTrip(raw: Uint8Array, options: CodeOptions): ReturnType<typeof code> {
  const coded = code(folder, raw, options);
  const restored = restore(folder, coded.blocks);
  expect(same(restored.bytes, raw)).toBe(true);
  expect(same(restored.digest, coded.item.digest)).toBe(true);
  const blockBytes = elementWidths[options.element] << coded.blocks.blockLog2;
  let offset = 0;
  coded.item.lengths.forEach((length, index) => {
    expect(length).toBeLessThanOrEqual(Math.min(blockBytes, raw.length - index * blockBytes) + 1);
    expect(addon.checksumBytes(coded.stored.subarray(offset, offset + length))).toBe(coded.item.checksums[index]);
    offset += length;
  });
  expect(offset).toBe(coded.item.storedLength);
  return coded;
}

const namesOf = (codecs: Uint32Array): string[] => codecNames.filter((_, id) => codecs[id]! > 0);

describe('round trips', () => {
  const counts = [0, 1, 2, 7, 63, 64, 65, 127, 128, 129, 2047, 2048, 2049, 5000];

  for (const element of everyElement) {
    const name = Object.keys(elements).find((key) => elements[key as keyof typeof elements] === element);
    it(`of ${name} at lengths around the edges of blocks and streams, alone and with a base, by both methods`, () => {
      for (const count of counts) {
        const { base, raw } = weightPair(element, count, count + element);
        for (const method of methods) {
          for (const blockLog2 of [6, 11, 19]) {
            roundTrip(raw, { element, method, blockLog2 });
            roundTrip(raw, { element, method, blockLog2, base: fileSource(base) });
          }
        }
      }
    });

    it(`of ${name} with special values and random bytes, alone and against each other`, () => {
      const special = specialValues(element, 3000);
      const random = randomBytes(special.length, element);
      for (const method of methods) {
        roundTrip(special, { element, method });
        roundTrip(random, { element, method });
        roundTrip(random, { element, method, base: fileSource(special) });
        roundTrip(special, { element, method, base: fileSource(random) });
      }
    });
  }

  it('of bfloat16 at one block, and an element less and more', () => {
    const { base, raw } = weightPair(elements.bfloat16, 2 ** 19 + 1, 1);
    for (const count of [2 ** 19 - 1, 2 ** 19, 2 ** 19 + 1]) {
      const bytes = raw.subarray(0, count * 2);
      roundTrip(bytes, { element: elements.bfloat16 });
      roundTrip(bytes, { element: elements.bfloat16, base: fileSource(base.subarray(0, count * 2)) });
    }
  });

  it('of anything at all', () => {
    const alphabet = fc.constantFrom(0x00, 0x01, 0x3f, 0x7f, 0x80, 0xff);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3000, size: 'max' }),
      fc.array(alphabet, { maxLength: 3000, size: 'max' }).map((values) => Uint8Array.from(values)),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(...everyElement),
        fc.constantFrom(...methods),
        fc.boolean(),
        fc.nat(),
        (all, element, method, withBase, seed) => {
          const raw = all.subarray(0, all.length - (all.length % elementWidths[element]));
          const random = randomSource(seed);
          const base = raw.map((byte) => (random() % 16 === 0 ? byte ^ (random() & 255) : byte));
          roundTrip(raw, { element, method, blockLog2: 6 + (seed % 5), base: withBase ? fileSource(base) : undefined });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the choice', () => {
  it('stores equal elements as one, what equals its base as nothing, and noise as it is', () => {
    const constant = new Uint8Array(6000).map((_, index) => [0x12, 0x34][index % 2]!);
    const noise = randomBytes(6000, 1);
    const element = elements.bfloat16;
    expect([...roundTrip(constant, { element }).stored]).toEqual([1, 0x12, 0x34]);
    const unchanged = roundTrip(noise, { element, base: fileSource(noise) });
    expect([...unchanged.stored]).toEqual([2]);
    expect(unchanged.item.used).toEqual([true]);
    for (const method of methods) {
      expect(namesOf(roundTrip(noise, { element, method }).item.codecs)).toEqual(['raw']);
      const against = roundTrip(noise, { element, method, base: fileSource(randomBytes(6000, 2)) });
      expect(namesOf(against.item.codecs)).toEqual(['raw']);
      expect(against.item.used).toEqual([false]);
    }
  });

  it('prefers a constant to unchanged, so that nothing depends on a base without need', () => {
    const zeros = new Uint8Array(512);
    expect(roundTrip(zeros, { element: elements.float32, base: fileSource(zeros) }).item.used).toEqual([false]);
  });

  it('of method lmc uses only its own codecs', () => {
    for (const element of everyElement) {
      const { base, raw } = weightPair(element, 20_000, element);
      const { item } = roundTrip(raw, { element, method: 'lmc', base: fileSource(base) });
      expect(['raw', 'lmc', 'lmc-xor']).toEqual(expect.arrayContaining(namesOf(item.codecs)));
    }
  });

  it('never stores more with method cairn than lmc does, and less where a base is near', () => {
    for (const element of [elements.bfloat16, elements.float16, elements.float32]) {
      const { base, raw } = weightPair(element, 100_000, element);
      const stored = (method: 'cairn' | 'lmc', from?: RawSource): number =>
        code(folder, raw, { element, method, base: from }).item.storedLength;
      expect(stored('cairn')).toBeLessThanOrEqual(stored('lmc') * 1.001);
      expect(stored('cairn', fileSource(base))).toBeLessThanOrEqual(stored('lmc', fileSource(base)) * 1.001);
      expect(stored('cairn', fileSource(base))).toBeLessThan(stored('cairn'));
    }
  });
});

describe('chains', () => {
  /** Saves of one tensor, each a little changed; one block of some stays as it was. */
  function chainOf(element: ElementId, depth: number): Uint8Array[] {
    const saves = [weightPair(element, 3000, 1).base];
    const random = randomSource(2);
    while (saves.length <= depth) {
      const next = saves.at(-1)!.slice();
      for (let index = 2000; index < next.length; index += 3) next[index] = next[index]! ^ (random() & 3);
      saves.push(next);
    }
    return saves;
  }

  for (const method of methods) {
    it(`are decoded link by link, 8 deep and more, by ${method}`, () => {
      const saves = chainOf(elements.bfloat16, 10);
      let blocks: StoredBlocks | undefined;
      for (const raw of saves) {
        const base: RawSource | undefined = blocks ? { stored: blocks } : undefined;
        const options: CodeOptions = { element: elements.bfloat16, method, blockLog2: 9, base };
        const coded = roundTrip(raw, options);
        // Where the base's bytes come from makes no difference.
        const before = saves[saves.indexOf(raw) - 1];
        if (before) expect(same(code(folder, raw, { ...options, base: fileSource(before) }).stored, coded.stored)).toBe(true);
        blocks = coded.blocks;
      }
    });
  }

  it('may be 64 deep, and no deeper', () => {
    const { base } = weightPair(elements.bfloat16, 500, 3);
    const keyframe = code(folder, base, { element: elements.bfloat16 }).blocks;
    const unchanged = folder.file(Uint8Array.of(2));
    const checksums = Uint32Array.of(addon.checksumBytes(Uint8Array.of(2)));
    const deeper = (blocks: StoredBlocks): StoredBlocks => ({
      ...blocks,
      path: unchanged,
      offset: 0,
      lengths: Uint32Array.of(1),
      checksums,
      needs: [{ role: 1, source: { stored: blocks } }],
    });
    let blocks = keyframe;
    for (let depth = 1; depth <= 64; depth += 1) blocks = deeper(blocks);
    expect(same(restore(folder, blocks).bytes, base)).toBe(true);
    expect(codeOf(() => restore(folder, deeper(blocks)))).toBe('unsupported');
  });

  it('go on from a file that still holds the base', () => {
    const [first, second, third] = chainOf(elements.float32, 2) as [Uint8Array, Uint8Array, Uint8Array];
    const middle = code(folder, second, { element: elements.float32, base: fileSource(first) }).blocks;
    roundTrip(third, { element: elements.float32, base: { stored: middle } });
  });
});

describe('pieces', () => {
  it('share a slot, have lengths and digests of their own, and join to the digest of the content', () => {
    const { raw } = weightPair(elements.bfloat16, 5000, 4);
    const path = folder.file(raw);
    const span = 4096;
    const pieces = [0, span, 2 * span].map((offset) => ({ offset, length: Math.min(span, raw.length - offset) }));
    const template = itemOf(folder, raw, { element: elements.bfloat16, blockLog2: 8 });
    const items = pieces.map((piece) => ({ ...template, source: { path, ...piece }, firstChunk: piece.offset / 1024, whole: false }));
    const { slot, items: coded } = addon.encode({ items, cancel: neverCancelled() });
    addon.release(slot);
    let offset = 0;
    for (const item of coded) {
      expect(item.slotOffset).toBe(offset);
      offset += item.storedLength;
    }
    const joined = addon.joinDigests(Buffer.concat(coded.map((item) => item.digest)), span, raw.length);
    expect(same(joined, blake3(raw))).toBe(true);
  });

  it('stop between blocks where they are cancelled', () => {
    const cancel = neverCancelled();
    cancel[0] = -1;
    const { blocks } = code(folder, randomBytes(100, 1), { element: elements.bytes8 });
    expect(codeOf(() => addon.encode({ items: [itemOf(folder, randomBytes(100, 1), { element: elements.bytes8 })], cancel }))).toBe(
      'cancelled',
    );
    expect(codeOf(() => addon.decode({ items: [{ blocks, firstChunk: 0, whole: true }], cancel }))).toBe('cancelled');
  });
});

describe('implementations', () => {
  type Add = (name: string, raw: Uint8Array, base: Uint8Array | undefined, options: CodeOptions) => void;

  /** Where tables of groups of symbols pay, in planes and in every part: short codes, of which six are found at once, and codes of 12 bits. */
  function addLarge(add: Add): void {
    for (const element of [elements.bfloat16, elements.float16, elements.float32]) {
      const { base, raw } = weightPair(element, 400_000, 5);
      add(`${element} large`, raw, undefined, { element, method: 'cairn' });
      add(`${element} large against a base`, raw, base, { element, method: 'cairn' });
    }
    for (const count of [8191, 8192, 16_383, 16_384, 100_003]) {
      const random = randomSource(count);
      const options: CodeOptions = { element: elements.bytes8, method: 'cairn' };
      const few = (): number => random() % 3;
      add(`${count} of three symbols`, Uint8Array.from({ length: count }, few), undefined, options);
      add(
        `${count} with codes of every length`,
        Uint8Array.from({ length: count }, () => Math.clz32(random())),
        undefined,
        options,
      );
    }
  }

  function cases(): Case[] {
    const list: Case[] = [];
    const add: Add = (name, raw, base, options) => {
      const basePath = base && folder.file(base);
      const coded = code(folder, raw, {
        ...options,
        base: basePath === undefined ? undefined : { file: { path: basePath, offset: 0, length: raw.length } },
      });
      list.push({ name, raw: folder.file(raw), base: basePath, options, stored: coded.blocks.path });
    };
    for (const element of everyElement) {
      for (const method of methods) {
        for (const count of [1, 65, 2049, 30_000]) {
          const { base, raw } = weightPair(element, count, count);
          const label = `${element} ${method} ${count}`;
          add(`${label} alone`, raw, undefined, { element, method });
          add(`${label} early`, raw, base, { element, method });
          add(`${label} late`, weightPair(element, count, count, 0.00001).raw, base, { element, method });
        }
        const special = specialValues(element, 4000);
        const random = randomBytes(special.length, 9);
        add(`${element} ${method} special`, special, undefined, { element, method });
        add(`${element} ${method} special against random`, special, random, { element, method });
        add(`${element} ${method} random against special`, random, special, { element, method });
      }
    }
    addLarge(add);
    return list;
  }

  it('store the same bytes, and decode each other', () => {
    const description = folder.file(new TextEncoder().encode(JSON.stringify(cases())));
    const program = fileURLToPath(new URL('code-process.ts', import.meta.url));
    for (const implementation of addon.about().implementations) {
      const env = { ...process.env, CAIRN_IMPLEMENTATION: implementation };
      const outcome = JSON.parse(execFileSync(process.execPath, [program, description], { env, encoding: 'utf8' })) as Outcome;
      expect(outcome).toEqual({ implementation, stored: [], decoded: [] });
    }
  });
});
