/**
 * The codec benchmark: encode and decode in memory against memcpy of the same bytes in the same run, for each method and
 * implementation, with one thread and with all; then from files to files, where the caller says how. Ratios compare between
 * machines; absolute numbers don't.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { aboutCore } from '../codec/hashing.ts';
import type { CodecPool } from '../codec/pool.ts';
import { tensorBlockLog2 } from '../codec/elements.ts';
import type { BenchRecord, CodingMethod } from '../contract/model.ts';
import { CairnError } from '../contract/errors.ts';
import type { FoundCheckpoint, FoundRun } from '../scan/found.ts';
import { readCheckpoint, type CheckpointFile } from '../scan/read-checkpoint.ts';
import { scan } from '../scan/scanner.ts';
import { commandEngines, libraryEngines, measureGeneral } from './general-engines.ts';
import { scenariosOf, type BenchScenario } from './bench-scenarios.ts';
import { readRange } from './ranges.ts';

export interface BenchOptions {
  paths: string[];
  rounds: number;
  /** Absent: all that this machine runs. */
  implementations?: string[];
  methods: CodingMethod[];
  /** Whether general compressors are measured too, alone and with one thread. */
  general: boolean;
  pool: CodecPool;
  /** Measures a run's files, given a folder of its own and what memcpy did by threads; absent: only memory is measured. */
  files?: (subject: BenchSubject, memcpyGiBps: (threads: number) => number) => AsyncGenerator<BenchRecord>;
  signal?: AbortSignal;
}

export interface BenchSubject {
  run: FoundRun;
  newest: FoundCheckpoint;
  before: FoundCheckpoint | undefined;
  scratch: string;
}

const gibibyte = 2 ** 30;

const describe = async (checkpoint: FoundCheckpoint | undefined): Promise<CheckpointFile[]> =>
  checkpoint ? readCheckpoint(checkpoint) : [];

async function measure(
  scenario: BenchScenario,
  method: CodingMethod,
  implementation: string,
  threads: number,
  options: BenchOptions,
): Promise<BenchRecord> {
  const { source, base, element } = scenario;
  const request = {
    source,
    ...(base ? { base } : {}),
    element,
    blockLog2: tensorBlockLog2,
    method,
    implementation,
    rounds: options.rounds,
  };
  const results = await Promise.all(Array.from({ length: threads }, () => options.pool.bench(request)));
  const rate = (seconds: (result: (typeof results)[number]) => number): number =>
    results.reduce((sum, result) => sum + result.rawLength / gibibyte / seconds(result), 0);
  const { rawLength, storedLength } = results[0]!;
  return {
    scenario: scenario.scenario,
    dtype: scenario.dtype,
    medium: 'memory',
    mode: scenario.mode,
    method,
    implementation,
    threads,
    ratio: rawLength / storedLength,
    encodeGiBps: rate((result) => result.encodeSeconds),
    decodeGiBps: rate((result) => result.decodeSeconds),
    memcpyGiBps: rate((result) => result.memcpySeconds),
    digestGiBps: rate((result) => result.digestSeconds),
    bytesOriginal: rawLength,
    bytesStored: storedLength,
  };
}

/** General compressors are slow: they get this much of a scenario. */
const mostGeneralBytes = 16 * 1024 * 1024;

async function* measureGeneralOn({ scenario, dtype, mode, source }: BenchScenario, memcpyGiBps: number): AsyncGenerator<BenchRecord> {
  const raw = await readRange({ ...source, length: Math.min(source.length, mostGeneralBytes) });
  for (const engine of [...libraryEngines, ...(await commandEngines())]) {
    const { bytesStored, encodeSeconds, decodeSeconds } = await measureGeneral(engine, raw);
    yield {
      scenario,
      dtype,
      medium: 'memory',
      mode,
      method: engine.engine,
      implementation: 'general',
      threads: 1,
      ratio: raw.length / bytesStored,
      encodeGiBps: raw.length / gibibyte / encodeSeconds,
      decodeGiBps: raw.length / gibibyte / decodeSeconds,
      memcpyGiBps,
      bytesOriginal: raw.length,
      bytesStored,
    };
  }
}

async function* measureAll(scenarios: readonly BenchScenario[], options: BenchOptions): AsyncGenerator<BenchRecord> {
  const implementations = options.implementations ?? aboutCore().implementations;
  for (const scenario of scenarios) {
    let memcpyGiBps = 0; // with one thread, of this scenario's last measurement
    for (const method of options.methods) {
      for (const implementation of implementations) {
        for (const threads of new Set([1, options.pool.threads])) {
          if (options.signal?.aborted) throw new CairnError('cancelled', 'the benchmark was cancelled');
          const record = await measure(scenario, method, implementation, threads, options);
          if (threads === 1) memcpyGiBps = record.memcpyGiBps;
          yield record;
        }
      }
    }
    if (options.general && scenario.mode === 'alone') yield* measureGeneralOn(scenario, memcpyGiBps);
  }
}

/** In memory, then from files to files. */
async function* measureRun(subject: BenchSubject, options: BenchOptions): AsyncGenerator<BenchRecord> {
  const { run, newest, before, scratch } = subject;
  const memcpyGiBps = new Map<number, number>();
  for await (const record of measureAll(await scenariosOf(run, await describe(newest), await describe(before), scratch), options)) {
    if (record.implementation !== 'general') memcpyGiBps.set(record.threads, record.memcpyGiBps);
    yield record;
  }
  if (memcpyGiBps.size > 0 && options.files) yield* options.files(subject, (threads) => memcpyGiBps.get(threads) ?? 0);
}

/** @throws CairnError `not_found` for a path that isn't there, or where nothing is recognised in any. */
async function findRuns(paths: string[]): Promise<FoundRun[]> {
  const { runs, findings } = await scan(paths, {});
  const missing = findings.find(({ path: file, code }) => code === 'not_found' && paths.includes(file));
  if (missing) throw new CairnError('not_found', missing.message, { path: missing.path });
  if (runs.length > 0) return runs;
  throw new CairnError('not_found', `${paths.join(', ')}: no checkpoint found there to measure; cairn scan shows what is recognised`);
}

/** @throws CairnError `bad_request` */
function assertImplementations(wanted: readonly string[]): void {
  const { implementations } = aboutCore();
  const unknown = wanted.find((name) => !implementations.includes(name));
  if (unknown !== undefined)
    throw new CairnError('bad_request', `${unknown}: no implementation of this machine; it has ${implementations.join(', ')}`);
}

/**
 * Measures the newest checkpoint of every run below `paths`, against the one before it.
 *
 * @throws CairnError `bad_request` for an implementation that this machine hasn't, `not_found` where there is none or no tensor in any, `no_space`, `cancelled`.
 */
export async function* bench(options: BenchOptions): AsyncGenerator<BenchRecord> {
  assertImplementations(options.implementations ?? []);
  let count = 0;
  for (const run of await findRuns(options.paths)) {
    const [newest, before] = run.checkpoints.filter(({ state }) => state !== 'incomplete' && state !== 'damaged').toReversed();
    if (!newest) continue;
    const scratch = await mkdtemp(path.join(tmpdir(), 'cairn-bench-'));
    try {
      for await (const record of measureRun({ run, newest, before, scratch }, options)) {
        count += 1;
        yield record;
      }
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  if (count > 0) return;
  throw new CairnError(
    'not_found',
    `${options.paths.join(', ')}: no whole checkpoint with a tensor there to measure; cairn scan shows what is recognised`,
  );
}
