/** How one checkpoint is archived, as every part of that is told. */
import type { CodingMethod } from '../../contract/model.ts';
import type { CodecPool } from '../../codec/pool.ts';
import type { Durable } from './durable.ts';

export interface CheckpointOptions {
  method: CodingMethod;
  maxDepth: number;
  pool: CodecPool;
  cancel: Int32Array;
  /** Digests of contents that this archive proved, so that those of many checkpoints are decoded once. */
  proved: Set<string>;
  now: () => Date;
  /** Called with original bytes as they are coded, and again as they are proved. */
  onBytes(phase: 'archive' | 'prove', bytes: number): void;
  /** Everything is proved; what follows is the commit. */
  onCommit(): void;
  /** Remembers what is published, for whoever goes on after an interruption. */
  durable: Durable;
  /** Original bytes from which on a pack is closed. */
  packRawBytes?: number;
}
