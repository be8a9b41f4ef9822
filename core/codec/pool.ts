/**
 * The one thread budget of the process: every encode, decode, digest and write runs on these workers. Cancelling sets a
 * flag in shared memory that native code looks at between blocks; no thread is ever killed while it holds a file.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { CairnError } from '../contract/errors.ts';
import type {
  BenchRequest,
  BenchResult,
  DecodeRequest,
  DecodeResult,
  DigestRequest,
  EncodeRequest,
  EncodeResult,
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
  evict: void;
}

const workerFile = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './task.ts' : './task.js', import.meta.url));

export class CodecPool {
  readonly threads: number;
  readonly #workers: Piscina<Task, Outcome>;

  /** @param threads workers; by default one for every core. */
  constructor(threads: number = availableParallelism()) {
    this.threads = threads;
    this.#workers = new Piscina<Task, Outcome>({
      filename: workerFile,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: 10_000,
      concurrentTasksPerWorker: 1,
    });
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

  evict(path: string): Promise<void> {
    return this.#run({ kind: 'evict', path });
  }

  /** Ends the workers once they are idle. */
  async close(): Promise<void> {
    await this.#workers.close();
  }

  async #run<K extends Task['kind']>(task: Extract<Task, { kind: K }>): Promise<Results[K]> {
    const outcome = await this.#workers.run(task);
    if ('failure' in outcome) throw new CairnError(outcome.failure.code, outcome.failure.message, { path: outcome.failure.path });
    return outcome.result as Results[K];
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
