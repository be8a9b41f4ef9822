/**
 * A second decoder for whole stores, written from FORMAT.md and the codecs' specifications alone: slow, plain, and
 * independent of everything under core/. What it decodes must be what the native core coded.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { blake3 } from '@noble/hashes/blake3.js';
import { decodeBlock } from './blocks.ts';
import { checksum } from './checksum.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { readPack, widths, type Entry, type Pack } from './pack.ts';
import { expect } from './reading.ts';

interface Place {
  pack: Pack;
  entry: Entry;
}

export class StoreDecoder {
  readonly manifests = new Map<string, Manifest>();
  readonly #places = new Map<string, Place[]>();
  /** Contents that are being decoded: a copy that leads to one of these is not the one to take. */
  readonly #above = new Set<string>();
  readonly #contents = new Map<string, Uint8Array>();

  constructor(folder: string) {
    for (const name of readdirSync(path.join(folder, 'packs'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.pack')) continue;
      const pack = readPack(readFileSync(path.join(folder, 'packs', name)), path.basename(name, '.pack'));
      for (const entry of pack.entries) this.#places.set(entry.digest, [...(this.#places.get(entry.digest) ?? []), { pack, entry }]);
    }
    for (const name of readdirSync(path.join(folder, 'snapshots'))) {
      const id = path.basename(name, '.manifest');
      this.manifests.set(id, readManifest(readFileSync(path.join(folder, 'snapshots', name)), id));
    }
  }

  /** Codec ids in use, with how many blocks have each. */
  codecs(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { pack, entry } of [...this.#places.values()].flat()) {
      let at = entry.offset;
      for (const { length } of entry.blocks) {
        counts.set(pack.bytes[at]!, (counts.get(pack.bytes[at]!) ?? 0) + 1);
        at += length;
      }
    }
    return counts;
  }

  content(digest: string): Uint8Array {
    const known = this.#contents.get(digest);
    if (known) return known;
    const raw = this.#decodeAny(digest);
    expect(Buffer.from(blake3(raw)).toString('hex') === digest, `digest of ${digest}`);
    this.#contents.set(digest, raw);
    return raw;
  }

  /** The bytes of one file of a snapshot. */
  file(manifest: Manifest, index: number): Uint8Array {
    const { size, parts, rest, digest } = manifest.files[index]!;
    const bytes = new Uint8Array(size);
    const remainder = rest < 0 ? new Uint8Array() : this.content(manifest.blobs[rest]!);
    let [at, taken] = [0, 0];
    const fill = (end: number): void => {
      bytes.set(remainder.subarray(taken, taken + end - at), at);
      taken += end - at;
    };
    for (const [offset, length, blob] of parts) {
      fill(offset);
      const content = this.content(manifest.blobs[blob]!);
      expect(content.length === length, 'length of a part');
      bytes.set(content, offset);
      at = offset + length;
    }
    fill(size);
    expect(taken === remainder.length, 'length of the remainder');
    expect(Buffer.from(blake3(bytes)).toString('hex') === digest, `digest of ${manifest.files[index]!.path}`);
    return bytes;
  }

  /** Any copy that can be decoded will do: all have the same digest. */
  #decodeAny(digest: string): Uint8Array {
    const places = this.#places.get(digest)?.filter(({ entry }) => !entry.needs.some((need) => this.#above.has(need.digest)));
    const place = places?.toSorted((a, b) => a.entry.needs.length - b.entry.needs.length)[0];
    expect(place !== undefined, `no blob for ${digest}`);
    this.#above.add(digest);
    try {
      return this.#decode(place.pack, place.entry);
    } finally {
      this.#above.delete(digest);
    }
  }

  #decode(pack: Pack, entry: Entry): Uint8Array {
    const raw = new Uint8Array(entry.rawLength);
    const width = widths[entry.element]!;
    const needed = entry.needs.map(({ role, digest }) => {
      const [content, scale] = [this.content(digest), role === 1 ? 1 : 4 / width];
      expect(content.length === raw.length * scale, `length of what is needed in role ${role}`);
      return { role, content, scale };
    });
    const span = width * 2 ** entry.blockLog2;
    let at = entry.offset;
    entry.blocks.forEach((block, index) => {
      const stored = pack.bytes.subarray(at, at + block.length);
      expect(checksum(stored) === block.checksum, 'checksum of a block');
      const [start, end] = [index * span, Math.min((index + 1) * span, raw.length)];
      const blocks = needed.map(({ role, content, scale }) => [role, content.subarray(start * scale, end * scale)] as const);
      raw.set(decodeBlock(stored, end - start, entry.element, Object.fromEntries(blocks)), start);
      at += block.length;
    });
    return raw;
  }
}
