/** Checkpoints that lie, are cut short, or have names that were chosen to do harm. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../jobs/context.ts';
import { bytesOf, picture, safetensors, weights, writeStep } from '../jobs/files.ts';
import { cairn, expectOneLine, expectPlain, expectSound } from './command.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const tensor = (name: string, seed = 1) => ({ name, dtype: 'F32', shape: [600], bytes: bytesOf(weights(600, seed)) });

/** A safetensors file whose header is what it says, before some bytes. */
function withHeader(header: unknown, bytes: Uint8Array, headerBytes?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerBytes ?? BigInt(json.length));
  return Buffer.concat([length, json, bytes]);
}

const body = bytesOf(weights(600, 3));
const f32 = (begin: number | bigint, end: number | bigint, shape: unknown[] = [600]) => ({
  w: { dtype: 'F32', shape, data_offsets: [begin, end] },
});
/** JSON of numbers that JavaScript can't hold. */
const huge = (text: string): string => `{"w":{"dtype":"F32","shape":[600],"data_offsets":${text}}}`;

const liars: [string, Buffer][] = [
  ['claims a header of 2^60 bytes', withHeader(f32(0, 2400), body, 2n ** 60n)],
  ['claims a header of one byte more than it has', withHeader('{"w":', new Uint8Array(), 6n)],
  ['claims a tensor of 2^60 bytes', withHeader(huge(`[0,${2n ** 60n}]`), body)],
  ['has a shape of 2^60 elements', withHeader(f32(0, 2400, [2 ** 30, 2 ** 30]), body)],
  ['has tensors that begin before the file', withHeader(f32(-16, 2384), body)],
  ['has tensors that end before they begin', withHeader(f32(2400, 0), body)],
  ['has tensors that end behind the file', withHeader(f32(4, 2404), body)],
  ['has tensors that overlap', withHeader({ ...f32(0, 2400), v: { dtype: 'F32', shape: [600], data_offsets: [0, 2400] } }, body)],
  ['has offsets that are no numbers', withHeader({ w: { dtype: 'F32', shape: [600], data_offsets: ['0', null] } }, body)],
  ['has a header that is no JSON', withHeader('{"w":{{{{', body)],
  ['has a header nested ten thousand deep', withHeader(`{"w":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, body)],
];

describe('a file that lies', () => {
  it.each(liars)('%s: its bytes come back, or one line says why not', async (_, bytes) => {
    const chain = bench.path('run');
    writeStep(chain, 100, [tensor('w')]);
    writeFileSync(path.join(writeStep(chain, 200, []), 'model.safetensors'), bytes);
    const { snapshots, errors } = await bench.archive({ paths: [chain] });
    expect(snapshots.map(({ step }) => step)).toContain(100);
    expect(snapshots.length + errors.length).toBe(2);
    for (const { code, message } of errors) {
      expect(code).toBe('bad_input');
      expectPlain(message);
    }
    for (const { id, path: original } of snapshots) {
      await bench.restore({ snapshot: id, to: bench.path('back', id) });
      expect(picture(bench.path('back', id))).toEqual(picture(original));
    }
    await expectSound(bench);
  });

  it('or is cut short is named in one line by the command, which archives the others', async () => {
    const chain = bench.copyChain();
    truncateSync(path.join(chain, 'step-002200/model.safetensors'), 500_000);
    const ran = await cairn(bench, ['archive', chain]);
    expectOneLine(ran, /step-002200.*model\.safetensors/);
    expect(ran.stdout).toContain('3 sealed');
    await expectSound(bench);
  });

  it('claims 2^60 bytes: the command says so in one line', async () => {
    const chain = bench.path('run');
    writeStep(chain, 100, [tensor('w')]);
    writeFileSync(path.join(writeStep(chain, 200, []), 'model.safetensors'), liars[0]![1]);
    expectOneLine(await cairn(bench, ['archive', chain]), /step-000200/);
    await expectSound(bench);
  });
});

/** Names that a file system takes. */
const names = [
  '..hidden',
  '<img src=x onerror=alert(1)>',
  'new\nline',
  '\u001b[31mred\u001b[0m\u0007',
  '\u202etxt.exe',
  '$(touch x)`id`',
  '-rf',
  ' ',
];

describe('names that were chosen to do harm', () => {
  it('of runs, files and folders come back as they are, and are shown without doing anything', async () => {
    const chain = bench.path('<img src=x onerror=alert(1)>\n\u001b[2J');
    const step = writeStep(chain, 100, [tensor('w')]);
    for (const name of names) {
      mkdirSync(path.join(step, `folder ${name}`));
      writeFileSync(path.join(step, `folder ${name}`, name), name);
    }
    const target = '../../../../../../etc/passwd\n\u001b[31m';
    symlinkSync(target, path.join(step, 'link'));
    const archived = await cairn(bench, ['archive', chain]);
    expect(archived).toMatchObject({ exitCode: 0, stderr: '' });
    const shown = [archived, await cairn(bench, ['ls']), await cairn(bench, ['scan', chain])];
    const [{ id }] = (await cairn(bench, ['ls', '--json'])).records.at(-1)!['snapshots'] as [{ id: string }];
    shown.push(await cairn(bench, ['show', id]));
    for (const { stdout, stderr } of shown) expectPlain(stdout + stderr);
    expect(await cairn(bench, ['restore', id, '--to', bench.path('back')])).toMatchObject({ exitCode: 0, stderr: '' });
    for (const folder of [step, bench.path('back')]) {
      expect(readlinkSync(path.join(folder, 'link'))).toBe(target);
      rmSync(path.join(folder, 'link'));
    }
    expect(picture(bench.path('back'))).toEqual(picture(step));
    await expectSound(bench);
  });

  it('of a missing path are repeated in one line', async () => {
    expectOneLine(await cairn(bench, ['archive', bench.path('no\nsuch\u001b[31m')]), /no\\u\{a\}such/);
  });

  it.each(['../../../escaped', '/escaped', 'a/../../escaped', '..', '.', '', '\u001b[31m\n', 'x'.repeat(5000), 'con\0'])(
    'of tensors stay in the folder when the tensor is taken out: %#',
    async (name) => {
      const step = writeStep(bench.path('run'), 100, [tensor(name)]);
      const { snapshots } = await bench.archive({ paths: [step] });
      const to = bench.path('inner', 'most', 'back');
      const taken = bench.restore({ snapshot: snapshots[0]!.id, to, tensor: name });
      const outcome = await taken.then(
        () => 'done' as const,
        (thrown: { code: string; message: string }) => thrown,
      );
      if (outcome !== 'done') {
        expect(['not_found', 'bad_request', 'unsupported']).toContain(outcome.code);
        expect(outcome.message).not.toContain('\n');
      }
      const made = readdirSync(bench.path(), { recursive: true, encoding: 'utf8' }).filter((file) => /escaped|\.npy$/.test(file));
      for (const file of made) expect(path.dirname(file)).toBe(path.join('inner', 'most', 'back'));
      if (outcome === 'done') expect(made).toHaveLength(1);
    },
  );
});

describe('what is no file', () => {
  it('is neither waited for nor followed', async () => {
    const chain = bench.path('run');
    const step = writeStep(chain, 100, [tensor('w')]);
    execFileSync('mkfifo', [path.join(step, 'pipe')]);
    symlinkSync('loop', path.join(step, 'loop'));
    symlinkSync('/dev/zero', path.join(step, 'endless'));
    symlinkSync('..', path.join(step, 'up'));
    const ran = await cairn(bench, ['archive', chain]);
    expect(ran.stderr.split('\n').length).toBeLessThanOrEqual(2);
    expect(ran.stderr).not.toMatch(/unexpected|please report/);
    await expectSound(bench);
    const sealed = (await cairn(bench, ['ls', '--json'])).records.at(-1)!['snapshots'] as { id: string }[];
    for (const { id } of sealed) {
      await bench.restore({ snapshot: id, to: bench.path('back') });
      expect(readFileSync(path.join(bench.path('back'), 'model.safetensors')).equals(safetensors([tensor('w')]))).toBe(true);
    }
    expect(sealed).toHaveLength(1);
  });
});
