/**
 * Measures every scenario of the runs in some folders with `cairn bench`, all in one run, and writes `results.csv` and
 * `machine.txt` beside this file, from which README's results are generated (`node build/results.mjs`). General compressors,
 * which take minutes, are measured on the first folder.
 *
 *   node test/bench/results.ts FOLDER...
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import path from 'node:path';
import type { BenchRecord } from '../../core/contract/model.ts';

const cli = path.resolve(import.meta.dirname, '../../core/host/cli.ts');
const columns = ['scenario', 'dtype', 'medium', 'mode', 'method', 'implementation', 'threads', 'bytesOriginal', 'bytesStored'] as const;
const rates = ['encodeGiBps', 'decodeGiBps', 'memcpyGiBps', 'copyGiBps'] as const;

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('folders with runs are needed');
const bench = (args: string[]): string =>
  execFileSync(process.execPath, [cli, 'bench', ...args, '--rounds', '15', '--json'], { maxBuffer: 1 << 28, encoding: 'utf8' });
const [first, ...others] = folders as [string, ...string[]];
const printed = bench([first]) + (others.length > 0 ? bench([...others, '--no-general']) : '');
const records = printed
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as BenchRecord & { type: string })
  .filter(({ type }) => type === 'result');

const line = (record: BenchRecord): string =>
  [...columns.map((name) => record[name]), ...rates.map((name) => record[name]?.toFixed(3) ?? '')].join(',');
writeFileSync(path.join(import.meta.dirname, 'results.csv'), `${[[...columns, ...rates].join(','), ...records.map(line)].join('\n')}\n`);
writeFileSync(
  path.join(import.meta.dirname, 'machine.txt'),
  `on ${availableParallelism()} cores of ${cpus()[0]!.model} (${platform()} ${arch()}), Node ${process.versions.node}\n`,
);
