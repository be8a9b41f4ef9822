import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../core/scan/formats/limits.ts';
import { readPickle, readWholePickle } from '../../../core/scan/formats/pickle.ts';
import { PickleCutShort } from '../../../core/scan/formats/pickle-machine.ts';
import { readLayout } from '../../../core/scan/formats/registry.ts';
import { cpuMsOf } from '../../own-time.ts';
import { dictionaryOf, pickleOf, tensorOf, text, torchArchive, u32, u64, whole } from './containers.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();
const file = { path: 'test.pkl' };
const vector = tensorOf({ elements: 6, shape: [6], strides: [1] });
const six = { 0: Buffer.alloc(24, 1) };

function valueOf(...pieces: (string | number | Uint8Array)[]) {
  return readWholePickle(file, pickleOf(...pieces)).value;
}

async function layoutOf(body: Uint8Array) {
  return readLayout(await folder.put('model.pt', torchArchive(body, six)));
}

/** What a reading takes of a processor: far less than an unbounded reader would. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  let result!: T;
  const cpuMs = await cpuMsOf(async () => (result = await work()));
  return { result, seconds: cpuMs / 1000 };
}

describe('pickles of every protocol are described', () => {
  test('protocol 0 writes everything as lines', () => {
    expect(valueOf("(lp0\nI42\naI01\naF1.5\naS'text'\np1\naVunicode\np2\naL12345678901234567890L\nag1\na.")).toMatchObject({
      kind: 'list',
      items: [42, true, 1.5, 'text', 'unicode', 12345678901234567890n, 'text'],
    });
  });

  test('protocols 1 and 2 have binary numbers and tuples', () => {
    const half = Buffer.from('3fe0000000000000', 'hex');
    expect(
      valueOf(0x80, 2, '(', 'K', 200, 'M', 1, 1, whole(-5), 'G', half, 0x8a, 2, 0xff, 0x7f, 0x8a, 1, 0xff, 'N', 0x88, 0x85, 't.'),
    ).toEqual({
      kind: 'tuple',
      items: [200, 257, -5, 0.5, 32767, -1, null, { kind: 'tuple', items: [true] }],
    });
  });

  test('protocol 4 has frames, short text and a memo that counts', () => {
    const body = pickleOf(0x8c, 2, 'ab', 0x94, 'h', 0, 0x86, '.');
    expect(valueOf(0x80, 4, 0x95, u64(body.length), body)).toEqual({ kind: 'tuple', items: ['ab', 'ab'] });
  });

  test('protocol 5 has byte arrays, which stay where they are', () => {
    expect(valueOf(0x80, 5, 0x96, u64(3), 'xyz', '.')).toEqual({ kind: 'bytes', start: 11, length: 3 });
  });

  test('sets, instances, extensions and references are records', () => {
    expect(valueOf(0x8f, '(', 'K', 1, 0x90, '.')).toEqual({ kind: 'set', items: [1] });
    expect(valueOf('(K', 1, 'imod\nClass\n.')).toMatchObject({ kind: 'call', callee: { module: 'mod', name: 'Class' }, args: [1] });
    expect(valueOf('(cmod\nClass\nK', 1, 'o.')).toMatchObject({ kind: 'call', callee: { name: 'Class' }, args: [1] });
    expect(valueOf('cmod\nClass\n)}', 0x92, '.')).toMatchObject({ kind: 'call', args: [{ kind: 'dictionary' }] });
    expect(valueOf(0x82, 7, '.')).toMatchObject({ kind: 'global', name: 'extension 7' });
    expect(valueOf('Pid one\n.')).toEqual({ kind: 'reference', id: 'id one' });
  });

  test('numbers come back as they were written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        const bytes = Buffer.alloc(32);
        for (let index = 0; index < 32; index++) bytes[index] = Number(BigInt.asUintN(8, value >> BigInt(8 * index)));
        expect(BigInt(valueOf(0x8a, 32, bytes, '.') as number | bigint)).toBe(value);
      }),
    );
  });

  test('where a pickle ends is known, and a cut one asks for more', () => {
    const bytes = pickleOf('K', 1, '.', 'rest');
    expect(readPickle(file, bytes).end).toBe(3);
    for (let length = 0; length < 3; length++) expect(() => readPickle(file, bytes.subarray(0, length))).toThrow(PickleCutShort);
  });
});

describe('hostile pickles', () => {
  test('os.system is named and never called', async () => {
    const target = join(folder.path, 'executed');
    const attack = pickleOf('cos\nsystem\n(', text(`touch ${target}`), 'tR');
    const layout = await layoutOf(dictionaryOf({ w: vector, x: attack }));
    expect(layout).toMatchObject({ format: 'torch-zip', tensors: [{ name: 'w' }] });
    expect(layout.note).toContain('os.system');
    expect(existsSync(target)).toBe(false);
  });

  test.each([
    ['a nested call', pickleOf('cbuiltins\neval\n(cbuiltins\nexec\n(', text('1'), 'tRtR')],
    ['an instance', pickleOf('(', text('ls'), 'isubprocess\nPopen\n')],
    ['a class made by OBJ', pickleOf('(cposix\nsystem\n', text('ls'), 'o')],
    ['names from the stack', pickleOf(text('builtins'), text('exec'), 0x93, '(', text('1'), 'tR')],
    [
      'a function handed on to another',
      pickleOf('ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncmine\nType\n(', text('ls'), 'tNtR'),
    ],
    ['a class with keywords', pickleOf('csubprocess\nPopen\n)}', 0x92)],
  ])('%s is only described', async (_, attack) => {
    const layout = await layoutOf(dictionaryOf({ x: attack, w: vector }));
    expect(layout.tensors).toMatchObject([{ name: 'w' }]);
    expect(layout.note).toMatch(/would bring in ".*(exec|Popen|system)/);
    expect(layout.note).not.toContain('\n');
  });

  test('ordinary classes need no warning', async () => {
    const layout = await layoutOf(
      dictionaryOf({ s: pickleOf('c__builtin__\nset\n(]tR'), n: pickleOf('cargparse\nNamespace\n)', 0x81, '}b'), w: vector }),
    );
    expect(layout.note).toBeUndefined();
  });

  /** Each list holds the one before twice: 2^levels leaves, a few bytes each. */
  function laughs(leaf: Uint8Array, levels: number): Buffer {
    const pieces: Uint8Array[] = [pickleOf(leaf, 'r', u32(1000))];
    for (let level = 1; level <= levels; level++)
      pieces.push(pickleOf('(j', u32(999 + level), 'j', u32(999 + level), 'lr', u32(1000 + level)));
    return pickleOf('(', ...pieces, 'l');
  }

  test('a billion laughs without a tensor cost nothing', async () => {
    const { result, seconds } = await timed(() => layoutOf(pickleOf('(', laughs(text('ha'), 60), vector, 'l')));
    expect(result.tensors).toMatchObject([{ name: '1' }]);
    expect(seconds).toBeLessThan(5);
  });

  test('a billion laughs over a tensor are cut off', async () => {
    const { result, seconds } = await timed(() => layoutOf(laughs(vector, 60)));
    expect(result).toMatchObject({ format: 'bytes', parts: [], note: expect.stringContaining('more tensors') as string });
    expect(seconds).toBeLessThan(10);
  });

  test('a list inside itself ends', async () => {
    const layout = await layoutOf(pickleOf(']q', 0, 'h', 0, 'a', vector, 'a'));
    expect(layout.tensors).toMatchObject([{ name: '1' }]);
  });

  test('a dictionary that is its own value and its own state ends', async () => {
    const layout = await layoutOf(
      pickleOf('cmine\nNode\n)Rq', 0, '}q', 1, text('self'), 'h', 0, 's', text('again'), 'h', 1, 's', text('w'), vector, 'sb'),
    );
    expect(layout.tensors).toMatchObject([{ name: 'w' }]);
  });

  test('a sparse tensor that is its own values ends', async () => {
    // The list of arguments is kept in the memo and filled after the call was noted.
    const itself = pickleOf('ctorch._utils\n_rebuild_sparse_tensor\n]q', 0, 'Rq', 1, '0h', 0, 'Na(Nh', 1, '(K', 4, 'tta0h', 1);
    const { tensors } = await layoutOf(pickleOf('(', itself, vector, 'l'));
    expect(tensors.map(({ name, part }) => ({ name, part }))).toEqual([
      { name: '0', part: -1 },
      { name: '1', part: 0 },
    ]);
  });

  test('10,000 levels are not followed, what lies beside them is', async () => {
    const deep = pickleOf(...Array.from({ length: 10_000 }, () => '('), vector, ...Array.from({ length: 10_000 }, () => 'l'));
    const layout = await layoutOf(dictionaryOf({ deep, w: vector }));
    expect(layout.tensors).toMatchObject([{ name: 'w' }]);
    expect(layout.note).toContain(`deeper than ${limits.treeDepth} levels`);
  });

  const cutShort: [string, Buffer][] = [
    ['text of 2^32-1 bytes', pickleOf('X', u32(0xffffffff))],
    ['text of 2^63 bytes', pickleOf(0x8d, u64(2n ** 63n))],
    ['bytes of 2^64-1 bytes', pickleOf(0x8e, u64(2n ** 64n - 1n))],
    ['a byte array of 2^40 bytes', pickleOf(0x96, u64(2n ** 40n))],
    ['an integer of 2^31-1 bytes', pickleOf(0x8b, u32(0x7fffffff))],
    ['a frame of 2^60 bytes', pickleOf(0x95, u64(2n ** 60n))],
    ['no STOP that is reached', pickleOf('K')],
  ];
  test.each(cutShort)('%s is damage', async (_, attack) => {
    const layout = await layoutOf(attack);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], damaged: true });
  });

  const broken: [string, Buffer, string][] = [
    ['a memo that was never filled', pickleOf('h', 7), 'never kept'],
    ['a memo at 2^32-1', pickleOf('j', u32(0xffffffff)), 'never kept'],
    ['an integer of negative length', pickleOf(0x8b, u32(0x80000000)), 'negative length'],
    ['a string of negative length', pickleOf('T', u32(0x80000000)), 'negative length'],
    ['an empty stack', pickleOf('R'), 'empty stack'],
    ['a mark that is missing', pickleOf('K', 1, 't'), 'mark'],
    ['a key without a value', pickleOf('}(K', 1, 'u'), 'without a value'],
    ['an append to a number', pickleOf('K', 1, 'K', 2, 'a'), 'no list'],
    ['an item of a list', pickleOf(']K', 1, 'K', 2, 's'), 'no dictionary'],
    ['a name that is a number', pickleOf('K', 1, 'K', 2, 0x93), 'else than text'],
    ['an instance of nothing', pickleOf('(o'), 'of nothing'],
    ['an unknown opcode', pickleOf(0xff), 'unknown opcode 0xff'],
    ['a buffer from elsewhere', pickleOf(0x97), 'unknown opcode 0x97'],
    ['letters for digits', pickleOf('Ione\n'), 'without digits'],
    ['a string without quotes', pickleOf('Stext\n'), 'without quotes'],
  ];
  test.each(broken)('%s is damage', async (_, attack, reason) => {
    const layout = await layoutOf(attack);
    expect(layout).toMatchObject({ format: 'bytes', parts: [], tensors: [], damaged: true });
    expect(layout.note).toContain(reason);
    expect(layout.note).not.toContain('\n');
  });

  test('a memo index of 2^31 takes no room', async () => {
    const layout = await layoutOf(pickleOf(vector, 'r', u32(2 ** 31)));
    expect(layout.tensors).toHaveLength(1);
  });

  const beyond: [string, () => Buffer, string][] = [
    ['protocol 9', () => pickleOf(0x80, 9, 'N'), 'protocol 9'],
    ['an integer of 8 KiB', () => pickleOf(0x8b, u32(8192), Buffer.alloc(8192, 1)), 'an integer of 8192 bytes'],
    ['an integer of 10,000 digits', () => pickleOf('I', '9'.repeat(10_000), '\n'), '10000 digits'],
    ['a line of a megabyte', () => pickleOf('V', Buffer.alloc(1024 * 1024, 0x61), '\n'), 'a line of more than'],
    ['millions of lists', () => Buffer.alloc(limits.pickleRecords + 10, ']'), 'lists, calls'],
    ['millions of opcodes', () => Buffer.alloc(limits.pickleOpcodes + 10, 'N'), 'opcodes'],
  ];
  test.each(beyond)('%s is more than is read, but no damage', async (_, attack, reason) => {
    const { result, seconds } = await timed(() => layoutOf(attack()));
    expect(result).toMatchObject({ format: 'bytes', parts: [], note: expect.stringContaining(reason) as string });
    expect(result.damaged).toBeUndefined();
    expect(seconds).toBeLessThan(20);
  });

  test('any bytes whatever end in a value or a clear error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(readWholePickle(file, bytes).end).toBeLessThanOrEqual(bytes.length);
        } catch (thrown) {
          expect(thrown).toHaveProperty('code', expect.stringMatching(/^(bad_input|unsupported)$/));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
