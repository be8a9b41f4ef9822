/** Reads the tables of packs. A table is believed after its checksum, its layout, and its digest (the pack's id) agree. */
import { CairnError } from '../contract/errors.ts';
import type { Backend } from './backends/backend.ts';
import type { Hashing } from './hashing.ts';
import { checkHeader, footerBytes, headerBytes, PackTable, parseFooter } from './pack-format.ts';

const packName = /^packs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.pack$/;

export function nameOfPack(id: string): string {
  return `packs/${id.slice(0, 2)}/${id}.pack`;
}

/** The id in a pack's name, or undefined where it is no name of a pack. */
export function packIdOf(name: string): string | undefined {
  return packName.exec(name)?.[2];
}

/**
 * Reads and checks one pack's table.
 *
 * @throws CairnError `not_found` where the pack is gone, `damaged`, `unsupported`.
 */
export async function readPackTable(backend: Backend, hashing: Hashing, id: string): Promise<PackTable> {
  const name = nameOfPack(id);
  const path = backend.localPath(name);
  const file = await backend.stat(name);
  if (!file) throw new CairnError('not_found', `${path}: the pack is gone; run cairn verify --structure`, { path });
  if (file.sizeBytes < headerBytes + footerBytes) throw new CairnError('damaged', `${path}: cut short; restore it from a copy`, { path });
  const footerAt = file.sizeBytes - footerBytes;
  checkHeader(await backend.readRange(name, 0, headerBytes), path);
  const footer = parseFooter(await backend.readRange(name, footerAt, footerBytes), file.sizeBytes, path);
  const table = new PackTable(await backend.readRange(name, footer.tableOffset, footer.tableLength), footer, hashing, path);
  if (table.id !== id)
    throw new CairnError('damaged', `${path}: its table is not the one it is named after; restore it from a copy`, { path });
  return table;
}

interface HeldTable {
  reading: Promise<PackTable>;
  /** 0 while it is being read. */
  sizeBytes: number;
}

/** Tables read before, the most recently used up to a bound in bytes: packs never change, so neither do their tables. */
export class PackReader {
  readonly #backend: Backend;
  readonly #hashing: Hashing;
  readonly #limitBytes: number;
  readonly #tables = new Map<string, HeldTable>();
  #heldBytes = 0;

  constructor(backend: Backend, hashing: Hashing, limitBytes = 64 * 1024 * 1024) {
    this.#backend = backend;
    this.#hashing = hashing;
    this.#limitBytes = limitBytes;
  }

  /** @throws CairnError as `readPackTable`; a failure is not remembered. */
  async table(id: string): Promise<PackTable> {
    const held = this.#tables.get(id) ?? { reading: readPackTable(this.#backend, this.#hashing, id), sizeBytes: 0 };
    // Taken out and put back: the order of a Map is then the order of use.
    this.#tables.delete(id);
    this.#tables.set(id, held);
    try {
      const table = await held.reading;
      this.#count(id, held, table.sizeBytes);
      return table;
    } catch (thrown) {
      if (this.#tables.get(id) === held) this.#tables.delete(id);
      throw thrown;
    }
  }

  forget(id: string): void {
    this.#heldBytes -= this.#tables.get(id)?.sizeBytes ?? 0;
    this.#tables.delete(id);
  }

  #count(id: string, held: HeldTable, sizeBytes: number): void {
    if (held.sizeBytes > 0 || this.#tables.get(id) !== held) return;
    held.sizeBytes = sizeBytes;
    this.#heldBytes += sizeBytes;
    for (const oldest of this.#tables.keys()) {
      if (this.#heldBytes <= this.#limitBytes || oldest === id) break;
      this.forget(oldest);
    }
  }
}
