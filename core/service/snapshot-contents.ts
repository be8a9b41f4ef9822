/** What a snapshot holds, as views show it: its files, and its tensors with how and where they are stored. */
import { posix } from 'node:path';
import { codecNames, elementWidths, roles } from '../codec/elements.ts';
import type { DroppedFile, FileRow, TensorRow } from '../contract/model.ts';
import { partOf } from '../scan/layouts/file-kinds.ts';
import type { Manifest, ManifestTensor } from '../store/manifest.ts';
import type { BlobEntry } from '../store/blob-source.ts';
import { nameOfPack } from '../store/pack-reader.ts';
import { baseOf, type FoundBlob, type Store } from '../store/store.ts';

/** Of a tensor of many blocks, the codecs of this many are looked at, spread evenly. */
const sampledBlocks = 8;
const maxHeldManifests = 4;
const maxHeldCodecs = 200_000;
const parallelRows = 16;

export class SnapshotContents {
  readonly #store: Store;
  readonly #manifests = new Map<string, Promise<Manifest>>();
  readonly #codecs = new Map<string, string[]>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Manifests never change; the last few are held because tables are asked for page by page. */
  manifest(id: string): Promise<Manifest> {
    const held = this.#manifests.get(id) ?? this.#store.manifest(id);
    this.#manifests.delete(id);
    this.#manifests.set(id, held);
    held.catch(() => this.#manifests.delete(id));
    const [oldest] = this.#manifests.keys();
    if (this.#manifests.size > maxHeldManifests) this.#manifests.delete(oldest!);
    return held;
  }

  /** Stored sizes count what this snapshot added: a content that was in the store already adds nothing. */
  async files(id: string): Promise<FileRow[]> {
    const manifest = await this.manifest(id);
    const added = new Set(manifest.new);
    const tensors = countBy(manifest.tensors, ({ file }) => file);
    const rows: FileRow[] = [];
    for (const [index, file] of manifest.files.entries()) {
      let bytesStored = 0;
      for (const blob of [...file.parts.map((part) => part[2]), file.rest]) {
        // The first file that holds a content carries its cost.
        if (added.delete(blob)) bytesStored += (await this.#store.lookup(manifest.blobs[blob]!))?.entry.storedLength ?? 0;
      }
      const { path, size, format, digest, mode, mtimeNs, note } = file;
      const modified = timeOf(mtimeNs);
      rows.push({
        path,
        part: partOf(posix.basename(path)),
        bytes: size,
        bytesStored,
        format,
        tensors: tensors.get(index) ?? 0,
        digest,
        mode,
        modified,
        ...(note === undefined ? {} : { note }),
      });
    }
    return rows;
  }

  /** Files that were archived, and let go of since. */
  async dropped(id: string): Promise<DroppedFile[]> {
    return ((await this.manifest(id)).dropped ?? []).map(({ path, size }) => ({ path, bytes: size }));
  }

  async tensors(id: string, offset: number, limit: number): Promise<{ total: number; tensors: TensorRow[] }> {
    const manifest = await this.manifest(id);
    const base = manifest.base === undefined ? undefined : await this.manifest(manifest.base).catch(() => undefined);
    const page = manifest.tensors.slice(offset, offset + limit);
    const view = {
      manifest,
      added: new Set(manifest.new),
      baseBlobs: new Set(base?.blobs),
      names: namesOf(manifest),
      baseNames: base ? namesOf(base) : none,
    };
    const tensors: TensorRow[] = [];
    for (let at = 0; at < page.length; at += parallelRows) {
      tensors.push(...(await Promise.all(page.slice(at, at + parallelRows).map((tensor) => this.#row(view, tensor)))));
    }
    return { total: manifest.tensors.length, tensors };
  }

  async #row(view: View, tensor: ManifestTensor): Promise<TensorRow> {
    const { manifest, added, baseBlobs } = view;
    const file = manifest.files[tensor.file]!;
    const part = file.parts[tensor.part];
    const { name, dtype, shape } = tensor;
    const known = { name, dtype, shape, file: file.path };
    const digest = part && manifest.blobs[part[2]];
    const blob = digest === undefined ? undefined : await this.#store.lookup(digest);
    if (!part || digest === undefined || !blob)
      return { ...known, bytes: part?.[1] ?? 0, bytesStored: 0, codecs: [], depth: 0, digest: digest ?? '', reused: false, pairs: [] };
    const { entry } = blob;
    const needed = baseOf(entry);
    return {
      ...known,
      bytes: Math.min(part[1], shape.reduce((product, size) => product * size, 1) * elementWidths[entry.element]),
      bytesStored: entry.storedLength,
      codecs: await this.#codecsOf(blob),
      depth: await this.#store.depthOf(digest),
      digest,
      ...(needed !== undefined && baseBlobs.has(needed) ? { base: manifest.base } : {}),
      reused: !added.has(part[2]),
      pairs: pairsOf(view, entry.needs),
    };
  }

  /** The codec of a block is its first stored byte. */
  async #codecsOf({ packId, entry }: FoundBlob): Promise<string[]> {
    const held = this.#codecs.get(entry.digest);
    if (held) return held;
    const blocks = entry.lengths.length;
    const step = Math.max(1, blocks / sampledBlocks);
    const names: string[] = [];
    for (let block = 0, at = entry.offset, next = 0; block < blocks; at += entry.lengths[block++]!) {
      if (block < Math.floor(next)) continue;
      next += step;
      const [codec] = await this.#store.backend.readRange(nameOfPack(packId), at, 1);
      names.push(codecNames[codec!] ?? `codec ${codec}`);
    }
    const codecs = [...countBy(names, (name) => name)].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    if (this.#codecs.size >= maxHeldCodecs) this.#codecs.clear();
    this.#codecs.set(entry.digest, codecs);
    return codecs;
  }
}

/** The first tensor that has a content, by the content's digest. */
type Names = ReadonlyMap<string, string>;
const none: Names = new Map();

interface View {
  manifest: Manifest;
  added: ReadonlySet<number>;
  baseBlobs: ReadonlySet<string>;
  names: Names;
  baseNames: Names;
}

/** Manifests never change, so neither do the names in one. */
const heldNames = new WeakMap<Manifest, Names>();

function namesOf(manifest: Manifest): Names {
  const held = heldNames.get(manifest);
  if (held) return held;
  const names = new Map<string, string>();
  for (const { name, file, part } of manifest.tensors) {
    const blob = manifest.files[file]?.parts[part]?.[2];
    const digest = blob === undefined ? undefined : manifest.blobs[blob];
    if (digest !== undefined && !names.has(digest)) names.set(digest, name);
  }
  heldNames.set(manifest, names);
  return names;
}

const roleNames = { [roles.base]: 'base', [roles.master]: 'master', [roles.secondMoment]: 'second-moment' } as const;

function pairsOf({ names, baseNames }: View, needs: BlobEntry['needs']): TensorRow['pairs'] {
  return needs.flatMap(({ role, digest }) => {
    const name = roleNames[role as keyof typeof roleNames];
    const tensor = (name === 'base' ? baseNames : names).get(digest);
    return name === undefined || tensor === undefined ? [] : [{ role: name, tensor }];
  });
}

function countBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

/** Times beyond what a Date holds come from broken clocks; they must not break the list. */
function timeOf(mtimeNs: string): string {
  const milliseconds = Number(BigInt(mtimeNs) / 1_000_000n);
  return new Date(Math.abs(milliseconds) > 8.64e15 ? 0 : milliseconds).toISOString();
}
