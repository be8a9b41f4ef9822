/**
 * Watches folders for checkpoints that a trainer finishes: scans again soon after something changed, when a save that
 * was being written may have come to rest, and every now and then in any case, because some file systems tell nothing.
 * One scan at a time; while watching, a checkpoint counts as complete only when nothing in it changed for `quietMs`.
 */
import { watch as watchFolder, type FSWatcher } from 'node:fs';
import type { KnownFile, ScanResult } from './found.ts';
import type { PreviousFiles } from './layouts/file-facts.ts';
import { pathOfFile } from './layouts/contents.ts';
import { defaultQuietMs, scan } from './scanner.ts';

/** Time as the watch needs it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `work` once after `delayMs`; @returns what prevents it. */
  after(delayMs: number, work: () => void): () => void;
}

const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

export interface WatchOptions {
  /** Called after every scan; the next one waits for what it returns. */
  onScan(result: ScanResult): void | Promise<void>;
  /** Called with what `onScan` throws. The watch goes on. */
  onError(error: unknown): void;
  quietMs?: number;
  /** From the first change to the scan that looks at it. */
  settleMs?: number;
  /** Between scans without any change. */
  pollMs?: number;
  /** Files known from before the watch began. */
  previous?: PreviousFiles;
  clock?: Clock;
}

export class Watch {
  readonly #paths: readonly string[];
  readonly #options: WatchOptions;
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #abort = new AbortController();
  readonly #watchers: FSWatcher[] = [];
  #known: Map<string, KnownFile> | undefined;
  #cancelNext: (() => void) | undefined;
  #nextAt = Infinity;
  #scanning: Promise<void> = Promise.resolve();
  #busy = false;

  /** Begins at once with a scan. */
  constructor(paths: readonly string[], options: WatchOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#quietMs = options.quietMs ?? defaultQuietMs;
    for (const path of paths) this.#listen(path);
    this.#scanBy(this.#clock.now());
  }

  /** Ends the watch; a scan under way is stopped, and `onScan` is not called again. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#cancelNext?.();
    for (const watcher of this.#watchers) watcher.close();
    await this.#scanning;
  }

  /** Something changed: scan soon. Further changes don't put it off, or a busy log would do so for ever. */
  #changed(): void {
    this.#scanBy(this.#clock.now() + (this.#options.settleMs ?? 5000));
  }

  #listen(path: string): void {
    try {
      const watcher = watchFolder(path, { recursive: true, persistent: false, signal: this.#abort.signal }, () => this.#changed());
      // Where the system runs out of watches, polling is what is left.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // The path may not be there yet; polling finds it.
    }
  }

  /** Makes sure that a scan begins at `time` at the latest. */
  #scanBy(time: number): void {
    if (this.#abort.signal.aborted || time >= this.#nextAt) return;
    this.#cancelNext?.();
    this.#nextAt = time;
    if (this.#busy) return;
    this.#cancelNext = this.#clock.after(Math.max(0, time - this.#clock.now()), () => {
      this.#scanning = this.#scan();
    });
  }

  async #scan(): Promise<void> {
    this.#busy = true;
    this.#nextAt = Infinity;
    const now = this.#clock.now();
    let next = now + (this.#options.pollMs ?? 60_000);
    try {
      const previous: PreviousFiles = (path) => (this.#known ? this.#known.get(path) : this.#options.previous?.(path));
      const { signal } = this.#abort;
      const result = await scan(this.#paths, { now, quietMs: this.#quietMs, requireQuiet: true, previous, signal });
      this.#known = knownFiles(result);
      next = Math.min(next, nextRest(result, now, this.#quietMs));
      await this.#options.onScan(result);
    } catch (thrown) {
      if (!this.#abort.signal.aborted) this.#options.onError(thrown);
    }
    this.#busy = false;
    const asked = this.#nextAt;
    this.#nextAt = Infinity;
    this.#scanBy(Math.min(asked, next));
  }
}

/** What a scan saw of each file, for the next one. */
export function knownFiles(result: ScanResult): Map<string, KnownFile> {
  const known = new Map<string, KnownFile>();
  for (const checkpoint of result.runs.flatMap((run) => run.checkpoints)) {
    for (const file of checkpoint.files) {
      const { size, mtimeNs, inode, device, header } = file;
      if (header) known.set(pathOfFile(checkpoint, file), { size, mtimeNs, inode, device, header });
    }
  }
  return known;
}

/** When the first of the checkpoints being written may have been quiet for long enough. */
function nextRest(result: ScanResult, now: number, quietMs: number): number {
  const writing = result.runs.flatMap((run) => run.checkpoints).filter((checkpoint) => checkpoint.state === 'being-written');
  const rests = writing.map(({ files }) => Math.max(...files.map((file) => Number(file.mtimeNs / 1_000_000n))) + quietMs);
  return Math.max(now + 1000, Math.min(Infinity, ...rests) + 1);
}
