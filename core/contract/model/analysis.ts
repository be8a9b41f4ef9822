/** The study of a run, estimates, and the codec benchmark. */
import { z } from 'zod';
import { bytes } from './scalars.ts';

/** One measurement of the codec benchmark: GiB of original bytes a second. */
export const benchRecord = z.object({
  scenario: z.string(),
  /** Of `files`: files. */
  dtype: z.string(),
  /** In memory, or from files to files: archiving with its proof, and restoring. */
  medium: z.enum(['memory', 'files']),
  mode: z.enum(['alone', 'delta']),
  /** cairn, lmc, or a general compressor with its level, whose implementation is then `general`. */
  method: z.string(),
  implementation: z.string(),
  threads: z.number().int(),
  ratio: z.number(),
  encodeGiBps: z.number(),
  decodeGiBps: z.number(),
  memcpyGiBps: z.number(),
  digestGiBps: z.number().optional(),
  /** Of `files`: copying them within the disk and syncing. */
  copyGiBps: z.number().optional(),
  bytesOriginal: bytes,
  bytesStored: bytes,
});
export type BenchRecord = z.infer<typeof benchRecord>;

/** A run's steps as the study sees them. `stored`: what a snapshot's new contents take in the store, by part. */
export const runOutline = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  steps: z.array(
    z.object({
      step: z.number().int(),
      bytesOriginal: bytes,
      onDisk: z.boolean(),
      stored: z.object({ weights: bytes, optimizer: bytes, other: bytes }).optional(),
    }),
  ),
});
export type RunOutline = z.infer<typeof runOutline>;

/** What archiving the rest of a run would take: an estimate, with what it rests on. */
export const runEstimate = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  /** Steps that are whole on disk and not in the store, and what they hold. */
  steps: z.number().int(),
  bytesOriginal: bytes,
  /** About what they would take in the store, without parity. */
  bytesEstimated: bytes,
  /** `measured`: ratios of the run's own snapshots; `sampled`: blocks of its steps, coded for the purpose; `nothing`: there is nothing left. */
  basis: z.enum(['measured', 'sampled', 'nothing']),
  /** Steps that it rests on, and original bytes of them that were coded for it. */
  stepsMeasured: z.number().int(),
  bytesSampled: bytes,
});
export type RunEstimate = z.infer<typeof runEstimate>;

/** Estimates of several runs together. */
export type EstimateTotals = Pick<RunEstimate, 'steps' | 'bytesOriginal' | 'bytesEstimated'>;

/** Their sums. */
export function totalsOf(estimates: readonly RunEstimate[]): EstimateTotals {
  const sum = (member: keyof EstimateTotals): number => estimates.reduce((total, estimate) => total + estimate[member], 0);
  return { steps: sum('steps'), bytesOriginal: sum('bytesOriginal'), bytesEstimated: sum('bytesEstimated') };
}

/** Shares are from 0 to 1. Absent where there is nothing to compare with, or nothing of a float type. */
const changeMeasures = {
  /** Share of elements that are not bit for bit those of the step before. */
  changed: z.number().optional(),
  /** Mean of |value - value before| over finite elements. */
  meanChange: z.number().optional(),
};

/** Tensors of one kind ("weights BF16", "exp_avg F32") together. Planes and bits: the least significant first. */
export const kindMeasures = z.object({
  kind: z.string(),
  /** That were looked at. */
  elements: z.number().int(),
  /** Entropy by byte position, in bits a byte, over blocks of 64 KiB. */
  planes: z.array(z.number()),
  /** Elements by exponent as float32 writes it (biased by 127); 0: zero and subnormal, 255: infinite and NaN. */
  exponents: z.array(z.number()).optional(),
  /** Probability that a bit differs from the step before. */
  flips: z.array(z.number()).optional(),
  ...changeMeasures,
});
export type KindMeasures = z.infer<typeof kindMeasures>;

/** The weights of one layer together. */
export const layerMeasures = z.object({ layer: z.string(), elements: z.number().int(), ...changeMeasures });
export type LayerMeasures = z.infer<typeof layerMeasures>;

/** What the study sees in one step. */
export const stepMeasures = z.object({
  step: z.number().int(),
  /** The step it was compared with. */
  against: z.number().int().optional(),
  from: z.enum(['originals', 'store']),
  bytesTotal: bytes,
  bytesSampled: bytes,
  kinds: z.array(kindMeasures),
  /** Weights only, in the order of the files. */
  layers: z.array(layerMeasures),
});
export type StepMeasures = z.infer<typeof stepMeasures>;

/** An engine on a sample of one kind of tensor, one thread. */
export const engineResult = z.object({
  kind: z.string(),
  engine: z.string(),
  mode: z.enum(['alone', 'delta']),
  bytesOriginal: bytes,
  bytesStored: bytes,
  encodeSeconds: z.number(),
  decodeSeconds: z.number(),
});
export type EngineResult = z.infer<typeof engineResult>;

/** Engines side by side on samples of one step. */
export const engineComparison = z.object({ step: z.number().int(), against: z.number().int().optional(), results: z.array(engineResult) });
export type EngineComparison = z.infer<typeof engineComparison>;
