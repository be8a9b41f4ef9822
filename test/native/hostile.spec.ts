import { afterAll, describe, expect, it } from 'vitest';
import { addon, type StoredBlocks } from '../../core/codec/binding.ts';
import { codecNames, elements, type ElementId } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, handmade, needsOf, neverCancelled } from './coding.ts';
import { randomBytes, randomSource, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const count = 2500;
const decode = (blocks: StoredBlocks): unknown =>
  addon.decode({ items: [{ blocks, firstChunk: 0, whole: true }], cancel: neverCancelled() });

/** A block as some method stores it, with what it is decoded against. */
interface Example {
  stored: Uint8Array;
  blocks: StoredBlocks;
}

function example(element: ElementId, method: 'cairn' | 'lmc', withBase: boolean): Example {
  const { base, raw } = weightPair(element, count, element);
  const file = { path: folder.file(base), offset: 0, length: base.length };
  const { stored, blocks } = code(folder, raw, { element, method, base: withBase ? { file } : undefined });
  return { stored, blocks: { ...blocks, needs: needsOf({ base: { file } }) } };
}

const examples = (Object.values(elements) as ElementId[]).flatMap((element) =>
  (['cairn', 'lmc'] as const).flatMap((method) => [example(element, method, false), example(element, method, true)]),
);

/** Changes a few bytes, cuts, lengthens or repeats; the result may be stored for a block of `count` elements. */
function mutate(stored: Uint8Array, most: number, random: () => number): Uint8Array {
  const changed = Buffer.from(stored);
  for (let times = 1 + (random() % 4); times > 0; times -= 1) {
    const near = random() % 2 === 0 ? Math.min(changed.length, 64) : changed.length;
    changed[random() % near] = random() % 3 === 0 ? [0x00, 0x7f, 0x80, 0xff][random() % 4]! : random() & 255;
  }
  const cut = random() % 4 === 0 ? 1 + (random() % changed.length) : changed.length;
  const more = random() % 8 === 0 ? randomBytes(random() % 40, random()) : new Uint8Array();
  return Buffer.concat([changed.subarray(0, cut), more]).subarray(0, most);
}

describe('stored blocks that nobody wrote', () => {
  it('fail their checksum, whichever bit was turned', () => {
    const random = randomSource(1);
    for (const { stored, blocks } of examples) {
      const turned = Buffer.from(stored);
      const at = random() % turned.length;
      turned[at] = turned[at]! ^ (1 << (random() % 8));
      const code = codeOf(() => decode({ ...blocks, path: folder.file(turned) }));
      // The codec id is looked at first, to know what else is needed: an unknown one is unsupported.
      expect(at === 0 ? ['damaged', 'unsupported'] : ['damaged']).toContain(code);
    }
  });

  it('are refused or give as many bytes as they should where the checksum fits', () => {
    const random = randomSource(2);
    const codes = new Map<string, number>();
    for (let round = 0; round < 60; round += 1) {
      for (const { stored, blocks } of examples) {
        const bad = handmade(folder, [mutate(stored, blocks.rawLength + 1, random)], blocks);
        const code = codeOf(() => decode(bad));
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    expect([...codes.keys()].every((code) => ['damaged', 'unsupported', 'nothing was thrown'].includes(code))).toBe(true);
    expect(codes.get('damaged')).toBeGreaterThan(500);
  });

  it('of every codec are refused when cut short or made longer', () => {
    for (const { stored, blocks } of examples) {
      for (const cut of [1, 2, 3, 10, stored.length >> 1, stored.length - 1].filter((length) => length >= 1 && length < stored.length)) {
        expect(
          codeOf(() => decode(handmade(folder, [stored.subarray(0, cut)], blocks))),
          `codec ${stored[0]} cut to ${cut}`,
        ).toBe('damaged');
      }
      if (stored.length <= blocks.rawLength) {
        const longer = Buffer.concat([stored, Uint8Array.of(0)]);
        expect(
          codeOf(() => decode(handmade(folder, [longer], blocks))),
          `codec ${stored[0]} made longer`,
        ).toBe('damaged');
      }
    }
  });

  it('of random bytes after every codec id are refused', () => {
    for (const [index, { blocks }] of examples.entries()) {
      for (let id = 4; id < codecNames.length; id += 1) {
        const bytes = Buffer.concat([Uint8Array.of(id), randomBytes(50 + index, index * 16 + id)]);
        expect(codeOf(() => decode(handmade(folder, [bytes], blocks)))).toBe('damaged');
      }
    }
  });

  it('with a codec that is unknown, or not for tensors, are unsupported', () => {
    const { blocks } = examples[0]!;
    for (const id of [3, codecNames.length, 255]) {
      expect(() => decode(handmade(folder, [Uint8Array.of(id, 0, 0)], blocks))).toThrow(
        expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(/^[^\n]+ has codec [^\n]+; [^\n]+$/) }),
      );
    }
  });

  it('that need a base which their table does not name are damaged', () => {
    for (const { stored, blocks } of examples) {
      if (!['xor-planes', 'lmc-xor', 'conditioned', 'difference-planes', 'conditioned-parts'].includes(codecNames[stored[0]!]!)) continue;
      expect(codeOf(() => decode({ ...blocks, needs: [] }))).toBe('damaged');
    }
    expect(codeOf(() => decode({ ...handmade(folder, [Uint8Array.of(2)], examples[0]!.blocks), needs: [] }))).toBe('damaged');
  });

  it('that are raw, constant or unchanged have exactly their length', () => {
    const { blocks } = examples.find((each) => each.blocks.element === elements.float32)!;
    const raw = new Uint8Array(blocks.rawLength + 1);
    expect(codeOf(() => decode(handmade(folder, [raw], blocks)))).toBe('nothing was thrown');
    const wrong = [raw.subarray(1), Uint8Array.of(1, 1, 2, 3), Uint8Array.of(1, 1, 2, 3, 4, 5), Uint8Array.of(1), Uint8Array.of(2, 0)];
    for (const stored of wrong) expect(codeOf(() => decode(handmade(folder, [stored], blocks)))).toBe('damaged');
  });

  it('tell which file and where', () => {
    const { stored, blocks } = examples[0]!;
    const bad = handmade(folder, [stored.subarray(0, 5)], blocks);
    const message = expect.stringMatching(/: block at byte 0 is no block of codec [a-z-]+; verify the store$/);
    expect(() => decode(bad)).toThrow(expect.objectContaining({ code: 'damaged', path: bad.path, message }));
  });

  it('in a base fail what is decoded against them', () => {
    const { base, raw } = weightPair(elements.bfloat16, count, 9);
    const keyframe = code(folder, base, { element: elements.bfloat16 });
    const delta = code(folder, raw, { element: elements.bfloat16, base: { stored: keyframe.blocks } });
    expect(codeOf(() => decode(delta.blocks))).toBe('nothing was thrown');
    const broken = { ...keyframe.blocks, checksums: keyframe.blocks.checksums.map((checksum) => checksum ^ 1) };
    expect(codeOf(() => decode({ ...delta.blocks, needs: needsOf({ base: { stored: broken } }) }))).toBe('damaged');
  });
});
