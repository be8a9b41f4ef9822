/**
 * The benchmark from files to files: what archiving the newest checkpoint of a run takes, its proof included, and restoring it, beside
 * copying its files within the same disk and syncing them. Each measurement has a store of its own in a folder that goes with it.
 */
import { copyFile, mkdir, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { aboutCore, hashing } from '../codec/hashing.ts';
import { cancelFlag, type CodecPool } from '../codec/pool.ts';
import type { BenchRecord, CodingMethod } from '../contract/model.ts';
import { defaultMaxDepth } from '../plan/planner.ts';
import { restoreFiles } from '../restore/restore.ts';
import type { FoundCheckpoint, FoundRun } from '../scan/found.ts';
import { LocalBackend } from '../store/backends/local.ts';
import { assertRoom, mostStored } from '../store/room.ts';
import { Store } from '../store/store.ts';
import { archiveCheckpoint, type ArchivedCheckpoint, type BaseSnapshot } from './archive/archive-checkpoint.ts';
import { Durable, type DurableRecords } from './archive/durable.ts';
import { storedContentOf } from './stored-content.ts';

export interface FileBenchOptions {
  methods: readonly CodingMethod[];
  /** One measurement each. */
  pools: readonly CodecPool[];
  /** Repetitions at most, of which the medians count; large checkpoints are measured once. */
  rounds: number;
  signal?: AbortSignal | undefined;
}

/** A run and its newest checkpoint, with the one before it where there is one. */
export interface FileSubject {
  run: FoundRun;
  newest: FoundCheckpoint;
  before: FoundCheckpoint | undefined;
  /** An existing folder that everything goes to. */
  scratch: string;
}

interface Measured {
  bytesStored: number;
  copySeconds: number;
  archiveSeconds: number;
  restoreSeconds: number;
}

const gibibyte = 2 ** 30;
/** Below, what a measurement takes varies with whatever else the disk does, and repeating it is cheap. */
const repeatedBelowBytes = 64 * 2 ** 20;
const bytesOf = ({ files }: FoundCheckpoint): number => files.reduce((sum, { size }) => sum + size, 0);

/** Nothing is gone on with after an interruption: each measurement begins anew. */
const noRecords: DurableRecords = { durableContents: () => [], addDurable: () => undefined, forgetDurable: () => undefined };

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}

async function copySynced({ path: source, alone = false, files }: FoundCheckpoint, target: string): Promise<void> {
  for (const file of files) {
    const copy = path.join(target, file.path);
    await mkdir(path.dirname(copy), { recursive: true });
    await copyFile(alone ? source : path.join(source, file.path), copy);
    const written = await open(copy, 'r+');
    await written.sync().finally(() => written.close());
  }
}

async function bytesIn(backend: LocalBackend): Promise<number> {
  const names = (await Promise.all(['packs', 'snapshots'].map((folder) => backend.list(folder)))).flat();
  const sizes = await Promise.all(names.map(async (name) => (await backend.stat(name))?.sizeBytes ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

class FileBench {
  readonly #subject: FileSubject;
  readonly #cancel: Int32Array;

  constructor(subject: FileSubject, signal: AbortSignal | undefined) {
    this.#subject = subject;
    this.#cancel = cancelFlag(signal);
  }

  /** Medians of the rounds; each copies, archives and restores. */
  async measure(mode: BenchRecord['mode'], method: CodingMethod, pool: CodecPool, rounds: number): Promise<Measured> {
    const all: Measured[] = [];
    while (all.length < rounds) all.push({ copySeconds: await this.#copy(), ...(await this.#store(mode, method, pool)) });
    const median = (name: keyof Measured): number => all.map((one) => one[name]).sort((a, b) => a - b)[all.length >> 1]!;
    return {
      bytesStored: median('bytesStored'),
      copySeconds: median('copySeconds'),
      archiveSeconds: median('archiveSeconds'),
      restoreSeconds: median('restoreSeconds'),
    };
  }

  async #copy(): Promise<number> {
    const { newest } = this.#subject;
    return (await this.#within('copy', async (folder) => timed(() => copySynced(newest, folder))))[1];
  }

  /** Archives and restores the newest checkpoint, after the one before where it is measured as a delta. */
  #store(mode: BenchRecord['mode'], method: CodingMethod, pool: CodecPool): Promise<Omit<Measured, 'copySeconds'>> {
    return this.#within('store', async (folder) => {
      const backend = new LocalBackend(path.join(folder, 'store'));
      const store = await Store.open({ backend, hashing, mode: 'write', create: true });
      try {
        const { newest, before } = this.#subject;
        const base = mode === 'delta' ? await this.#archive(store, before!, undefined, method, pool) : undefined;
        const bytesBefore = await bytesIn(backend);
        const [archived, archiveSeconds] = await timed(() => this.#archive(store, newest, base, method, pool));
        const bytesStored = (await bytesIn(backend)) - bytesBefore;
        const [, restoreSeconds] = await timed(() => this.#restore(store, archived, path.join(folder, 'restored'), pool));
        return { bytesStored, archiveSeconds, restoreSeconds };
      } finally {
        await store.close();
      }
    });
  }

  #archive(
    store: Store,
    checkpoint: FoundCheckpoint,
    base: BaseSnapshot | undefined,
    method: CodingMethod,
    pool: CodecPool,
  ): Promise<ArchivedCheckpoint> {
    return archiveCheckpoint(store, this.#subject.run, checkpoint, base, {
      ...{ method, pool, cancel: this.#cancel, maxDepth: defaultMaxDepth, proved: new Set<string>() },
      ...{ now: () => new Date(), onBytes: () => undefined, onCommit: () => undefined },
      durable: new Durable(noRecords, store, checkpoint.path),
    });
  }

  async #restore(store: Store, { manifest }: ArchivedCheckpoint, to: string, pool: CodecPool): Promise<void> {
    await restoreFiles(manifest, {
      ...{ pool, cancel: this.#cancel, to, force: false, wanted: () => true, onBytes: () => undefined },
      content: (digest) => storedContentOf(store, digest),
    });
  }

  async #within<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
    const folder = path.join(this.#subject.scratch, name);
    await mkdir(folder);
    return work(folder).finally(() => rm(folder, { recursive: true, force: true }));
  }
}

/** Two checkpoints stored and one restored at the most. @throws CairnError `no_space` */
async function assertRoomFor({ run, newest, before, scratch }: FileSubject): Promise<void> {
  const stored = bytesOf(newest) + (before ? bytesOf(before) : 0);
  await assertRoom(`measuring ${run.name} from files to files`, {
    path: scratch,
    bytesNeeded: mostStored(stored, false) + bytesOf(newest),
    bytesFree: async () => {
      const { bavail, bsize } = await statfs(scratch);
      return bavail * bsize;
    },
  });
}

/**
 * @param memcpyGiBps of the run in memory, by threads
 * @throws CairnError `no_space`, `cancelled` and what archiving and restoring throw.
 */
export async function* benchFiles(
  subject: FileSubject,
  memcpyGiBps: (threads: number) => number,
  { methods, pools, rounds, signal }: FileBenchOptions,
): AsyncGenerator<BenchRecord> {
  await assertRoomFor(subject);
  const [bench, bytesOriginal] = [new FileBench(subject, signal), bytesOf(subject.newest)];
  const times = bytesOriginal < repeatedBelowBytes ? Math.min(rounds, 5) : 1;
  for (const mode of subject.before ? (['alone', 'delta'] as const) : (['alone'] as const)) {
    for (const method of methods) {
      for (const pool of pools) {
        const { bytesStored, copySeconds, archiveSeconds, restoreSeconds } = await bench.measure(mode, method, pool, times);
        const rate = (seconds: number): number => bytesOriginal / gibibyte / seconds;
        yield {
          ...{ scenario: subject.run.name, dtype: 'files', medium: 'files', mode, method },
          ...{ implementation: aboutCore().implementation, threads: pool.threads, ratio: bytesOriginal / bytesStored },
          ...{ encodeGiBps: rate(archiveSeconds), decodeGiBps: rate(restoreSeconds), copyGiBps: rate(copySeconds) },
          ...{ memcpyGiBps: memcpyGiBps(pool.threads), bytesOriginal, bytesStored },
        };
      }
    }
  }
}
