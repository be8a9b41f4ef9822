/** What the packs of a store hold, so that opening it reads no pack's table. Packs never change; one row a pack. */
import { z } from 'zod';
import type { IndexCache } from '../store/blob-index.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

const digestsRow = z.object({ digests: z.instanceof(Uint8Array) });

export class PackIndexCache implements IndexCache {
  readonly #reader: ReadHandle;
  readonly #writer: WriteHandle;
  readonly #storeId: string;

  constructor(reader: ReadHandle, writer: WriteHandle, storeId: string) {
    this.#reader = reader;
    this.#writer = writer;
    this.#storeId = storeId;
  }

  load(packId: string): Uint8Array | undefined {
    const parameters = { storeId: this.#storeId, packId };
    return this.#reader.get('SELECT digests FROM packs WHERE store_id = $storeId AND pack_id = $packId', digestsRow, parameters)?.digests;
  }

  save(packId: string, digests: Uint8Array): void {
    const parameters = { storeId: this.#storeId, packId, digests };
    this.#writer.run('INSERT OR REPLACE INTO packs (store_id, pack_id, digests) VALUES ($storeId, $packId, $digests)', parameters);
  }

  forget(packId: string): void {
    this.#writer.run('DELETE FROM packs WHERE store_id = $storeId AND pack_id = $packId', { storeId: this.#storeId, packId });
  }
}
