/** When a store was verified, and what was found. */
import { z } from 'zod';
import { verifyMode } from '../contract/model.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

const verification = z.object({
  time: z.iso.datetime(),
  mode: verifyMode,
  snapshots: z.number().int(),
  bytesRead: z.number().int(),
  findings: z.number().int(),
});
export type Verification = z.infer<typeof verification>;

export const verificationsSql = `
  SELECT time, mode, snapshots, bytes_read AS bytesRead, findings FROM verifications
  WHERE store_id = $storeId ORDER BY time DESC, verification_key DESC LIMIT $limit`;

/** @param next of a verification of the whole store: where the next partial one goes on */
export function addVerification(writer: WriteHandle, storeId: string, verification: Verification, next?: string): void {
  const { time, mode, snapshots, bytesRead, findings } = verification;
  writer.run(
    `INSERT INTO verifications (store_id, time, mode, snapshots, bytes_read, findings, next)
     VALUES ($storeId, $time, $mode, $snapshots, $bytesRead, $findings, $next)`,
    { storeId, time, mode, snapshots, bytesRead, findings, next: next ?? null },
  );
}

const nextRow = z.object({ next: z.string() });

/** The `next` of the last verification that had one. */
export function coverageNext(reader: ReadHandle, storeId: string): string | undefined {
  return reader.get(
    `SELECT next FROM verifications WHERE store_id = $storeId AND next IS NOT NULL ORDER BY time DESC, verification_key DESC LIMIT 1`,
    nextRow,
    { storeId },
  )?.next;
}

/** Newest first. */
export function listVerifications(reader: ReadHandle, storeId: string, limit: number): Verification[] {
  return reader.all(verificationsSql, verification, { storeId, limit });
}
