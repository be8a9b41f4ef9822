/** Collects coded contents in packs of the store, and starts another pack when one is large enough. */
import type { BlobSink, EncodedContent } from '../../codec/encode.ts';
import type { BlobEntry } from '../../store/blob-source.ts';
import type { FinishedPack, PackWriter } from '../../store/pack-writer.ts';
import type { Store } from '../../store/store.ts';

export class PackSink implements BlobSink {
  readonly #store: Store;
  readonly #pack: PackWriter;
  /** Contents of this pack and of those that are still to be published before it. */
  readonly #unpublished: Set<string>;

  private constructor(store: Store, pack: PackWriter, unpublished: Set<string>) {
    this.#store = store;
    this.#pack = pack;
    this.#unpublished = unpublished;
  }

  /** @param unpublished shared by the packs of one archive, which are published in order */
  static async create(store: Store, unpublished: Set<string>): Promise<PackSink> {
    await store.index.load();
    return new PackSink(store, await store.createPack(), unpublished);
  }

  get path(): string {
    return this.#pack.path;
  }

  has(digest: string): boolean {
    return this.#unpublished.has(digest) || this.#store.index.holds(digest);
  }

  reserve(length: number): number {
    return this.#pack.reserve(length);
  }

  rewind(offset: number): void {
    this.#pack.rewind(offset);
  }

  add({ content, digest, offset, storedLength, lengths, checksums, needs }: EncodedContent): void {
    this.#unpublished.add(digest);
    this.#pack.add({
      digest,
      rawLength: content.length,
      offset: offset!,
      storedLength,
      element: content.element,
      blockLog2: content.blockLog2,
      coding: content.coding,
      needs,
      lengths,
      checksums,
    });
  }

  /** Has the pack proved and publishes it; nothing where every content was known. */
  async finish(prove: (path: string, entries: BlobEntry[]) => Promise<void>): Promise<FinishedPack | undefined> {
    if (this.#pack.blobCount > 0) return this.#pack.finish(prove);
    await this.#pack.abandon();
    return undefined;
  }

  async abandon(): Promise<void> {
    await this.#pack.abandon();
  }
}
