import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { addon, type EncodeItem } from '../../core/codec/binding.ts';
import { elements } from '../../core/codec/elements.ts';
import { code, codeOf, Folder, itemOf, neverCancelled } from './coding.ts';
import { randomBytes, weightPair } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const addonPath = fileURLToPath(new URL('../../core/native/build/Release/cairn.node', import.meta.url));

function loadWith(implementation: string): { status: number | null; output: string } {
  const script = `try { console.log(require(process.argv[1]).about().implementation) } catch (e) { console.log(e.message); process.exit(3) }`;
  const run = spawnSync(process.execPath, ['-e', script, addonPath], {
    env: { ...process.env, CAIRN_IMPLEMENTATION: implementation },
    encoding: 'utf8',
  });
  return { status: run.status, output: run.stdout.trim() };
}

describe('implementations', () => {
  it('always have the scalar reference, first', () => {
    const about = addon.about();
    expect(about.formatVersion).toBe(1);
    expect(about.implementations[0]).toBe('scalar');
    expect(about.implementations).toContain(about.implementation);
  });

  it('are chosen by CAIRN_IMPLEMENTATION', () => {
    for (const name of addon.about().implementations) expect(loadWith(name)).toEqual({ status: 0, output: name });
    expect(loadWith('')).toEqual({ status: 0, output: addon.about().implementations.at(-1) });
  });

  it('that this machine lacks are refused when the addon loads, with those it has', () => {
    const { status, output } = loadWith('abacus');
    expect(status).toBe(3);
    expect(output).toBe(
      `CAIRN_IMPLEMENTATION=abacus: not available on this machine; choose one of: ${addon.about().implementations.join(' ')}`,
    );
  });
});

describe('descriptors', () => {
  const good = itemOf(folder, new Uint8Array(256), { element: elements.float32 });
  const encode = (change: Record<string, unknown>) => (): unknown =>
    addon.encode({ items: [{ ...good, ...change } as unknown as EncodeItem], cancel: neverCancelled() });
  const source = good.source;
  const file = { file: source };

  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ source: undefined }, /^items\[0\]\.source: must be a record$/],
    [{ source: { ...source, path: '' } }, /^items\[0\]\.source\.path: must be a path$/],
    [{ source: { ...source, path: 'a\0b' } }, /^items\[0\]\.source\.path: must be a path$/],
    [{ source: { ...source, offset: -1 } }, /^items\[0\]\.source\.offset: must be an integer from 0 to/],
    [{ source: { ...source, offset: Number.NaN } }, /^items\[0\]\.source\.offset: must be an integer/],
    [{ source: { ...source, offset: 0.5 } }, /^items\[0\]\.source\.offset: must be an integer/],
    [{ source: { ...source, length: 2 ** 40 } }, /^items\[0\]\.source\.length: must be an integer/],
    [{ source: { ...source, length: 255 } }, /^items\[0\]\.source\.length: must be a multiple of the element's width$/],
    [{ element: 0 }, /^items\[0\]\.element: must be an integer from 1 to 10$/],
    [{ element: 11 }, /^items\[0\]\.element: must be an integer from 1 to 10$/],
    [{ blockLog2: 5 }, /^items\[0\]\.blockLog2: must be an integer from 6 to 22$/],
    [{ blockLog2: 30 }, /^items\[0\]\.blockLog2: must be/],
    [{ element: 8, blockLog2: 22 }, /^items\[0\]\.blockLog2: must be small enough/],
    [{ method: 'gzip' }, /^items\[0\]\.method: must be "cairn" or "lmc"$/],
    [{ needs: {} }, /^items\[0\]\.needs: must be a list$/],
    [{ needs: [{ role: 2, source: file }] }, /^items\[0\]\.needs\[0\]\.role: must be/],
    [{ needs: [{ role: 1, source: {} }] }, /^items\[0\]\.needs\[0\]\.source: must be either/],
    [{ needs: [1, 2].map(() => ({ role: 1, source: file })) }, /^items\[0\]\.needs: must be a list with each role once$/],
    [
      { needs: [{ role: 1, source: { file: { ...source, length: 128 } } }] },
      /^items\[0\]\.needs\[0\]\.source\.file\.length: must be the length/,
    ],
    [{ firstChunk: 1 }, /^items\[0\]\.firstChunk: must be 0 where/],
    [{ whole: 1 }, /^items\[0\]\.whole: must be true or false$/],
  ];

  it('that are wrong are refused by the name of the option', () => {
    expect(codeOf(encode({}))).toBe('nothing was thrown');
    for (const [change, message] of wrong) {
      expect(encode(change), JSON.stringify(change)).toThrow(
        expect.objectContaining({ code: 'bad_request', message: expect.stringMatching(message) }),
      );
    }
  });

  it('of stored blocks are held to their own lengths', () => {
    const { blocks } = code(folder, randomBytes(1000, 1), { element: elements.bytes8, blockLog2: 8 });
    const decode = (change: object) => (): unknown =>
      addon.decode({ items: [{ blocks: { ...blocks, ...change }, firstChunk: 0, whole: true }], cancel: neverCancelled() });
    expect(codeOf(decode({}))).toBe('nothing was thrown');
    const zero = blocks.lengths.slice();
    zero[1] = 0;
    const long = blocks.lengths.slice();
    long[3] = 1000 - 3 * 256 + 2;
    for (const change of [
      { lengths: blocks.lengths.subarray(1) },
      { checksums: new Uint32Array(9) },
      { lengths: zero },
      { lengths: long },
      { lengths: [...blocks.lengths] },
      { rawLength: 1025 },
      { element: elements.float64, rawLength: 1000, blockLog2: 20 },
    ]) {
      expect(codeOf(decode(change)), JSON.stringify(change)).toBe('bad_request');
    }
  });

  it('of a base that is another element, block size or length are refused', () => {
    const { base } = weightPair(elements.bfloat16, 256, 1);
    const stored = code(folder, base, { element: elements.bfloat16, blockLog2: 7 }).blocks;
    const encodeWith = (element: number, blockLog2: number, length: number) => (): unknown =>
      addon.encode({
        items: [
          { ...itemOf(folder, new Uint8Array(length), { element: element as 5, blockLog2 }), needs: [{ role: 1, source: { stored } }] },
        ],
        cancel: neverCancelled(),
      });
    expect(codeOf(encodeWith(elements.bfloat16, 7, 512))).toBe('nothing was thrown');
    expect(codeOf(encodeWith(elements.float16, 7, 512))).toBe('bad_request');
    expect(codeOf(encodeWith(elements.bfloat16, 8, 512))).toBe('bad_request');
    expect(codeOf(encodeWith(elements.bfloat16, 7, 510))).toBe('bad_request');
  });

  it('need a flag in shared memory to cancel', () => {
    for (const cancel of [undefined, new Int32Array(0), new Uint8Array(4), 0]) {
      expect(codeOf(() => addon.encode({ items: [], cancel: cancel as unknown as Int32Array }))).toBe('bad_request');
    }
  });
});

describe('files', () => {
  it('keep their bytes when their pages are evicted', () => {
    const bytes = randomBytes(100_000, 4);
    const path = folder.file(bytes);
    addon.evict(path);
    expect(readFileSync(path)).toEqual(Buffer.from(bytes));
    expect(codeOf(() => addon.evict(folder.newPath()))).toBe('not_found');
  });

  it('are written where a target says, and nowhere else', () => {
    const { raw } = weightPair(elements.bfloat16, 3000, 5);
    const { blocks } = code(folder, raw, { element: elements.bfloat16, blockLog2: 10 });
    const path = folder.file(new Uint8Array(8000).fill(0x2e));
    const target = [
      { path, offset: 10, length: 1 },
      { path, offset: 11, length: 0 },
      { path, offset: 20, length: 4001 },
      { path, offset: 5000, length: 1998 },
    ];
    addon.decode({ items: [{ blocks, firstChunk: 0, whole: true, target }], cancel: neverCancelled() });
    const expected = new Uint8Array(8000).fill(0x2e);
    expected.set(raw.subarray(0, 1), 10);
    expected.set(raw.subarray(1, 4002), 20);
    expected.set(raw.subarray(4002), 5000);
    expect(readFileSync(path)).toEqual(Buffer.from(expected));
    const short = [{ path, offset: 0, length: 5999 }];
    expect(codeOf(() => addon.decode({ items: [{ blocks, firstChunk: 0, whole: true, target: short }], cancel: neverCancelled() }))).toBe(
      'bad_request',
    );
  });

  it('that are shorter than their range: a source has changed, a pack is damaged', () => {
    const { raw } = weightPair(elements.float32, 1000, 6);
    const item = itemOf(folder, raw, { element: elements.float32 });
    const beyond = { ...item, source: { ...item.source, offset: 4 } };
    expect(codeOf(() => addon.encode({ items: [beyond], cancel: neverCancelled() }))).toBe('changed');
    const { blocks } = code(folder, raw, { element: elements.float32 });
    const cut = { ...blocks, offset: 1 };
    expect(codeOf(() => addon.decode({ items: [{ blocks: cut, firstChunk: 0, whole: true }], cancel: neverCancelled() }))).toBe('damaged');
  });
});

describe('bench', () => {
  it('measures every implementation, and each stores the same bytes', () => {
    const { base, raw } = weightPair(elements.bfloat16, 50_000, 7);
    const whole = (bytes: Uint8Array): { path: string; offset: number; length: number } => ({
      path: folder.file(bytes),
      offset: 0,
      length: bytes.length,
    });
    const request = {
      source: whole(raw),
      base: whole(base),
      element: elements.bfloat16,
      blockLog2: 14,
      method: 'cairn',
      rounds: 3,
    } as const;
    const results = addon.about().implementations.map((implementation) => addon.bench({ ...request, implementation }));
    for (const result of results) {
      expect(result.rawLength).toBe(raw.length);
      expect(result.storedLength).toBe(results[0]!.storedLength);
      expect(result.storedLength).toBeLessThan(raw.length);
      for (const seconds of [result.encodeSeconds, result.decodeSeconds, result.memcpySeconds, result.digestSeconds])
        expect(seconds).toBeGreaterThan(0);
    }
    expect(codeOf(() => addon.bench({ ...request, implementation: 'abacus' }))).toBe('bad_request');
  });
});
