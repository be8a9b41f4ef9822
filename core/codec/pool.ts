/**
 * The one thread budget of the process: every encode, decode, digest and write runs on these workers. Cancelling sets a
 * flag in shared memory that native code looks at between blocks; no thread is ever killed while it holds a file.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { CairnError } from '../contract/errors.ts';
import type {
  AnalyseRequest,
  Analysis,
  BenchRequest,
  BenchResult,
  DecodeRequest,
  DecodeResult,
  DigestRequest,
  EncodeRequest,
  EncodeResult,
  FileRange,
  WriteRequest,
} from './binding.ts';
import type { BytesDecodeRequest, BytesEncodeRequest, Outcome, Task } from './task.ts';

/** The results of tasks by kind. */
interface Results {
  encode: EncodeResult;
  'encode-bytes': EncodeResult;
  write: void;
  release: void;
  decode: DecodeResult;
  'decode-bytes': DecodeResult;
  digest: Uint8Array;
  bench: BenchResult;
  analyse: Analysis[];
  evict: void;
}

const workerFile = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './task.ts' : './task.js', import.meta.url));

/** What tasks that begin new work go through first: it may hold them back, to pause a job or to keep it within its threads. */
export interface TaskGate {
  /** @param bytes that the task reads or makes, before coding */
  enter(bytes: number): Promise<void>;
  leave(): void;
}

/** @param priority low: the workers take what CPU and disk others leave */
export function startWorkers(threads: number, priority: 'normal' | 'low' = 'normal'): Piscina<Task, Outcome> {
  return new Piscina<Task, Outcome>({
    filename: workerFile,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 10_000,
    concurrentTasksPerWorker: 1,
    workerData: { priority },
  });
}

const lengthOf = (ranges: readonly FileRange[]): number => ranges.reduce((sum, { length }) => sum + length, 0);

function bytesOf(task: Task): number {
  if (task.kind === 'encode') return task.request.items.reduce((sum, { source }) => sum + source.length, 0);
  if (task.kind === 'decode') return task.request.items.reduce((sum, { blocks }) => sum + blocks.rawLength, 0);
  if (task.kind === 'decode-bytes') return task.request.item.blocks.rawLength;
  return task.kind === 'digest' || task.kind === 'encode-bytes' ? lengthOf(task.request.ranges) : 0;
}

/** Tasks that end what others began: held back, they would keep memory. */
const ungated: ReadonlySet<Task['kind']> = new Set<Task['kind']>(['write', 'release', 'evict']);

export class CodecPool {
  readonly threads: number;
  readonly #workers: Piscina<Task, Outcome>;
  readonly #gate: TaskGate | undefined;

  /** @param threads workers; by default one for every core. */
  constructor(threads: number = availableParallelism(), workers = startWorkers(threads), gate?: TaskGate) {
    this.threads = threads;
    this.#workers = workers;
    this.#gate = gate;
  }

  /** The same workers behind a gate of the caller's. */
  behind(gate: TaskGate): CodecPool {
    return new CodecPool(this.threads, this.#workers, gate);
  }

  encode(request: EncodeRequest): Promise<EncodeResult> {
    return this.#run({ kind: 'encode', request });
  }

  encodeBytes(request: BytesEncodeRequest): Promise<EncodeResult> {
    return this.#run({ kind: 'encode-bytes', request });
  }

  write(request: WriteRequest): Promise<void> {
    return this.#run({ kind: 'write', request });
  }

  release(slot: number): Promise<void> {
    return this.#run({ kind: 'release', slot });
  }

  decode(request: DecodeRequest): Promise<DecodeResult> {
    return this.#run({ kind: 'decode', request });
  }

  decodeBytes(request: BytesDecodeRequest): Promise<DecodeResult> {
    return this.#run({ kind: 'decode-bytes', request });
  }

  digest(request: DigestRequest): Promise<Uint8Array> {
    return this.#run({ kind: 'digest', request });
  }

  bench(request: BenchRequest): Promise<BenchResult> {
    return this.#run({ kind: 'bench', request });
  }

  analyse(request: AnalyseRequest): Promise<Analysis[]> {
    return this.#run({ kind: 'analyse', request });
  }

  evict(path: string): Promise<void> {
    return this.#run({ kind: 'evict', path });
  }

  /** Runs of bytes that the main thread reads and passes on: each goes through the gate like a task that reads as much. */
  async *paced<R extends { bytes: Uint8Array }>(runs: AsyncIterable<R>): AsyncGenerator<R> {
    for await (const run of runs) {
      await this.#gate?.enter(run.bytes.length);
      try {
        yield run;
      } finally {
        this.#gate?.leave();
      }
    }
  }

  /** Ends the workers once they are idle. */
  async close(): Promise<void> {
    await this.#workers.close();
  }

  async #run<K extends Task['kind']>(task: Extract<Task, { kind: K }>): Promise<Results[K]> {
    const outcome = await this.#pass(task);
    if ('failure' in outcome) throw new CairnError(outcome.failure.code, outcome.failure.message, { path: outcome.failure.path });
    return outcome.result as Results[K];
  }

  async #pass(task: Task): Promise<Outcome> {
    if (!this.#gate || ungated.has(task.kind)) return this.#workers.run(task);
    await this.#gate.enter(bytesOf(task));
    try {
      return await this.#workers.run(task);
    } finally {
      this.#gate.leave();
    }
  }
}

/** A flag that native code polls, set when the signal aborts. */
export function cancelFlag(signal?: AbortSignal): Int32Array {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const set = (): number => Atomics.store(flag, 0, 1);
  if (signal?.aborted) set();
  signal?.addEventListener('abort', set, { once: true });
  return flag;
}
