/** Damaged contents stored anew from originals that are still on the disk: taken where their bytes have the digest, never else. */
import path from 'node:path';
import { lstat } from 'node:fs/promises';
import { digestRanges } from '../../codec/decode.ts';
import type { FileRange } from '../../codec/binding.ts';
import { encodeContents, type BlobSink, type EncodedContent } from '../../codec/encode.ts';
import { cancelFlag, type CodecPool } from '../../codec/pool.ts';
import type { BlobEntry, Digest } from '../../store/blob-source.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { PackWriter } from '../../store/pack-writer.ts';
import type { Store } from '../../store/store.ts';
import { provePack } from '../archive/prove.ts';

/** Puts contents into a pack whether the store has them already or not: what it has is damaged. */
class RepairSink implements BlobSink {
  readonly #pack: PackWriter;

  constructor(pack: PackWriter) {
    this.#pack = pack;
  }

  get path(): string {
    return this.#pack.path;
  }

  has(): boolean {
    return false;
  }

  reserve(length: number): number {
    return this.#pack.reserve(length);
  }

  rewind(offset: number): void {
    this.#pack.rewind(offset);
  }

  add({ content, digest, offset, storedLength, lengths, checksums, needs }: EncodedContent): void {
    const { length: rawLength, element, blockLog2, coding } = content;
    this.#pack.add({ digest, rawLength, offset: offset!, storedLength, element, blockLog2, coding, needs, lengths, checksums });
  }
}

/** @returns the damaged contents that are in a new pack now, proved, and its id where there is one */
export async function storeFromOriginals(
  store: Store,
  pool: CodecPool,
  damaged: readonly BlobEntry[],
  signal?: AbortSignal,
): Promise<{ digests: Set<Digest>; packId?: string }> {
  const cancel = cancelFlag(signal);
  const found = await findOriginals(store, pool, damaged, cancel);
  if (found.size === 0) return { digests: new Set() };
  const pack = await store.createPack();
  try {
    const contents = damaged.filter(({ digest }) => found.has(digest)).map((entry) => contentOf(entry, found.get(entry.digest)!));
    await encodeContents(pool, contents, new RepairSink(pack), { method: 'cairn', cancel, onPiece: () => undefined });
    const { id } = await pack.finish((file, entries) => provePack(pool, store, file, entries, { cancel, onBytes: () => undefined }));
    store.settle(id);
    return { digests: new Set(found.keys()), packId: id };
  } catch (thrown) {
    await pack.abandon();
    throw thrown;
  }
}

function contentOf(
  { rawLength, element, blockLog2, coding }: BlobEntry,
  ranges: FileRange[],
): Parameters<typeof encodeContents>[1][number] {
  return { ranges, length: rawLength, element, blockLog2, coding };
}

/** Ranges of files whose bytes, read now, have the digest of the content. */
async function findOriginals(
  store: Store,
  pool: CodecPool,
  damaged: readonly BlobEntry[],
  cancel: Int32Array,
): Promise<Map<Digest, FileRange[]>> {
  const found = new Map<Digest, FileRange[]>();
  for (const id of await store.snapshotIds()) {
    const manifest = await store.manifest(id).catch(() => undefined);
    if (!manifest) continue;
    for (const { digest, rawLength } of damaged) {
      if (found.has(digest) || rawLength === 0) continue;
      for (const ranges of await placesOf(manifest, manifest.blobs.indexOf(digest))) {
        const now = await digestRanges(pool, ranges, cancel).catch(() => undefined);
        if (now === digest) found.set(digest, ranges);
      }
    }
  }
  return found;
}

async function placesOf(manifest: Manifest, blob: number): Promise<FileRange[][]> {
  const places: FileRange[][] = [];
  if (blob < 0) return places;
  const folder = path.join(manifest.run.path, manifest.path);
  for (const file of manifest.files) {
    const part = file.parts.find(([, , content]) => content === blob);
    if (!part && file.rest !== blob) continue;
    // A checkpoint that is a single file is recorded under its own path.
    for (const original of [path.join(folder, file.path), folder]) {
      const now = await lstat(original).catch(() => undefined);
      if (!now?.isFile() || now.size !== file.size) continue;
      places.push(part ? [{ path: original, offset: part[0], length: part[1] }] : restOf(file, original));
    }
  }
  return places;
}

/** What of a file lies outside its parts. */
function restOf({ size, parts }: Manifest['files'][number], original: string): FileRange[] {
  const ranges: FileRange[] = [];
  let at = 0;
  for (const [offset, length] of [...parts, [size, 0] as const]) {
    if (offset > at) ranges.push({ path: original, offset: at, length: offset - at });
    at = offset + length;
  }
  return ranges;
}
