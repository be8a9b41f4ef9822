/**
 * Writes one pack. Native workers put the stored bytes of blobs into a temporary file, at offsets that this hands out;
 * here only the table and footer are written, and the file is published under the digest of its table.
 */
import { CairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import { hasWholeBlocks } from './block-reader.ts';
import type { BlobEntry } from './blob-source.ts';
import { hexDigest, type Hashing } from './hashing.ts';
import { encodeFooter, encodeHeader, encodeTable, footerBytes, headerBytes } from './pack-format.ts';
import { nameOfPack, readPackTable } from './pack-reader.ts';

export interface FinishedPack {
  id: string;
  /** In the order of their bytes. */
  entries: BlobEntry[];
  sizeBytes: number;
}

type Ended = (pack?: FinishedPack) => void | Promise<void>;

export class PackWriter {
  /** The temporary file that native workers write into; it exists already. */
  readonly path: string;
  readonly #backend: Backend;
  readonly #hashing: Hashing;
  readonly #temporary: string;
  readonly #entries: BlobEntry[] = [];
  readonly #ended: Ended;
  #end = headerBytes;
  #rewound = false;
  #state: 'open' | 'ended' = 'open';

  private constructor(backend: Backend, hashing: Hashing, temporary: string, ended: Ended) {
    this.#backend = backend;
    this.#hashing = hashing;
    this.#temporary = temporary;
    this.#ended = ended;
    this.path = backend.localPath(temporary);
  }

  /**
   * @param ended called once, with the pack where it was published and without where it was abandoned.
   * @throws CairnError `no_space`, `denied`, `io`.
   */
  static async create(backend: Backend, hashing: Hashing, ended: Ended = () => {}): Promise<PackWriter> {
    const temporary = await backend.createTemporary();
    try {
      await backend.writeAt(temporary, 0, encodeHeader());
    } catch (thrown) {
      await backend.remove(temporary).catch(() => {});
      throw thrown;
    }
    return new PackWriter(backend, hashing, temporary, ended);
  }

  /** The temporary file as the backend names it. */
  get name(): string {
    return this.#temporary;
  }

  /** Bytes so far: header and everything reserved. */
  get sizeBytes(): number {
    return this.#end;
  }

  get blobCount(): number {
    return this.#entries.length;
  }

  /**
   * Gives `length` bytes of the file to the caller, who writes all of them before `finish`. Consecutive calls give
   * consecutive ranges, so a blob may come in pieces as long as no other blob comes between.
   *
   * @returns offset from the start of the file
   */
  reserve(length: number): number {
    this.#assertOpen();
    if (!Number.isSafeInteger(length) || length < 0)
      throw new CairnError('internal', `${length} bytes can't be reserved; please report it`);
    const offset = this.#end;
    this.#end += length;
    return offset;
  }

  /**
   * Gives back everything from `offset` on, for a content that turned out to be stored already. Nothing may still be
   * on its way to that range.
   */
  rewind(offset: number): void {
    this.#assertOpen();
    if (offset < headerBytes || offset > this.#end)
      throw new CairnError('internal', `a pack can't be rewound to ${offset}; please report it`);
    this.#end = offset;
    this.#rewound = true;
  }

  /** Tells which blob lies in a reserved range. Any order; together the entries must cover all that was reserved. */
  add(entry: BlobEntry): void {
    this.#assertOpen();
    this.#entries.push(entry);
  }

  /** Writes bytes into a reserved range from here, for what is small and in memory already. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (offset < headerBytes || offset + bytes.length > this.#end) {
      throw new CairnError('internal', `bytes ${offset} to ${offset + bytes.length} of a pack were not reserved; please report it`);
    }
    await this.#backend.writeAt(this.#temporary, offset, bytes);
  }

  /**
   * Writes table and footer, syncs, has the pack proved where it lies, publishes it, and reads the table back. So a pack
   * that has its name was proved, and what is found in one may be relied upon.
   *
   * @param prove reads the blobs back from `path` and throws where one does not decode to its digest
   * @throws CairnError `internal` where entries don't cover what was reserved, `no_space`, `io`, `damaged` where what
   * was read back differs; the temporary file is gone then.
   */
  async finish(prove?: (path: string, entries: BlobEntry[]) => Promise<void>): Promise<FinishedPack> {
    this.#assertOpen();
    this.#state = 'ended';
    const pack = await this.#publish(prove).catch(async (thrown: unknown) => {
      await this.#discard();
      throw thrown;
    });
    await this.#ended(pack);
    return pack;
  }

  /** Gives up: the temporary file is removed. Does nothing after `finish`. */
  async abandon(): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    await this.#discard();
  }

  async #publish(prove?: (path: string, entries: BlobEntry[]) => Promise<void>): Promise<FinishedPack> {
    const entries = this.#entries.toSorted((a, b) => a.offset - b.offset || a.storedLength - b.storedLength);
    const table = encodeTable(entries);
    const last = entries.at(-1);
    if (!last) throw new CairnError('internal', 'a pack without blobs was finished; please report it');
    if (last.offset + last.storedLength !== this.#end) {
      throw new CairnError('internal', 'a pack was reserved further than its blobs reach; please report it');
    }
    const tableChecksum = this.#hashing.checksumBytes(table);
    const footer = encodeFooter({ tableOffset: this.#end, tableLength: table.length, blobCount: entries.length, tableChecksum });
    if (this.#rewound) await this.#backend.truncate(this.#temporary, this.#end);
    await this.#backend.writeAt(this.#temporary, this.#end, Buffer.concat([table, footer]));
    const sizeBytes = this.#end + table.length + footerBytes;
    const id = hexDigest(this.#hashing, table);
    await this.#checkSize(sizeBytes);
    if (prove) {
      await this.#backend.sync(this.#temporary);
      await prove(this.path, entries);
    }
    await this.#publishAs(id);
    return { id, entries, sizeBytes };
  }

  /** A worker that wrote less than it reserved, at the end, or more, is noticed here; elsewhere the proof notices it. */
  async #checkSize(sizeBytes: number): Promise<void> {
    const file = await this.#backend.stat(this.#temporary);
    if (file?.sizeBytes !== sizeBytes) {
      throw new CairnError('io', `${this.path}: ${file?.sizeBytes ?? 0} bytes were written instead of ${sizeBytes}; check the disk`, {
        path: this.path,
      });
    }
  }

  /**
   * A pack of this id may be there already, after an archive that was cut off before its manifest or where this one is to mend
   * damage: the same table, so the same bytes. One that is damaged is replaced, and what can't be read back right after it was
   * published doesn't stay.
   */
  async #publishAs(id: string): Promise<void> {
    const name = nameOfPack(id);
    const readBack = (): Promise<unknown> => readPackTable(this.#backend, this.#hashing, id);
    const there = await this.#backend.stat(name);
    if (there !== undefined && (await this.#isWhole(id))) return this.#backend.remove(this.#temporary);
    await this.#backend.publish(this.#temporary, name, there !== undefined);
    try {
      await readBack();
    } catch (thrown) {
      await this.#backend.remove(name).catch(() => {});
      throw thrown;
    }
  }

  async #isWhole(id: string): Promise<boolean> {
    const place = { backend: this.#backend, hashing: this.#hashing };
    try {
      const table = await readPackTable(this.#backend, this.#hashing, id);
      for (const entry of table.entries()) if (!(await hasWholeBlocks(place, id, entry))) return false;
      return true;
    } catch {
      return false;
    }
  }

  async #discard(): Promise<void> {
    // The failure that led here is the one to report; what can't be removed now, the next writer removes.
    await this.#backend.remove(this.#temporary).catch(() => {});
    await this.#ended();
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw new CairnError('internal', 'a pack was written to after its end; please report it');
  }
}
