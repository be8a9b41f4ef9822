/** A job's context over a real store and catalogue in a temporary folder, without a queue. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { hashing } from '../../core/codec/hashing.ts';
import { CodecPool } from '../../core/codec/pool.ts';
import { archiveParams, restoreParams, verifyParams } from '../../core/contract/methods.ts';
import { archiveJob } from '../../core/jobs/archive/archive.ts';
import { noProgress } from '../../core/jobs/progress-meter.ts';
import type { JobContext } from '../../core/jobs/job.ts';
import { restoreJob } from '../../core/jobs/restore.ts';
import { verifyJob } from '../../core/jobs/verify.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Store } from '../../core/store/store.ts';

export const sampleChain = path.resolve(import.meta.dirname, '../fixtures/sample-chain');

export interface Archived {
  snapshots: {
    id: string;
    run: string;
    step: number;
    path: string;
    bytesOriginal: number;
    bytesStored: number;
    kind: string;
    depth: number;
  }[];
  skipped: { path: string; reason: string }[];
  errors: { code: string; message: string }[];
  bytesStored: number;
}

/** A folder of its own, a store in it, and the jobs as functions. */
export class Bench {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cairn-test-'));
  readonly storePath = path.join(this.folder, 'store');
  readonly log: string[] = [];
  readonly #catalogue = Catalogue.open(path.join(this.folder, 'catalogue.sqlite'));
  readonly #pools = new Map<number, CodecPool>();
  readonly controller = new AbortController();
  onProgress: ((phase: string) => void) | undefined;

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A copy of the sample chain that the test may change. */
  copyChain(name = 'run'): string {
    const target = this.path(name);
    cpSync(sampleChain, target, { recursive: true, preserveTimestamps: true });
    return target;
  }

  async archive(params: z.input<typeof archiveParams>): Promise<Archived> {
    return this.#withStore('write', (context) => archiveJob(context, archiveParams.parse(params))) as unknown as Promise<Archived>;
  }

  async verify(params: object = {}): Promise<{ findings: { code: string; message: string }[]; snapshots: number }> {
    return this.#withStore('read', (context) => verifyJob(context, verifyParams.parse(params))) as never;
  }

  async restore(params: object): Promise<{ files: number; bytes: number }> {
    return this.#withStore('read', (context) => restoreJob(context, restoreParams.parse(params))) as never;
  }

  /** Works on the store as a job does, with the pool of its threads. */
  async onStore<T>(mode: 'read' | 'write', work: (store: Store, context: JobContext) => Promise<T>): Promise<T> {
    return this.#withStore(mode, (context, store) => work(store, context));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
    this.#catalogue.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #withStore<T>(mode: 'read' | 'write', job: (context: JobContext, store: Store) => Promise<T>): Promise<T> {
    const store = await Store.open({ backend: new LocalBackend(this.storePath), hashing, mode, create: mode === 'write' });
    try {
      return await job(this.#context(store), store);
    } finally {
      await store.close();
    }
  }

  #context(store: Store): JobContext {
    return {
      id: 'test',
      record: () => ({
        id: 'test',
        kind: 'archive',
        title: 'test',
        command: '',
        state: 'running',
        queued: new Date(0).toISOString(),
        progress: noProgress,
      }),
      storePath: this.storePath,
      catalogue: this.#catalogue,
      signal: this.controller.signal,
      pool: (threads = 2) => this.#pool(threads),
      readStore: () => Promise.resolve(store),
      writeStore: () => Promise.resolve(store),
      storeExists: () => Promise.resolve(true),
      changed: () => undefined,
      catalogueSnapshot: () => Promise.resolve(),
      progress: ({ phase }) => this.onProgress?.(phase),
      log: (_level, message) => void this.log.push(message),
    };
  }

  #pool(threads: number): CodecPool {
    const known = this.#pools.get(threads) ?? new CodecPool(threads);
    this.#pools.set(threads, known);
    return known;
  }
}
