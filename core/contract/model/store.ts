/** The store as a whole, and what is wrong with it. */
import { z } from 'zod';
import { bytes, time, verifyMode } from './scalars.ts';

/** An error means that something can't be given back; a warning that it may come to that. */
export const findingSeverity = z.enum(['error', 'warning']);

/** One thing that is wrong. */
export const finding = z.object({
  code: z.string(),
  severity: findingSeverity,
  snapshot: z.string().optional(),
  path: z.string().optional(),
  message: z.string(),
  /** Of damage: the first file and tensor of the snapshot that it concerns, and the pack it lies in. */
  file: z.string().optional(),
  tensor: z.string().optional(),
  pack: z.string().optional(),
});
export type Finding = z.infer<typeof finding>;

/** What a store holds and takes, and how it was when somebody last looked. */
export const storeStatus = z.object({
  path: z.string(),
  id: z.string(),
  snapshots: z.number().int(),
  packs: z.number().int(),
  bytesOriginal: bytes,
  bytesStored: bytes,
  bytesFree: bytes,
  /** Whether every pack written gets its parity. */
  parity: z.boolean(),
  /** Stored bytes by run name, largest first. */
  byRun: z.array(z.object({ run: z.string(), bytesOriginal: bytes, bytesStored: bytes })),
  lastVerify: z.object({ time, mode: verifyMode, findings: z.number().int() }).optional(),
});
export type StoreStatus = z.infer<typeof storeStatus>;
