/** Only what is wanted of a file is read: of one that is far larger than memory, with holes, just the range. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scenariosOf } from '../../core/analysis/bench-scenarios.ts';
import { firstBytes, gatherRanges, readRange } from '../../core/analysis/ranges.ts';
import { elements } from '../../core/codec/elements.ts';
import { toCairnError } from '../../core/contract/errors.ts';
import type { FoundRun } from '../../core/scan/found.ts';
import type { CheckpointFile } from '../../core/scan/read-checkpoint.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-ranges-'));
afterAll(() => rmSync(folder, { recursive: true }));

const place = (name: string): string => path.join(folder, name);
const terabyte = 2 ** 40;
const mebibyte = 2 ** 20;

function vast(name: string): string {
  writeFileSync(place(name), 'head');
  truncateSync(place(name), terabyte);
  return place(name);
}

describe('ranges of files', () => {
  it('are read and gathered by themselves, however large their files are', async () => {
    const file = vast('vast');
    expect((await readRange({ path: file, offset: 2, length: 4 })).toString('latin1')).toBe('ad\0\0');
    const gathered = await gatherRanges([{ path: file, offset: 2, length: 2 }, { path: file, offset: 0, length: 3 }], place('both')); // prettier-ignore
    expect(gathered).toEqual({ path: place('both'), offset: 0, length: 5 });
    expect(readFileSync(place('both'), 'latin1')).toBe('adhea');
  });

  it('are refused where the file is shorter', async () => {
    writeFileSync(place('short'), 'abc');
    const short = { path: place('short'), offset: 1, length: 5 };
    const code = (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (thrown: unknown) => toCairnError(thrown).code); // prettier-ignore
    expect(await code(readRange(short))).toBe('changed');
    expect(await code(gatherRanges([short], place('cut')))).toBe('changed');
  });

  it('are taken until there is enough, the last one cut', () => {
    const range = (length: number) => ({ path: 'x', offset: 7, length });
    expect(firstBytes([range(5), range(5), range(5)], 8)).toEqual([range(5), range(3)]);
    expect(firstBytes([range(5)], 8)).toEqual([range(5)]);
    expect(firstBytes([], 8)).toEqual([]);
  });
});

describe('a scenario of the benchmark', () => {
  it('takes the first part of a tensor of a terabyte, and the same of what it is compared with', async () => {
    const layout = {
      format: 'raw',
      parts: [{ offset: 0, length: terabyte, element: elements.bytes8 }],
      tensors: [{ name: 'w', dtype: 'U8', shape: [terabyte], part: 0, offset: 0 }],
    };
    const file = (name: string) => ({ path: vast(name), layout }) as unknown as CheckpointFile;
    const scenarios = await scenariosOf({ name: 'run' } as FoundRun, [file('now')], [file('before')], folder, mebibyte);
    expect(scenarios.map(({ mode, source, base }) => [mode, source.length, base?.length])).toEqual([
      ['alone', mebibyte, undefined],
      ['delta', mebibyte, mebibyte],
    ]);
    expect((await readRange({ ...scenarios[0]!.source, length: 4 })).toString()).toBe('head');
  });
});
