/**
 * What an archive has published of a checkpoint before its commit. Should the process end in between, the next archive of the same
 * checkpoint neither reads nor codes it again: the packs are in the store, and this says which of the checkpoint's bytes are in them.
 *
 * Bytes are known by their file's path, size, inode, times of modification and of any change (which nobody can set), and by the boot
 * of the machine: after a loss of power a file may be other than what was read of it, so everything is read then.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Catalogue } from '../../catalogue/catalogue.ts';
import { hashing, hex } from '../../codec/hashing.ts';
import type { PlannedContent } from '../../plan/planner.ts';
import type { CheckpointFile } from '../../scan/read-checkpoint.ts';
import type { Store } from '../../store/store.ts';

/** A content that is in the store; new where this archive, or the attempt that it goes on from, put it there. */
export interface StoredContent {
  digest: string;
  isNew: boolean;
}

/** Where it is remembered; a part of the catalogue. */
export type DurableRecords = Pick<Catalogue, 'durableContents' | 'addDurable' | 'forgetDurable'>;

/** The files of a checkpoint, with their times of change as `assertUnchanged` gave them. */
export interface FileTimes {
  files: readonly CheckpointFile[];
  changeTimes: readonly bigint[];
}

const minuteMs = 60_000;

/** The same until the machine starts anew. Where the system has no name for that, the minute in which it did will do. */
function bootOfMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return String(Math.round((Date.now() - uptime() * 1000) / minuteMs));
  }
}

function nameOf({ file, ranges, element, coding }: PlannedContent, { files, changeTimes }: FileTimes, boot: string): string {
  const { path, found } = files[file]!;
  const identity = [path, found.size, found.inode, found.mtimeNs, changeTimes[file]!].map(String);
  return hex(hashing.digestBytes(Buffer.from(JSON.stringify([boot, identity, element, coding, ranges]))));
}

export class Durable {
  readonly #records: DurableRecords;
  readonly #store: Store;
  readonly #checkpoint: string;
  readonly #boot = bootOfMachine();
  readonly #known: Map<string, StoredContent>;

  /** @param checkpoint path of the checkpoint, under which it is remembered */
  constructor(records: DurableRecords, store: Store, checkpoint: string) {
    this.#records = records;
    this.#store = store;
    this.#checkpoint = checkpoint;
    this.#known = new Map(records.durableContents(store.id, checkpoint).map(({ content, ...stored }) => [content, stored]));
  }

  /** Of a content that an earlier attempt published, and that can still be decoded as far as the store's tables tell. */
  async find(planned: PlannedContent, times: FileTimes): Promise<StoredContent | undefined> {
    if (this.#known.size === 0) return undefined;
    const stored = this.#known.get(nameOf(planned, times, this.#boot));
    await this.#store.index.load();
    if (!stored || !this.#store.index.holds(stored.digest)) return undefined;
    const isWhole = await this.#store.depthOf(stored.digest).then(
      () => true,
      () => false,
    );
    return isWhole ? stored : undefined;
  }

  /** Remembers contents whose packs were proved and published. */
  add(contents: readonly { planned: PlannedContent; stored: StoredContent }[], times: FileTimes): void {
    const named = contents.map(({ planned, stored }) => ({ content: nameOf(planned, times, this.#boot), ...stored }));
    this.#records.addDurable(this.#store.id, this.#checkpoint, named, Date.now());
  }

  /** The commit tells the same from now on. */
  forget(): void {
    this.#records.forgetDurable(this.#store.id, this.#checkpoint);
  }
}
