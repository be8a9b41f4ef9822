/** When a store was verified, and what was found. */
import { z } from 'zod';
import type { ReadHandle, WriteHandle } from './handles.ts';

const verification = z.object({
  time: z.iso.datetime(),
  mode: z.enum(['data', 'structure']),
  snapshots: z.number().int(),
  bytesRead: z.number().int(),
  findings: z.number().int(),
});
export type Verification = z.infer<typeof verification>;

export const verificationsSql = `
  SELECT time, mode, snapshots, bytes_read AS bytesRead, findings FROM verifications
  WHERE store_id = $storeId ORDER BY time DESC, verification_key DESC LIMIT $limit`;

export function addVerification(writer: WriteHandle, storeId: string, { time, mode, snapshots, bytesRead, findings }: Verification): void {
  writer.run(
    `INSERT INTO verifications (store_id, time, mode, snapshots, bytes_read, findings)
     VALUES ($storeId, $time, $mode, $snapshots, $bytesRead, $findings)`,
    { storeId, time, mode, snapshots, bytesRead, findings },
  );
}

/** Newest first. */
export function listVerifications(reader: ReadHandle, storeId: string, limit: number): Verification[] {
  return reader.all(verificationsSql, verification, { storeId, limit });
}
