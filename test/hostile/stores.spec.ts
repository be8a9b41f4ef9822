/** Stores that were damaged or made to do harm: findings or one line, and nothing outside the target. */
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorCodes } from '../../core/contract/errors.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { randomSource } from '../native/contents.ts';
import { cairn, expectOneLine, expectPlain } from './command.ts';
import {
  digestOf,
  fileOf,
  rawBlob,
  recordOf,
  writeManifest,
  writeMark,
  writePack,
  type FooterLies,
  type HandmadeBlob,
} from './handmade-store.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const bytes = Buffer.from('what the file holds');
const digest = digestOf(bytes);

interface Thrown {
  code: string;
  message: string;
}

/** What came of it, or the error, which is of the closed list and one line. */
async function outcome<T>(work: Promise<T>): Promise<{ value: T } | { error: Thrown }> {
  try {
    return { value: await work };
  } catch (thrown) {
    const error = thrown as Thrown;
    expect(errorCodes).toContain(error.code);
    expect(error.code).not.toBe('internal');
    expect(error.message).toMatch(/^[^\n]+$/);
    return { error };
  }
}

/** Everything below the bench's folder but the store, the catalogue and the target. */
const outside = (): string[] =>
  readdirSync(bench.folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^(store|target|catalogue|home|run)/.test(name))
    .sort();

describe('a store with damage', () => {
  it('in one byte of any file gives findings or an error, and never other bytes', async () => {
    const chain = bench.copyChain();
    const { snapshots } = await bench.archive({ paths: [chain], steps: [2200, 2400] });
    const files = readdirSync(bench.storePath, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(pack|manifest)$/.test(name));
    const original = new Map(snapshots.map(({ id, path: from }) => [id, picture(from)]));
    const random = randomSource(31);
    let noticed = 0;
    const rounds = 60;
    mkdirSync(bench.path('target'));
    for (let round = 0; round < rounds; round++) {
      const file = path.join(bench.storePath, files[round % files.length]!);
      const [sound, damaged] = [readFileSync(file), readFileSync(file)];
      // Half of the hits at the ends, where headers, tables and footers are.
      const reach = round % 4 === 0 ? 64 : sound.length;
      const at = round % 2 === 0 ? random() % reach : sound.length - 1 - (random() % Math.min(reach, 2000));
      damaged[at]! ^= 1 << (random() % 8);
      writeFileSync(file, damaged);
      const verified = await outcome(bench.verify());
      if ('error' in verified || verified.value.findings.length > 0) noticed++;
      for (const [id, picturedBefore] of original) {
        const restored = await outcome(bench.restore({ snapshot: id, to: bench.path('target') }));
        if ('value' in restored) expect(picture(bench.path('target'))).toEqual(picturedBefore);
        else expect(readdirSync(bench.path('target'), { encoding: 'utf8' }).filter((name) => name.endsWith('.safetensors'))).toEqual([]);
        rmSync(bench.path('target'), { recursive: true, force: true });
        mkdirSync(bench.path('target'));
      }
      writeFileSync(file, sound);
    }
    expect(noticed).toBe(rounds);
    expect((await bench.verify()).findings).toEqual([]);
    expect(outside()).toEqual([]);
  });
});

const folder = (name: string) => ({ path: name, mode: 0o777, mtimeNs: '0' });
const escapes = ['../escaped', '/tmp/escaped', 'a/../../escaped', './escaped', 'a//escaped', '', '.', '..', 'a/', 'nul\0'];

const badRecords: [string, object | string][] = [
  ...escapes.map((name): [string, object] => [`a file at ${JSON.stringify(name)}`, { files: [fileOf(name, bytes)] }]),
  ...escapes.map((name): [string, object] => [`a folder at ${JSON.stringify(name)}`, { folders: [folder(name)] }]),
  ...escapes.map((name): [string, object] => [`a link at ${JSON.stringify(name)}`, { links: [{ path: name, target: '/' }] }]),
  ['a folder below a link', { links: [{ path: 'up', target: '..' }], folders: [folder('up/escaped')] }],
  ['a file below a link', { links: [{ path: 'up', target: '..' }], files: [fileOf('up/escaped', bytes)] }],
  [
    'a link below a link',
    {
      links: [
        { path: 'up', target: '..' },
        { path: 'up/escaped', target: '/' },
      ],
    },
  ],
  ['a folder that is a link', { links: [{ path: 'up', target: '..' }], folders: [folder('up')] }],
  ['a file that is a link', { links: [{ path: 'file', target: '../escaped' }] }],
  ['a file twice', { files: [fileOf('file', bytes), fileOf('file', bytes)], bytesOriginal: 2 * bytes.length }],
  [
    'a file of 2^53 bytes less one that its blob does not have',
    { files: [fileOf('file', bytes, { size: 2 ** 53 - 1 })], bytesOriginal: 2 ** 53 - 1 },
  ],
  ['a negative size', { files: [fileOf('file', bytes, { size: -1 })], bytesOriginal: -1 }],
  ['a part behind the file', { files: [fileOf('file', bytes, { parts: [[4, 2 ** 40, 0]] })] }],
  ['parts that overlap', { files: [fileOf('file', bytes, { parts: [[0, 10, 0], [5, 10, 0]] })] }], // prettier-ignore
  ['a blob that it does not name', { files: [fileOf('file', bytes, { rest: 7 })] }],
  ['a content that is not stored', { blobs: ['ab'.repeat(32)] }],
  ['the digest of another file', { files: [fileOf('file', bytes, { digest: 'cd'.repeat(32) })] }],
  ['a time that no clock shows', { files: [fileOf('file', bytes, { mtimeNs: '9'.repeat(20) })] }],
  ['a mode of more bits', { files: [fileOf('file', bytes, { mode: 0o100644 })] }],
  ['a base that is no id', { base: '../../etc/passwd' }],
  ['a depth of 2^31', { depth: 2 ** 31 }],
  ['no JSON', '{"created":'],
  ['JSON nested a hundred thousand deep', '['.repeat(100_000)],
  ['null', 'null'],
];

describe('a manifest made by hand', () => {
  beforeEach(() => {
    writeMark(bench.storePath);
    writePack(bench.storePath, [rawBlob(bytes)]);
  });

  it('restores where it is as it should be', async () => {
    const id = writeManifest(bench.storePath, recordOf(bytes));
    expect((await bench.verify()).findings).toEqual([]);
    await bench.restore({ snapshot: id, to: bench.path('target') });
    expect(readFileSync(bench.path('target', 'file')).equals(bytes)).toBe(true);
  });

  it('with another length of a content than the store has is refused by what it is, for a file and for a tensor', async () => {
    const size = bytes.length + 4;
    const parts = [[0, size, 0]];
    const tensors = [{ name: 'w', dtype: 'U8', shape: [size], file: 0, part: 0, offset: 0 }];
    const files = [fileOf('file', bytes, { size, rest: -1, parts })];
    const id = writeManifest(bench.storePath, recordOf(bytes, { bytesOriginal: size, files, tensors }));
    for (const wanted of [{}, { tensor: 'w' }]) {
      const restored = await outcome(bench.restore({ snapshot: id, to: bench.path('target'), ...wanted }));
      expect(restored).toMatchObject({ error: { code: 'damaged', message: expect.stringContaining(`content ${digest}`) } });
    }
  });

  it.each(badRecords)('with %s is found or refused, and writes nothing elsewhere', async (_, change) => {
    const id = writeManifest(bench.storePath, typeof change === 'string' ? change : recordOf(bytes, change));
    const verified = await outcome(bench.verify());
    const restored = await outcome(bench.restore({ snapshot: id, to: bench.path('target') }));
    const noticed = 'error' in verified || verified.value.findings.length > 0;
    expect(noticed || 'error' in restored).toBe(true);
    if ('value' in restored) expect(readFileSync(bench.path('target', 'file')).equals(bytes)).toBe(true);
    expect(outside()).toEqual([]);
  });

  it.each([
    ['states 2^60 bytes of record', { jsonLength: 2n ** 60n }],
    ['states 255 MiB of record that are not there', { jsonLength: 255n * 2n ** 20n }],
    ['has a payload that is no zstd', { payload: Buffer.from('no zstd at all') }],
    ['has no payload', { payload: new Uint8Array() }],
  ])('that %s is refused', async (_, envelope) => {
    const id = writeManifest(bench.storePath, recordOf(bytes), envelope);
    expect((await bench.verify()).findings.map(({ code }) => code)).toContain('manifest-unreadable');
    expect(await outcome(bench.restore({ snapshot: id, to: bench.path('target') }))).toMatchObject({ error: { code: 'damaged' } });
  });

  it('is not found under the names of others', async () => {
    writeManifest(bench.storePath, recordOf(bytes));
    for (const name of ['../../../etc/passwd', '../store/cairn', '*', '\u001b[31m'])
      expect(await outcome(bench.restore({ snapshot: name, to: bench.path('target') }))).toHaveProperty('error');
    expect(outside()).toEqual([]);
  });

  it('is refused by the command in one line, or shown without doing anything', async () => {
    const id = writeManifest(bench.storePath, recordOf(bytes, { files: [fileOf('../escaped', bytes)] }));
    expectOneLine(await cairn(bench, ['restore', id, '--to', bench.path('target')]), /damaged/);
    const verified = await cairn(bench, ['verify']);
    expect(verified.exitCode).toBe(1);
    expectPlain(verified.stdout + verified.stderr);
    rmSync(path.join(bench.storePath, 'snapshots', `${id}.manifest`));
    const name = '<img src=x onerror=alert(1)>\n\u001b[31m\u202e';
    const tensor = { name, dtype: name, shape: [1], file: 0, part: -1, offset: 0 };
    const files = [fileOf(name, bytes, { format: name, note: name })];
    const shown = writeManifest(bench.storePath, recordOf(bytes, { run: { name, path: name, layout: name }, files, tensors: [tensor] }));
    for (const command of [['ls'], ['show', shown], ['verify'], ['restore', shown, '--to', bench.path('target')]]) {
      const ran = await cairn(bench, command);
      expectPlain(ran.stdout + ran.stderr);
      expect(ran.exitCode).toBe(0);
    }
    expect(readdirSync(bench.path('target'))).toEqual([name]);
    expect(outside()).toEqual([]);
  });
});

describe('a target with links in it', () => {
  it('is not left: what the links lead to stays as it is', async () => {
    writeMark(bench.storePath);
    writePack(bench.storePath, [rawBlob(bytes)]);
    const id = writeManifest(bench.storePath, recordOf(bytes, { files: [fileOf('file', bytes)] }));
    mkdirSync(bench.path('target'));
    writeFileSync(bench.path('mine'), 'mine');
    symlinkSync(bench.path('mine'), bench.path('target', 'file'));
    expect(await outcome(bench.restore({ snapshot: id, to: bench.path('target') }))).toMatchObject({ error: { code: 'exists' } });
    await bench.restore({ snapshot: id, to: bench.path('target'), force: true });
    expect(readFileSync(bench.path('mine'), 'utf8')).toBe('mine');
    expect(readFileSync(bench.path('target', 'file')).equals(bytes)).toBe(true);
  });
});

const one = rawBlob(bytes);
const other = Buffer.from('another content');
const circle: HandmadeBlob[] = [
  { ...one, coding: 1, blockLog2: 19, blocks: [Uint8Array.of(2)], needs: [{ role: 1, digest: digestOf(other) }] },
  rawBlob(other, { coding: 1, blockLog2: 19, blocks: [Uint8Array.of(2)], needs: [{ role: 1, digest }] }),
];
const badPacks: [string, HandmadeBlob[], FooterLies?][] = [
  ['2^32 - 1 blobs', [one], { blobCount: 2 ** 32 - 1 }],
  ['no blob where there is one', [one], { blobCount: 0 }],
  ['a table at 2^62', [one], { tableOffset: 2n ** 62n }],
  ['a table of 2^62 bytes', [one], { tableLength: 2n ** 62n }],
  ['a table that begins in the header', [one], { tableOffset: 0n }],
  ['2^32 - 1 blocks', [{ ...one, blockCount: 2 ** 32 - 1 }]],
  ['255 needs that are not there', [{ ...one, needCount: 255 }]],
  ['2^60 bytes in one block', [{ ...one, rawLength: 2n ** 60n }]],
  ['2^63 bytes', [{ ...one, rawLength: 2n ** 63n }]],
  ['blobs at 2^60', [{ ...one, offset: 2n ** 60n }]],
  ['a block of 2^32 - 1 bytes', [{ ...one, lengths: [2 ** 32 - 1] }]],
  ['blocks of 2^255 elements', [{ ...one, blockLog2: 255 }]],
  ['blocks of one element', [{ ...one, blockLog2: 0 }]],
  ['element 0', [{ ...one, element: 0 }]],
  ['element 200', [{ ...one, element: 200 }]],
  ['coding 9', [{ ...one, coding: 9 }]],
  ['a need in role 200', [{ ...one, coding: 1, blockLog2: 19, needs: [{ role: 200, digest }] }]],
  ['a blob that needs itself', [{ ...one, coding: 1, blockLog2: 19, needs: [{ role: 1, digest }] }]],
  [
    'a base that is nowhere',
    [{ ...one, coding: 1, blockLog2: 19, blocks: [Uint8Array.of(2)], needs: [{ role: 1, digest: 'ab'.repeat(32) }] }],
  ],
  ['bases in a circle', circle],
  ['a block of codec 255', [{ ...one, blocks: [Buffer.concat([Uint8Array.of(255), bytes])] }]],
  ['a block of codec 8 in the bytes coding', [{ ...one, blocks: [Buffer.concat([Uint8Array.of(8), bytes])] }]],
  ['a block without its id', [{ ...one, blocks: [new Uint8Array()] }]],
  ['other bytes of the right length', [{ ...one, blocks: [Buffer.concat([Uint8Array.of(0), bytes]).fill(7, 1)] }]],
  ['a zstd bomb', [{ ...one, blocks: [Buffer.from('0328b52ffda4000000405402000000000000000000ffffff', 'hex')] }]],
];

describe('a pack made by hand', () => {
  it.each(badPacks)('with %s gives findings, and no file', async (_, blobs, lies) => {
    writeMark(bench.storePath);
    writePack(bench.storePath, blobs, lies);
    const id = writeManifest(bench.storePath, recordOf(bytes));
    const verified = await outcome(bench.verify());
    expect('error' in verified || verified.value.findings.length > 0).toBe(true);
    const restored = await outcome(bench.restore({ snapshot: id, to: bench.path('target') }));
    expect(restored).toHaveProperty('error');
    expect(readdirSync(bench.folder)).not.toContain('file');
    expect(readdirSync(bench.folder).includes('target') ? readdirSync(bench.path('target')) : []).toEqual([]);
    expect(outside()).toEqual([]);
  });

  it('that is a long chain is refused before it is followed', async () => {
    writeMark(bench.storePath);
    const contents = Array.from({ length: 70 }, (_unused, index) => Buffer.from(`content ${String(index).padStart(9)}`));
    const base = (index: number) => (index === 0 ? [] : [{ role: 1, digest: digestOf(contents[index - 1]!) }]);
    const blobs = contents.map((content, index) => rawBlob(content, { coding: 1, blockLog2: 19, needs: base(index) }));
    writePack(bench.storePath, blobs);
    const id = writeManifest(bench.storePath, recordOf(contents.at(-1)!));
    expect(await outcome(bench.restore({ snapshot: id, to: bench.path('target') }))).toHaveProperty('error');
    const verified = await outcome(bench.verify());
    expect('error' in verified || verified.value.findings.length > 0).toBe(true);
  });
});
