/** What is in a snapshot, and how two of them differ. */
import { z } from 'zod';
import { checkpointPart } from './library.ts';
import { bytes, time } from './scalars.ts';

/** A tensor of a snapshot, and how it is stored. */
export const tensorRow = z.object({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.number()),
  file: z.string(),
  bytes,
  bytesStored: bytes,
  /** Names of the block codecs in use, most used first. */
  codecs: z.array(z.string()),
  depth: z.number().int(),
  digest: z.string(),
  /** Snapshot id of the base, where the tensor is stored as a delta. */
  base: z.string().optional(),
  /** True where the bytes were in the store already. */
  reused: z.boolean(),
  /** What its blocks are coded with the help of: a tensor of the base, or another of this snapshot. Names, as far as they are known. */
  pairs: z.array(z.object({ role: z.enum(['base', 'master', 'second-moment']), tensor: z.string() })),
});
export type TensorRow = z.infer<typeof tensorRow>;

/** A file of a snapshot, and how it is stored. */
export const fileRow = z.object({
  path: z.string(),
  part: checkpointPart,
  bytes,
  bytesStored: bytes,
  format: z.string(),
  tensors: z.number().int(),
  digest: z.string(),
  mode: z.number().int(),
  modified: time,
  note: z.string().optional(),
});
export type FileRow = z.infer<typeof fileRow>;

/** A file that was archived, and let go of since. */
export const droppedFile = z.object({ path: z.string(), bytes });
export type DroppedFile = z.infer<typeof droppedFile>;

/** A tensor of one or both of two snapshots that are compared. */
export const diffTensor = z.object({
  name: z.string(),
  file: z.string(),
  /** Of the storage it lies in. `unknown`: its bytes are kept together with others that changed. */
  change: z.enum(['changed', 'unknown', 'added', 'removed', 'unchanged']),
  dtype: z.string(),
  shape: z.array(z.number()),
  /** Of its storage, original size. */
  bytes,
  /** Present where they were others before. */
  fileBefore: z.string().optional(),
  dtypeBefore: z.string().optional(),
  shapeBefore: z.array(z.number()).optional(),
  /** What the deltas between the two take in the store; absent where neither is decoded against the other. */
  bytesDelta: bytes.optional(),
});
export type DiffTensor = z.infer<typeof diffTensor>;

/** A file of one or both of two snapshots that are compared. */
export const diffFile = z.object({
  path: z.string(),
  change: z.enum(['changed', 'added', 'removed', 'unchanged']),
  bytes,
  bytesBefore: bytes.optional(),
  /** Present where it had another name. */
  pathBefore: z.string().optional(),
});
export type DiffFile = z.infer<typeof diffFile>;

/** What changed from snapshot `a` to snapshot `b`, by id. `counts` and `total` are of all tensors, `tensors` those asked for, changed ones first. */
export const snapshotDiff = z.object({
  a: z.string(),
  b: z.string(),
  counts: z.record(diffTensor.shape.change, z.number().int()),
  total: z.number().int(),
  tensors: z.array(diffTensor),
  files: z.array(diffFile),
});
export type SnapshotDiff = z.infer<typeof snapshotDiff>;
