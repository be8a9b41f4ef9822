/** What archives that were cut off had published of their checkpoints, so that those who go on needn't read it again. */
import { z } from 'zod';
import type { ReadHandle, WriteHandle } from './handles.ts';

const durableContent = z.object({ content: z.string(), digest: z.string(), isNew: z.coerce.boolean() });
/** `content` names bytes of a file as it was; `isNew` is false where the store had them before the archive. */
export type DurableContent = z.infer<typeof durableContent>;

/** What nobody went on with for so long is forgotten. */
const keptMs = 7 * 86_400_000;

/** Contents of a checkpoint that an archive which was cut off had published in the store. */
export function listDurable(reader: ReadHandle, storeId: string, checkpoint: string): DurableContent[] {
  return reader.all(
    `SELECT content, digest, is_new AS isNew FROM durable_contents WHERE store_id = $storeId AND checkpoint = $checkpoint`,
    durableContent,
    { storeId, checkpoint },
  );
}

/** Adds to what is known of a checkpoint: all of it or, where writing fails, none. */
export function addDurable(
  writer: WriteHandle,
  storeId: string,
  checkpoint: string,
  contents: readonly DurableContent[],
  nowMs: number,
): void {
  writer.transaction(() => {
    writer.run(`DELETE FROM durable_contents WHERE time_ms < $before`, { before: nowMs - keptMs });
    for (const { content, digest, isNew } of contents)
      writer.run(
        `INSERT OR REPLACE INTO durable_contents (store_id, checkpoint, content, digest, is_new, time_ms)
         VALUES ($storeId, $checkpoint, $content, $digest, $isNew, $nowMs)`,
        { storeId, checkpoint, content, digest, isNew: isNew ? 1 : 0, nowMs },
      );
  });
}

/** Forgets what was published of a checkpoint: there is nothing left to go on with. */
export function forgetDurable(writer: WriteHandle, storeId: string, checkpoint: string): void {
  writer.run(`DELETE FROM durable_contents WHERE store_id = $storeId AND checkpoint = $checkpoint`, { storeId, checkpoint });
}
