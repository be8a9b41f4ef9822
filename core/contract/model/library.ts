/** What is on the user's disk and in the store, by run: sources, runs, checkpoints, snapshots. */
import { z } from 'zod';
import { bytes, codingMethod, time } from './scalars.ts';

/** A folder the user added. */
export const source = z.object({ id: z.string(), path: z.string(), added: time, scanned: time.optional(), problem: z.string().optional() });
export type Source = z.infer<typeof source>;

/** A folder that may be chosen. */
export const folderEntry = z.object({ name: z.string(), path: z.string() });
export type FolderEntry = z.infer<typeof folderEntry>;

/** Whether it can be archived: only what is complete is. */
export const checkpointState = z.enum(['complete', 'incomplete', 'being-written', 'damaged']);
export type CheckpointState = z.infer<typeof checkpointState>;

/** What of a checkpoint a file is. */
export const checkpointPart = z.enum(['weights', 'optimizer', 'scheduler', 'random', 'configuration', 'other']);

/** What the trainer left on disk for one step. Read-only to us. */
export const checkpoint = z.object({
  path: z.string(),
  step: z.number().int(),
  files: z.number().int(),
  bytes,
  modified: time,
  state: checkpointState,
  reason: z.string().optional(),
  /** How the step was found: a state file, the name, or as a last resort the modification time. */
  stepFrom: z.enum(['state', 'name', 'mtime']),
  formats: z.array(z.string()),
  parts: z.array(checkpointPart),
});
export type Checkpoint = z.infer<typeof checkpoint>;

/** Whether it is stored whole, or some of it as deltas against another snapshot. */
export const snapshotKind = z.enum(['keyframe', 'delta']);
export type SnapshotKind = z.infer<typeof snapshotKind>;

/** Our immutable record of one archived checkpoint. */
export const snapshot = z.object({
  id: z.string(),
  run: z.string(),
  runPath: z.string(),
  step: z.number().int(),
  path: z.string(),
  time,
  created: time,
  kind: snapshotKind,
  depth: z.number().int(),
  files: z.number().int(),
  tensors: z.number().int(),
  bytesOriginal: bytes,
  /** Bytes this snapshot added to the store. */
  bytesStored: bytes,
  method: codingMethod,
  sealed: z.boolean(),
  pinned: z.boolean(),
  /** The snapshot whose tensors most deltas are decoded against. */
  base: z.string().optional(),
});
export type Snapshot = z.infer<typeof snapshot>;

/** One position of a run: the checkpoint, its snapshot, or both. */
export const step = z.object({
  step: z.number().int(),
  checkpoint: checkpoint.optional(),
  snapshot: snapshot.optional(),
  loss: z.number().optional(),
});
export type Step = z.infer<typeof step>;

/** A training run without its steps. */
export const runSummary = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  layout: z.string(),
  steps: z.number().int(),
  firstStep: z.number().int().optional(),
  lastStep: z.number().int().optional(),
  archived: z.number().int(),
  incomplete: z.number().int(),
  /** Bytes of every step known, original size. */
  bytesOriginal: bytes,
  /** Original bytes of the archived steps. */
  bytesArchived: bytes,
  bytesStored: bytes,
  activity: time.optional(),
});
export type RunSummary = z.infer<typeof runSummary>;

/** The loss that the trainer wrote down for a step. */
export const lossPoint = z.object({ step: z.number(), loss: z.number() });

/** A training run: its steps in order, and its loss curve where the trainer left one. */
export const run = runSummary.extend({ chain: z.array(step), losses: z.array(lossPoint) });
export type Run = z.infer<typeof run>;
