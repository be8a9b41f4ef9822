/** The stored tensors of a snapshot as bases for the next one, and where to read their original bytes. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { RawSource } from '../../codec/binding.ts';
import { BaseSet, type BasePart } from '../../plan/pairing.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import { storedPiece } from '../stored-content.ts';

/**
 * True where the content and all it needs are in packs that are to stay. One that is about to go is stored again where it is met:
 * against a base that needs it, it would come to need itself.
 */
async function stays(store: Store, digest: string, known: Map<string, boolean>): Promise<boolean> {
  const held = known.get(digest);
  if (held !== undefined) return held;
  known.set(digest, false);
  if (!store.index.holds(digest)) return false;
  for (const need of (await store.lookup(digest))?.entry.needs ?? []) if (!(await stays(store, need.digest, known))) return false;
  known.set(digest, true);
  return true;
}

/** @returns the tensors of a snapshot by name, with depth and element as they are stored now; without those in condemned packs. */
export async function baseSetOf(store: Store, manifest: Manifest): Promise<BaseSet> {
  const bases = new BaseSet();
  const known = new Map<string, boolean>();
  const taken = new Set<string>();
  for (const tensor of manifest.tensors) {
    const file = manifest.files[tensor.file]!;
    const part = file.parts[tensor.part];
    const once = `${tensor.file}:${tensor.part}`;
    if (!part || taken.has(once)) continue;
    taken.add(once);
    const [offset, length, blob] = part;
    const digest = manifest.blobs[blob]!;
    const found = await store.lookup(digest);
    if (!found || found.entry.coding !== 'tensor' || !(await stays(store, digest, known))) continue;
    const { element, blockLog2 } = found.entry;
    bases.add(
      { file: file.path, name: tensor.name, dtype: tensor.dtype, shape: tensor.shape },
      { digest, length, element, blockLog2, depth: await store.depthOf(digest), file: file.path, offset },
    );
  }
  return bases;
}

/**
 * Originals of a snapshot that still lie where they were, with the size and time they had: their bytes may be read instead
 * of decoding the base. Should one have changed all the same, the proof notices, because it decodes from the store alone.
 */
export class Originals {
  readonly #folder: string;
  readonly #paths = new Map<string, string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of(manifest: Manifest): Promise<Originals> {
    const folder = path.join(manifest.run.path, manifest.path);
    const originals = new Originals(folder);
    for (const file of manifest.files) await originals.#look(file);
    return originals;
  }

  async #look(file: Manifest['files'][number]): Promise<void> {
    // A checkpoint that is a single file is recorded under its own path.
    for (const candidate of [path.join(this.#folder, file.path), this.#folder]) {
      const now = await lstat(candidate, { bigint: true }).catch(() => undefined);
      if (!now?.isFile() || now.size !== BigInt(file.size) || now.mtimeNs !== BigInt(file.mtimeNs)) continue;
      this.#paths.set(file.path, candidate);
      return;
    }
  }

  /** Reads a piece of a base: from its original where it is still there, else from the store. */
  sourceOf(store: Store, base: BasePart, usable: boolean): (offset: number, length: number) => RawSource | Promise<RawSource> {
    const original = usable ? this.#paths.get(base.file) : undefined;
    if (original !== undefined) return (offset, length) => ({ file: { path: original, offset: base.offset + offset, length } });
    return async (offset, length) => ({ stored: await storedPiece(store, base.digest, base, offset, length) });
  }
}
