/**
 * Sizes of whole chains, everything counted: Cairn and LMC as packs and manifests on disk, general compressors over the
 * same files concatenated in order. Exact and repeatable; nothing is timed.
 *
 *   node test/bench/sizes.ts FOLDER...                      one chain a folder; prints CSV
 *   node test/bench/sizes.ts --only cairn,lmc FOLDER...     only these engines
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const cli = path.resolve(import.meta.dirname, '../../core/host/cli.ts');

/** Commands that compress a file to standard output. */
const compressors: Record<string, string[]> = {
  'zstd -19 --long=27': ['zstd', '-19', '--long=27', '-T0', '-q', '-c'],
  'xz -9': ['xz', '-9', '-T0', '-c'],
  'bzip2 -9': ['bzip2', '-9', '-c'],
  'gzip -9': ['gzip', '-9', '-c'],
  'lz4 -9': ['lz4', '-9', '-q', '-c'],
  'brotli -q 11 -w 24': ['brotli', '-q', '11', '-w', '24', '-c'],
};

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => path.join(folder, name)).filter((file) => statSync(file).isFile());
}

function storedBy(method: string, chain: string, scratch: string): number {
  const store = path.join(scratch, `store-${method}`);
  execFileSync(process.execPath, [cli, 'archive', chain, '--store', store, '--method', method, '--json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, CAIRN_HOME: path.join(scratch, 'home') },
  });
  return filesBelow(store).reduce((sum, file) => sum + statSync(file).size, 0);
}

function compressedBy(command: string[], file: string): number | undefined {
  const [program, ...args] = command;
  const { status, stdout, error } = spawnSync(program!, [...args, file], { maxBuffer: 2 ** 31 });
  return error || status !== 0 ? undefined : stdout.length;
}

const args = process.argv.slice(2);
const only = args[0] === '--only' ? args.splice(0, 2)[1]!.split(',') : undefined;
const isWanted = (engine: string): boolean => only === undefined || only.includes(engine);

process.stdout.write('chain,engine,bytes_original,bytes_stored,ratio\n');
for (const chain of args) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'cairn-sizes-'));
  try {
    const all = path.join(scratch, 'all');
    writeFileSync(all, Buffer.concat(filesBelow(chain).map((file) => readFileSync(file))));
    const original = statSync(all).size;
    const row = (engine: string, stored: number): boolean =>
      process.stdout.write(`${path.basename(chain)},${engine},${original},${stored},${(original / stored).toFixed(3)}\n`);
    for (const method of ['cairn', 'lmc'].filter(isWanted)) row(method, storedBy(method, chain, scratch));
    for (const [name, command] of Object.entries(compressors).filter(([engine]) => isWanted(engine))) {
      const stored = compressedBy(command, all);
      if (stored !== undefined) row(name, stored);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
