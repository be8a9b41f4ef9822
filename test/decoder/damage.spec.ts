/** Whatever is done to a stored block, both decoders make the same of it: the same bytes, or a refusal. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { CodeOptions } from '../native/coding.ts';
import { code, codeOf, Folder, handmade, restore } from '../native/coding.ts';
import { decodeBlock } from './blocks.ts';
import { anyCase, contentOf, type Case } from './cases.ts';

const folder = new Folder();
afterAll(() => folder.remove());

/** A bit flipped near the front, where headers and tables are, or anywhere; or the end cut off or grown. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), place: fc.nat({ max: 60 }), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('flip' as const), place: fc.nat(), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant('cut' as const), place: fc.nat({ max: 20 }), bit: fc.constant(0) }),
  fc.record({ kind: fc.constant('grow' as const), place: fc.constant(0), bit: fc.constant(0) }),
);

function damaged(stored: Uint8Array, { kind, place, bit }: { kind: 'flip' | 'cut' | 'grow'; place: number; bit: number }): Uint8Array {
  if (kind === 'grow') return Buffer.concat([stored, new Uint8Array(1)]);
  if (kind === 'cut') return stored.slice(0, Math.max(1, stored.length - 1 - place));
  const bytes = stored.slice();
  // The codec id stays: other codecs have contents of their own.
  if (bytes.length > 1) bytes[1 + (place % (bytes.length - 1))]! ^= 1 << bit;
  return bytes;
}

type Made = Uint8Array | 'refused';

function byTheSecond(block: Uint8Array, one: Case): Made {
  const { raw, base, master } = contentOf(one);
  try {
    return decodeBlock(block, raw.length, one.element, { 1: base, 2: master });
  } catch {
    return 'refused';
  }
}

const sourceOf = (bytes: Uint8Array | undefined): CodeOptions['base'] =>
  bytes && { file: { path: folder.file(bytes), offset: 0, length: bytes.length } };

describe('a damaged block', () => {
  it('is refused by both decoders, or gives the same bytes', () => {
    let [refused, decoded] = [0, 0];
    const property = fc.property(anyCase, fc.array(damage, { minLength: 1, maxLength: 3 }), (drawn, damages) => {
      // One block, whose checksum will fit.
      const one: Case = { ...drawn, blockLog2: 19 };
      const { raw, base, master } = contentOf(one);
      fc.pre(raw.length > 0);
      const { stored, blocks } = code(folder, raw, { ...one, base: sourceOf(base), master: sourceOf(master) });
      const block = damages.reduce(damaged, stored);
      const second = byTheSecond(block, one);
      const made = handmade(folder, [block], blocks);
      if (second === 'refused') {
        refused++;
        // Blocks longer than any may be are refused before they are read, as tables of packs that have them are.
        expect(codeOf(() => restore(folder, made))).toBe(block.length > raw.length + 1 ? 'bad_request' : 'damaged');
      } else {
        decoded++;
        expect(Buffer.compare(restore(folder, made).bytes, second)).toBe(0);
      }
    });
    fc.assert(property, { numRuns: 300 });
    expect(refused).toBeGreaterThan(20);
    expect(decoded).toBeGreaterThan(20);
  });
});
