/**
 * Contents coded anew against another base, in temporary files, to learn what they take: decoded to a file of their own,
 * coded from there. Those that pay are copied from here into packs; a preview just drops them, and has told the truth.
 */
import { decodeContents, type StoredContent } from '../../codec/decode.ts';
import { encodeContents, type BlobSink, type EncodedContent } from '../../codec/encode.ts';
import type { FileRange } from '../../codec/binding.ts';
import type { Content } from '../../codec/pieces.ts';
import type { CodecPool } from '../../codec/pool.ts';
import { CairnError } from '../../contract/errors.ts';
import { codingMethod, type CodingMethod } from '../../contract/model.ts';
import type { BlobEntry, Digest } from '../../store/blob-source.ts';
import type { PackWriter } from '../../store/pack-writer.ts';
import type { Store } from '../../store/store.ts';
import { storedContentOf, storedPiece } from '../stored-content.ts';
import type { Rebase } from './spare-bases.ts';

/** Original bytes that lie decoded on the disk at a time, but for a content that is larger alone. */
const groupRawBytes = 512 * 1024 * 1024;

export interface DraftOptions {
  pool: CodecPool;
  cancel: Int32Array;
  methodOf(digest: Digest): CodingMethod;
  /** Called with original bytes as they are coded. */
  onBytes(bytes: number): void;
}

export interface Draft {
  /** Name of the temporary file that has its blocks. */
  name: string;
  entry: BlobEntry;
}

/** A file that only collects: what is in the store already is coded all the same. */
class DraftSink implements BlobSink {
  readonly entries = new Map<Digest, BlobEntry>();
  readonly #writer: PackWriter;

  constructor(writer: PackWriter) {
    this.#writer = writer;
  }

  get path(): string {
    return this.#writer.path;
  }

  has(): boolean {
    return false;
  }

  reserve(length: number): number {
    return this.#writer.reserve(length);
  }

  rewind(offset: number): void {
    this.#writer.rewind(offset);
  }

  add({ content, digest, offset, storedLength, lengths, checksums, needs }: EncodedContent): void {
    const { length: rawLength, element, blockLog2, coding } = content;
    this.entries.set(digest, { digest, rawLength, offset: offset!, storedLength, element, blockLog2, coding, needs, lengths, checksums });
  }
}

/** The drafts of one prune, with the temporary files they lie in. */
export class Drafts {
  readonly all = new Map<Digest, Draft>();
  readonly #store: Store;
  readonly #options: DraftOptions;
  readonly #writers: PackWriter[] = [];

  constructor(store: Store, options: DraftOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** @throws CairnError `damaged` where a content does not decode to its digest, `no_space`, `cancelled`, `io`. */
  async code(rebases: readonly Rebase[]): Promise<void> {
    for (const group of groupsOf(rebases)) {
      const raw = await this.#store.backend.createTemporary();
      try {
        await this.#codeGroup(group, await this.#decode(group, raw));
      } finally {
        await this.#store.backend.remove(raw);
      }
    }
  }

  /** Removes the temporary files. */
  async drop(): Promise<void> {
    for (const writer of this.#writers) await writer.abandon();
  }

  /** Puts the original bytes of the group into a temporary file, one content after the other. */
  async #decode(group: Rebase[], raw: string): Promise<Content[]> {
    const { backend } = this.#store;
    const path = backend.localPath(raw);
    await backend.truncate(
      raw,
      group.reduce((sum, { rawLength }) => sum + rawLength, 0),
    );
    let offset = 0;
    const stored: (StoredContent & { target: FileRange[] })[] = [];
    for (const { digest, rawLength } of group) {
      stored.push({ ...(await storedContentOf(this.#store, digest)), target: [{ path, offset, length: rawLength }] });
      offset += rawLength;
    }
    const { pool, cancel } = this.#options;
    for await (const { content, digest, error } of decodeContents(pool, stored, { cancel, onBytes: () => undefined })) {
      if (error !== undefined) throw error;
      if (digest !== content.digest) throw differs(content.digest);
    }
    return Promise.all(group.map((rebase, index) => this.#contentOf(rebase, stored[index]!.target)));
  }

  async #contentOf({ digest, base, rawLength }: Rebase, ranges: Content['ranges']): Promise<Content> {
    const { element, blockLog2, coding } = (await this.#store.lookup(digest))!.entry;
    const content: Content = { ranges, length: rawLength, element, blockLog2, coding };
    if (base === undefined) return content;
    const piece = async (offset: number, length: number) => ({
      stored: await storedPiece(this.#store, base, { element, blockLog2 }, offset, length),
    });
    return { ...content, base: { digest: base, piece } };
  }

  async #codeGroup(group: Rebase[], contents: Content[]): Promise<void> {
    const { pool, cancel, methodOf, onBytes } = this.#options;
    for (const method of codingMethod.options) {
      const chosen = contents.filter((_, index) => methodOf(group[index]!.digest) === method);
      if (chosen.length === 0) continue;
      const writer = await this.#store.createPack();
      this.#writers.push(writer);
      const sink = new DraftSink(writer);
      await encodeContents(pool, chosen, sink, { method, cancel, onPiece: ({ length }) => onBytes(length) });
      for (const [digest, entry] of sink.entries) this.all.set(digest, { name: writer.name, entry });
    }
    for (const { digest } of group) if (!this.all.has(digest)) throw differs(digest);
  }
}

function* groupsOf(rebases: readonly Rebase[]): Generator<Rebase[]> {
  let group: Rebase[] = [];
  let bytes = 0;
  for (const rebase of rebases) {
    if (group.length > 0 && bytes + rebase.rawLength > groupRawBytes) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(rebase);
    bytes += rebase.rawLength;
  }
  if (group.length > 0) yield group;
}

function differs(digest: Digest): CairnError {
  return new CairnError('damaged', `content ${digest}: it decodes to something else; run cairn verify before prune`);
}
