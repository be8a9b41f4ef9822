/**
 * Elements here and there that changed, by little or to anything: method cairn stores them beside the block or among its symbols, whichever
 * takes less, and never more than a thousandth above LMC.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Need } from '../../core/codec/binding.ts';
import { elements, elementWidths, type ElementId } from '../../core/codec/elements.ts';
import { code, Folder, restore } from './coding.ts';
import { randomSource, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const sourceOf = (bytes: Uint8Array): Need['source'] => ({ file: { path: folder.file(bytes), offset: 0, length: bytes.length } });

/** What becomes of the lowest and of the highest byte of an element that changes; those between become anything. */
const changes = {
  little: { low: (byte: number, random: number) => byte ^ (1 + (random & 2)), high: (byte: number) => byte },
  much: { low: (_: number, random: number) => random & 255, high: (byte: number, random: number) => byte ^ (random & 7) },
  'to anything': { low: (_: number, random: number) => random & 255, high: (_: number, random: number) => (random >>> 8) & 255 },
};

function changeSome(base: Uint8Array, width: number, oneIn: number, kind: keyof typeof changes): Uint8Array {
  const [random, raw, { low, high }] = [randomSource(3), base.slice(), changes[kind]];
  for (let at = 0; at < raw.length; at += width) {
    if (random() % oneIn !== 0) continue;
    const drawn = random();
    for (let byte = 1; byte < width - 1 && kind !== 'little'; byte += 1) raw[at + byte] = drawn >>> (8 + 8 * byte);
    raw[at + width - 1] = high(raw[at + width - 1]!, drawn);
    raw[at] = low(raw[at]!, drawn);
  }
  return raw;
}

const floating = ['float16', 'bfloat16', 'float32', 'float8e4m3', 'float8e5m2'] as const;

describe.each(floating)('%s', (name) => {
  const element: ElementId = elements[name];
  const width = elementWidths[element];
  const { base } = weightPair(element, 200_000, 1);

  describe.each([4, 10, 30, 100, 1000])('where one in %d changed', (oneIn) => {
    it.each(Object.keys(changes) as (keyof typeof changes)[])('%s', (kind) => {
      const raw = changeSome(base, width, oneIn, kind);
      const [cairn, lmc] = (['cairn', 'lmc'] as const).map((method) => {
        const { item, blocks } = code(folder, raw, { element, method, base: sourceOf(base) });
        expect(Buffer.compare(restore(folder, blocks).bytes, raw)).toBe(0);
        return item.storedLength;
      });
      expect(cairn).toBeLessThanOrEqual(lmc! * 1.001);
    });
  });
});
