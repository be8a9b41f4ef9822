import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CairnError } from '../../core/contract/errors.ts';
import { decodeManifest, encodeManifest, isSafePath, maxJsonBytes, type Manifest } from '../../core/store/manifest.ts';
import { contentOf, manifestOf } from './examples.ts';
import { hashing } from './hashing.ts';

const name = fc.string({ unit: 'grapheme', maxLength: 12 });
const hex = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
const mtimeNs = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }).map(String);
const mode = fc.integer({ min: 0, max: 0o7777 });

/** One file of a few parts, in a run of any name. */
const manifest: fc.Arbitrary<Manifest> = fc
  .record({
    created: time,
    runName: name,
    step: fc.maxSafeInteger(),
    base: fc.option(hex(16), { nil: undefined }),
    blobs: fc.uniqueArray(hex(32), { minLength: 1, maxLength: 6 }),
    gaps: fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }),
    mtimeNs,
    mode,
    tensorName: name,
    note: fc.option(name, { nil: undefined }),
  })
  .map(({ created, runName, step, base, blobs, gaps, mtimeNs, mode, tensorName, note }) => {
    let end = 0;
    const parts = gaps.map((gap, index): [number, number, number] => {
      const part: [number, number, number] = [end + gap, 10, index % blobs.length];
      end += gap + 10;
      return part;
    });
    return {
      ...{
        created,
        run: { name: runName, path: '/runs/x', layout: 'folders' },
        step,
        path: '',
        time: created,
        method: 'cairn' as const,
        base,
        depth: base ? 1 : 0,
      },
      ...{ bytesOriginal: end, bytesStored: 0, blobs, new: [0] },
      files: [{ path: 'a/b', size: end, mode, mtimeNs, digest: blobs[0]!, format: 'safetensors', note, rest: blobs.length - 1, parts }],
      folders: [{ path: 'a', mode, mtimeNs }],
      links: [{ path: 'latest', target: '../elsewhere' }],
      tensors: [{ name: tensorName, dtype: 'BF16', shape: [5], file: 0, part: 0, offset: 0 }],
    };
  });

const example = manifestOf([contentOf('one'), contentOf('other')]);

/** A manifest's file around any record, with sums that fit: a lie, not an accident. */
function enclose(json: Uint8Array, changes: { payload?: Uint8Array; jsonBytes?: bigint; version?: number; flags?: number } = {}) {
  const payload = changes.payload ?? zstdCompressSync(json);
  const envelope = Buffer.alloc(64);
  envelope.write('CAIRNSNP');
  envelope.writeUInt32LE(changes.version ?? 1, 8);
  envelope.writeUInt32LE(changes.flags ?? 0, 12);
  envelope.writeBigUInt64LE(BigInt(payload.length), 16);
  envelope.writeBigUInt64LE(changes.jsonBytes ?? BigInt(json.length), 24);
  const digest = hashing.digestBytes(json);
  envelope.set(digest, 32);
  return { id: Buffer.from(digest.subarray(0, 16)).toString('hex'), bytes: Buffer.concat([envelope, payload]) };
}

async function errorOf(bytes: Uint8Array, id: string): Promise<CairnError> {
  const outcome = await decodeManifest(bytes, id, hashing, 'm').catch((thrown: CairnError) => thrown);
  expect(outcome).toBeInstanceOf(Error);
  return outcome as CairnError;
}

describe('a manifest', () => {
  it('gives back what was put in', async () => {
    await fc.assert(
      fc.asyncProperty(manifest, async (record) => {
        const { id, bytes } = await encodeManifest(record, hashing);
        expect(id).toMatch(/^[0-9a-f]{32}$/);
        const back = await decodeManifest(bytes, id, hashing, 'm');
        expect(back).toEqual(JSON.parse(JSON.stringify(record)));
      }),
      { numRuns: 50 },
    );
  });

  it('is the same bytes whatever the order of members', async () => {
    const shuffled = Object.fromEntries(Object.entries(example).reverse()) as Manifest;
    expect(await encodeManifest(shuffled, hashing)).toEqual(await encodeManifest(example, hashing));
  });

  it('ignores members it does not know', async () => {
    const { id, bytes } = enclose(Buffer.from(JSON.stringify({ ...example, later: { more: 1 } })));
    expect(await decodeManifest(bytes, id, hashing, 'm')).toEqual(example);
  });

  it('notices a change of every byte, and every truncation', async () => {
    const { id, bytes } = await encodeManifest(example, hashing);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x21;
      // zstd ignores some bits of its own header; the record they give is then the same, and so is the digest.
      const outcome = await decodeManifest(changed, id, hashing, 'm').catch((thrown: CairnError) => thrown);
      if (outcome instanceof Error) expect((outcome as CairnError).code).toMatch(/^(damaged|unsupported)$/);
      else expect(outcome).toEqual(example);
      if (at < 64) expect(outcome).toBeInstanceOf(Error);
      expect((await errorOf(bytes.subarray(0, at), id)).code).toBe('damaged');
    }
    expect((await errorOf(Buffer.concat([bytes, Buffer.alloc(1)]), id)).code).toBe('damaged');
  });

  it('is refused under another name', async () => {
    const { bytes } = await encodeManifest(example, hashing);
    expect((await errorOf(bytes, 'ab'.repeat(16))).message).toContain('another snapshot');
  });

  it('is refused in one line where it is of a newer version', async () => {
    for (const changes of [{ version: 2 }, { flags: 1 }]) {
      const { id, bytes } = enclose(Buffer.from(JSON.stringify(example)), changes);
      const error = await errorOf(bytes, id);
      expect(error.code).toBe('unsupported');
      expect(error.message).not.toContain('\n');
    }
  });

  it('does not decompress a bomb', async () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const payload = zstdCompressSync(zeros);
    expect(payload.length).toBeLessThan(16_384);
    const before = process.memoryUsage().arrayBuffers;
    for (const jsonBytes of [1000n, 0n, BigInt(maxJsonBytes) + 1n, 2n ** 63n]) {
      const { id, bytes } = enclose(Buffer.from('{}'), { payload, jsonBytes });
      expect((await errorOf(bytes, id)).code).toBe('damaged');
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  it.each(['', 'null', '[]', '{', '"text"', '\ufffd', JSON.stringify({ ...example, files: {} }), '['.repeat(100_000)])(
    'is refused where its record is %#',
    async (text) => {
      const { id, bytes } = enclose(Buffer.from(text));
      expect((await errorOf(bytes, id)).code).toBe('damaged');
    },
  );

  it('is refused where its record is no UTF-8', async () => {
    const json = Buffer.from(JSON.stringify(example));
    json[json.indexOf('ft-07')] = 0xff;
    const { id, bytes } = enclose(json);
    expect((await errorOf(bytes, id)).code).toBe('damaged');
  });

  const file = example.files[0]!;
  const other = example.files[1]!;
  const withFile = (changes: Partial<typeof file>): Partial<Manifest> => ({ files: [{ ...file, ...changes }, other] });
  const tensor = { name: 't', dtype: 'F32', shape: [1], file: 0, part: -1, offset: 0 };
  const lies: [string, Partial<Manifest>][] = [
    ['a path that leaves the checkpoint', withFile({ path: '../x' })],
    ['an absolute path', withFile({ path: '/etc/passwd' })],
    ['a path with an empty part', withFile({ path: 'a//b' })],
    ['a path with NUL', withFile({ path: 'a\0b' })],
    ['a checkpoint outside its run', { path: '../other' }],
    ['a folder outside', { folders: [{ path: 'a/../..', mode: 0, mtimeNs: '0' }] }],
    ['a link outside', { links: [{ path: '../a', target: 'x' }] }],
    ['two files of one path', withFile({ path: other.path })],
    ['a file below a link', { links: [{ path: 'a', target: '/etc' }], files: [{ ...file, path: 'a/passwd' }, other] }],
    ['a folder below a link', { links: [{ path: 'a', target: '/etc' }], folders: [{ path: 'a/b/c', mode: 0, mtimeNs: '0' }] }],
    ['a folder that is a link', { links: [{ path: 'a', target: '/etc' }], folders: [{ path: 'a', mode: 0, mtimeNs: '0' }] }],
    ['a remainder that is no blob', withFile({ rest: 2 })],
    ['bytes that no blob holds', withFile({ rest: -1 })],
    ['a part that is no blob', withFile({ parts: [[0, 1, 2]] })],
    ['a part outside the file', withFile({ parts: [[0, 4, 0]] })],
    ['a part of endless length', withFile({ parts: [[0, Number.MAX_SAFE_INTEGER, 0]] })],
    [
      'overlapping parts',
      withFile({
        parts: [
          [0, 2, 0],
          [1, 2, 0],
        ],
      }),
    ],
    [
      'parts that do not ascend',
      withFile({
        parts: [
          [2, 1, 0],
          [0, 1, 0],
        ],
      }),
    ],
    ['a negative index', withFile({ rest: -2 })],
    ['a fraction of a byte', withFile({ size: 2.5 })],
    ['a mode of too many bits', withFile({ mode: 0o10000 })],
    ['a time that is no number', withFile({ mtimeNs: '1e9' })],
    ['a digest that is none', { blobs: ['xyz', example.blobs[1]!] }],
    ['a content twice', { blobs: [example.blobs[0]!, example.blobs[0]!] }],
    ['a new blob that is none of its blobs', { new: [2] }],
    ['files that do not add up', { bytesOriginal: 9 }],
    ['a base that is no id', { base: '../../x' }],
    ['a depth beyond any', { depth: 65 }],
    ['a tensor in no file', { tensors: [{ ...tensor, file: 2 }] }],
    ['a tensor in no part', { tensors: [{ ...tensor, part: 0 }] }],
    ['strides that do not fit', { ...withFile({ parts: [[0, 3, 0]] }), tensors: [{ ...tensor, part: 0, strides: [1, 1] }] }],
    ['a tensor that begins outside its part', { ...withFile({ parts: [[0, 3, 0]] }), tensors: [{ ...tensor, part: 0, offset: 4 }] }],
  ];

  it.each(lies)('is refused for %s, and never written', async (_, changes) => {
    const record = { ...example, ...changes };
    const { id, bytes } = enclose(Buffer.from(JSON.stringify(record)));
    const error = await errorOf(bytes, id);
    expect(error.code).toBe('damaged');
    expect(error.message).not.toContain('\n');
    await expect(encodeManifest(record, hashing)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('a safe path', () => {
  it('has no part that goes up or stays', () => {
    for (const path of ['a', 'a/b', '...', 'a/.hidden', 'tab\there', 'ünï/côde']) expect(isSafePath(path)).toBe(true);
    for (const path of ['', '/', '/a', 'a/', 'a//b', '.', './a', 'a/..', '..', 'a\0']) expect(isSafePath(path)).toBe(false);
  });
});
