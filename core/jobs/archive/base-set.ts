/** The stored tensors of a snapshot as bases for the next one, and where to read their original bytes. */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { RawSource } from '../../codec/binding.ts';
import { BaseSet, type BasePart } from '../../plan/pairing.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import { storedPiece } from '../stored-content.ts';

/** @returns the tensors of a snapshot by name, with depth and element as they are stored now. */
export async function baseSetOf(store: Store, manifest: Manifest): Promise<BaseSet> {
  const bases = new BaseSet();
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
    if (!found || found.entry.coding !== 'tensor') continue;
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
