/**
 * How long scanning takes: a source of many small files, scanned for the first time, scanned again with what the first
 * scan knew, and walked by `find` beside it. The files are as trainers leave them, with valid headers, but tiny.
 *
 *   node test/bench/scan.ts [RUNS] [CHECKPOINTS] [FILES]     default 2000 runs of 5 checkpoints of 10 files; prints JSON
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, tmpdir } from 'node:os';
import path from 'node:path';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { scan } from '../../core/scan/scanner.ts';
import { knownFiles } from '../../core/scan/watch.ts';

const [runs = 2000, checkpoints = 5, files = 10] = process.argv.slice(2).map(Number);

function safetensors(): Buffer {
  const header = Buffer.from(JSON.stringify({ w: { dtype: 'F32', shape: [64], data_offsets: [0, 256] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(256, 1)]);
}

/** What the Trainer leaves at a step, and as many shards as make up the number of files. */
function checkpointFiles(step: number): Record<string, Buffer | string> {
  const torch = readFileSync(path.resolve(import.meta.dirname, '../fixtures/formats/rng-state.pth'));
  const named: Record<string, Buffer | string> = {
    'config.json': '{"model_type":"gpt2"}',
    'optimizer.pt': torch,
    'scheduler.pt': torch,
    'rng_state.pth': torch,
    'training_args.bin': torch,
    'trainer_state.json': JSON.stringify({ global_step: step, log_history: [{ step, loss: 2 }] }),
  };
  const shards = Math.max(1, files - Object.keys(named).length);
  const number = (value: number): string => String(value).padStart(5, '0');
  for (let shard = 1; shard <= shards; shard++) {
    named[shards === 1 ? 'model.safetensors' : `model-${number(shard)}-of-${number(shards)}.safetensors`] = safetensors();
  }
  return named;
}

function generate(folder: string): void {
  for (let run = 0; run < runs; run++) {
    for (let step = 100; step <= checkpoints * 100; step += 100) {
      const place = path.join(folder, `team-${run % 20}`, `run-${run}`, `checkpoint-${step}`);
      mkdirSync(place, { recursive: true });
      for (const [name, bytes] of Object.entries(checkpointFiles(step))) writeFileSync(path.join(place, name), bytes);
    }
  }
}

async function seconds(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return Number(((performance.now() - started) / 1000).toFixed(3));
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function medianSeconds(work: () => unknown): Promise<number> {
  return median([await seconds(work), await seconds(work), await seconds(work)]);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'cairn-scan-bench-'));
try {
  const source = path.join(scratch, 'source');
  const generateSeconds = await seconds(() => generate(source));
  // `-printf` makes find stat every file, as a scan has to.
  const find = (): unknown => execFileSync('find', [source, '-printf', '%s %T@ %i\n'], { maxBuffer: 2 ** 30 });
  const findSeconds = await medianSeconds(find);
  let found: Awaited<ReturnType<typeof scan>> | undefined;
  const firstSeconds = await seconds(async () => (found = await scan([source])));
  const residentMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
  const known = knownFiles(found!);
  const againSeconds = await medianSeconds(() => scan([source], { previous: (file) => known.get(file) }));
  const catalogue = Catalogue.open(path.join(scratch, 'catalogue.sqlite'));
  const saveSeconds = await seconds(() => catalogue.saveScan(found!));
  const fromCatalogueSeconds = await medianSeconds(() => scan([source], { previous: catalogue.previousFile }));
  const saveAgainSeconds = await seconds(() => catalogue.saveScan(found!));
  catalogue.close();
  const all = found!.runs.flatMap((run) => run.checkpoints);
  const result = {
    machine: { cpu: cpus()[0]?.model, cores: availableParallelism(), system: `${platform()} ${arch()}`, node: process.version },
    runs: found!.runs.length,
    checkpoints: all.length,
    complete: all.filter(({ state }) => state === 'complete').length,
    files: all.reduce((sum, checkpoint) => sum + checkpoint.files.length, 0),
    ...{ generateSeconds, findSeconds, firstSeconds, againSeconds, saveSeconds, fromCatalogueSeconds, saveAgainSeconds },
    residentMiB,
  };
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
