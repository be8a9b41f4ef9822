/** `cairn bench` as scripts use it: every scenario in one run, in memory and from files to files, and what it says where it can't. */
import { cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEngines, libraryEngines } from '../../core/analysis/general-engines.ts';
import { aboutCore } from '../../core/codec/hashing.ts';
import { sampleChain } from '../service/served.ts';
import { runCli, type Ran } from './run-cli.ts';

let folder: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cairn-bench-cli-'));
  run = path.join(folder, 'run');
  for (const step of ['step-002200', 'step-002400'])
    await cp(path.join(sampleChain, step), path.join(run, step), { recursive: true, preserveTimestamps: true });
  await mkdir(path.join(folder, 'scratch'));
});
afterAll(() => rm(folder, { recursive: true }));

const bench = (...args: string[]): Promise<Ran> =>
  runCli(['bench', ...args, '--json'], { home: path.join(folder, 'home'), env: { TMPDIR: path.join(folder, 'scratch') } });

interface Result {
  type: string;
  dtype: string;
  mode: string;
  medium: string;
  method: string;
  implementation: string;
  threads: number;
  ratio: number;
  bytesOriginal: number;
  bytesStored: number;
}
const resultsOf = ({ records }: Ran): Result[] => records.filter(({ type }) => type === 'result') as unknown as Result[];
const keyOf = ({ medium, mode, method, implementation, threads }: Result): string =>
  [medium, mode, method, implementation, threads].join(' ');

describe('bench', () => {
  it('measures every scenario in one run: memory and files, each implementation, one thread and more, and what the machine has beside', async () => {
    const ran = await bench(run, '--rounds', '1', '--threads', '2');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    const results = resultsOf(ran);
    expect(ran.records.at(-1)).toEqual({ type: 'summary', results: results.length });
    const { implementation: best, implementations } = aboutCore();
    const modes = ['alone', 'delta'];
    const ours = modes.flatMap((mode) =>
      ['cairn', 'lmc'].flatMap((method) =>
        [1, 2].flatMap((threads) => [
          ...implementations.map((name) => `memory ${mode} ${method} ${name} ${threads}`),
          `files ${mode} ${method} ${best} ${threads}`,
        ]),
      ),
    );
    const others = [...libraryEngines, ...(await commandEngines())].map(({ engine }) => `memory alone ${engine} general 1`);
    expect(results.map(keyOf).sort()).toEqual([...ours, ...others].sort());
    for (const result of results) {
      for (const rate of ['encodeGiBps', 'decodeGiBps', 'memcpyGiBps', ...(result.medium === 'files' ? ['copyGiBps'] : [])])
        expect(result).toHaveProperty(
          rate,
          expect.toSatisfy((value: number) => value > 0),
        );
      expect(result.ratio).toBeCloseTo(result.bytesOriginal / result.bytesStored, 9);
    }
    const storedBy = (key: string): number => results.find((result) => keyOf(result) === key)!.bytesStored;
    for (const medium of ['memory', 'files'])
      for (const mode of modes)
        expect(storedBy(`${medium} ${mode} cairn ${best} 1`)).toBeLessThan(storedBy(`${medium} ${mode} lmc ${best} 1`));
    // The same bytes whatever the implementation and the number of threads. (A manifest has its own time in it.)
    for (const mode of modes)
      for (const method of ['cairn', 'lmc'])
        expect(new Set(implementations.flatMap((name) => [1, 2].map((n) => storedBy(`memory ${mode} ${method} ${name} ${n}`)))).size).toBe(
          1,
        );
    expect(await readdir(path.join(folder, 'scratch'))).toEqual([]);
  });

  it('leaves out what is not wanted', async () => {
    const ran = await bench(run, '--rounds', '1', '--threads', '1', '--no-files', '--no-general', '--method', 'lmc');
    expect(resultsOf(ran).every(({ method, medium, threads }) => method === 'lmc' && medium === 'memory' && threads === 1)).toBe(true);
  });

  it('does without a step before', async () => {
    const ran = await bench(path.join(run, 'step-002400'), '--rounds', '1', '--threads', '1', '--no-general');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(new Set(resultsOf(ran).map(({ mode }) => mode))).toEqual(new Set(['alone']));
  });

  it('measures the newest that is whole where a newer one is torn', async () => {
    const torn = path.join(folder, 'torn');
    await cp(run, torn, { recursive: true, preserveTimestamps: true });
    await truncate(path.join(torn, 'step-002400', 'model.safetensors'), 100_000);
    const ran = await bench(torn, '--rounds', '1', '--threads', '1', '--no-general');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(new Set(resultsOf(ran).map(({ mode }) => mode))).toEqual(new Set(['alone']));
  });
});

describe('what cannot be measured is told in one line', () => {
  it.each([
    ['a path that is not there', ['nowhere'], /: no such file or folder; check the path$/],
    ['one among others', ['run', 'nowhere'], /: no such file or folder; check the path$/],
    ['an empty folder', ['empty'], /: no checkpoint found there to measure; cairn scan shows what is recognised$/],
    ['a file without tensors', ['text'], /: no (whole )?checkpoint [^\n]*to measure; cairn scan shows what is recognised$/],
    [
      'an implementation of another machine',
      ['run', '--implementation', 'abacus'],
      /^cairn: abacus: no implementation of this machine; it has scalar/,
    ],
  ])('%s', async (_, [first, ...rest], message) => {
    await mkdir(path.join(folder, 'empty'), { recursive: true });
    await writeFile(path.join(folder, 'text'), 'nothing of the kind');
    const paths = [first!, ...rest].map((name) => (/^(run|nowhere|empty|text)$/.test(name) ? path.join(folder, name) : name));
    const ran = await bench(...paths);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/^cairn: [^\n]+\n$/);
    expect(ran.stderr.trimEnd()).toMatch(message);
  });

  it.each([['--method', 'abacus'], ['--rounds', '0'], ['--threads', 'many'], []])('%s %s is usage', async (...option) => {
    expect((await bench(...(option.length > 0 ? [run, ...option] : []))).exitCode).toBe(2);
  });
});
