/**
 * The records that cross a connection, in the words of the design: plain, serialisable, sizes in bytes, times as
 * ISO 8601 strings in UTC, durations in milliseconds.
 */
import { z } from 'zod';
import { failure } from './errors.ts';

const bytes = z.number().int().nonnegative();
const time = z.iso.datetime();

/** A folder the user added. */
export const source = z.object({ id: z.string(), path: z.string(), added: time, scanned: time.optional(), problem: z.string().optional() });
export type Source = z.infer<typeof source>;

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
  method: z.enum(['cairn', 'lmc']),
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

export const lossPoint = z.object({ step: z.number(), loss: z.number() });
export const run = runSummary.extend({ chain: z.array(step), losses: z.array(lossPoint) });
export type Run = z.infer<typeof run>;

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

/** What would be archived, and an estimate of what it would take, per checkpoint. */
export const planItem = z.object({
  run: z.string(),
  step: z.number().int(),
  path: z.string(),
  action: z.enum(['archive', 'skip']),
  reason: z.string().optional(),
  /** Archiving it would fail with this. */
  error: failure.optional(),
  kind: snapshotKind,
  depth: z.number().int(),
  bytesOriginal: bytes,
  bytesEstimated: bytes,
});
export type PlanItem = z.infer<typeof planItem>;
export const plan = z.object({ items: z.array(planItem), bytesOriginal: bytes, bytesEstimated: bytes, bytesFree: bytes });
export type Plan = z.infer<typeof plan>;

export const findingSeverity = z.enum(['error', 'warning']);
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

export const jobKind = z.enum(['archive', 'verify', 'restore', 'rebuild', 'remove', 'prune', 'repair', 'copy']);
export type JobKind = z.infer<typeof jobKind>;
export const jobState = z.enum(['queued', 'waiting', 'running', 'paused', 'done', 'failed', 'cancelled', 'interrupted']);
export type JobState = z.infer<typeof jobState>;

export const jobProgress = z.object({
  phase: z.string(),
  bytesDone: bytes,
  bytesTotal: bytes,
  itemsDone: z.number().int(),
  itemsTotal: z.number().int(),
  bytesPerSecond: z.number().nonnegative(),
  /** Absent until the rate has settled. */
  etaMs: z.number().nonnegative().optional(),
});
export type JobProgress = z.infer<typeof jobProgress>;

/**
 * Jobs that can be held once they have begun: they stop between two tasks and go on from there. The others are short, and half of a
 * removal or of a prune is nothing to leave lying.
 */
export const pausableKinds: ReadonlySet<JobKind> = new Set<JobKind>(['archive', 'verify', 'restore', 'copy']);

/** Phases in which the machine should not be let fall asleep: half of them is what nobody wants to find in the morning. */
export const wakefulPhases: readonly string[] = ['commit', 'release'];

export const job = z.object({
  id: z.string(),
  kind: jobKind,
  title: z.string(),
  /** The equal command line. */
  command: z.string(),
  state: jobState,
  queued: time,
  started: time.optional(),
  ended: time.optional(),
  progress: jobProgress,
  /** Why it waits or is paused. */
  reason: z.string().optional(),
  /** When a pause ends by itself. */
  until: time.optional(),
  /** Position among the jobs that have not begun: smaller is earlier. */
  order: z.number().optional(),
  /** The interrupted job that it goes on from. */
  resumes: z.string().optional(),
  /** It has not ended, and another process of the home has it. */
  elsewhere: z.boolean().optional(),
  /** Name of the schedule that started it. */
  schedule: z.string().optional(),
  error: failure.optional(),
  /** What the job achieved, by kind; the same records as the command line prints. */
  result: z.record(z.string(), z.unknown()).optional(),
});
export type Job = z.infer<typeof job>;

/** Everything is paused, until then or until somebody resumes it. */
export const queuePause = z.object({ until: time.optional() });
export type QueuePause = z.infer<typeof queuePause>;

export const jobLogLine = z.object({ time, level: z.enum(['info', 'warning', 'error']), message: z.string() });
export type JobLogLine = z.infer<typeof jobLogLine>;

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
  lastVerify: z.object({ time, mode: z.enum(['data', 'structure']), findings: z.number().int() }).optional(),
});
export type StoreStatus = z.infer<typeof storeStatus>;

export const folderEntry = z.object({ name: z.string(), path: z.string() });
export type FolderEntry = z.infer<typeof folderEntry>;

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

export const layerMeasures = z.object({ layer: z.string(), elements: z.number().int(), ...changeMeasures });
export type LayerMeasures = z.infer<typeof layerMeasures>;

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

export const engineComparison = z.object({ step: z.number().int(), against: z.number().int().optional(), results: z.array(engineResult) });
export type EngineComparison = z.infer<typeof engineComparison>;

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'it must be a time of day such as 22:30');

/** When a schedule wants to run. Wall-clock times are those of `timeZone`, or of the machine. */
export const trigger = z.discriminatedUnion('kind', [
  /** As soon as a trainer has finished a checkpoint. */
  z.object({ kind: z.literal('watch') }),
  z.object({ kind: z.literal('cron'), expression: z.string().min(1).max(200), timeZone: z.string().optional() }),
  z.object({ kind: z.literal('interval'), minutes: z.number().int().min(1).max(525_600) }),
  /** When the machine has had little to do for so long; once each time. */
  z.object({ kind: z.literal('idle'), minutes: z.number().int().min(1).max(1440) }),
]);
export type Trigger = z.infer<typeof trigger>;

/** How Cairn behaves on its machine. Work in the background is what schedules and watches start. */
export const manners = z.object({
  /** All jobs together take at most so many threads; absent: one for every core. */
  threads: z.number().int().min(1).max(256).optional(),
  /** Work in the background at most so many; absent: half of the cores. */
  backgroundThreads: z.number().int().min(1).max(256).optional(),
  /** All jobs together read and decode at most so many bytes of checkpoints a second. */
  bytesPerSecond: z.number().int().min(65_536).optional(),
  /** No work in the background between these times of day. */
  quiet: z.object({ from: clockTime, to: clockTime }).optional(),
  /** On battery work in the background waits below this charge, in percent, also where its schedule would work on battery. */
  lowBattery: z.number().int().min(0).max(100).default(20),
  /** What work in the background does where the store is reached over a network that is metered. */
  metered: z.enum(['ignore', 'wait']).default('wait'),
});
export type Manners = z.infer<typeof manners>;

/** A program and its arguments, as they are: no shell reads them. */
const hookCommand = z
  .array(
    z
      .string()
      .max(32_768)
      .refine((word) => !word.includes('\0'), 'it holds a zero byte'),
  )
  .min(1)
  .max(256);

/** Commands before and after a job, with its record as JSON on standard input. One that fails makes the job fail. */
export const hooks = z.object({
  before: hookCommand.optional(),
  after: hookCommand.optional(),
  /** Each has so long. */
  timeoutMinutes: z.number().positive().max(1440).default(10),
});
export type Hooks = z.infer<typeof hooks>;

const count = z.number().int().positive();

/** What a run keeps in the store; a snapshot stays where any rule keeps it, or where it is pinned. */
export const retentionRules = {
  /** The newest this many. */
  keepLast: count.optional(),
  /** Steps that this divides, for ever. */
  keepEvery: count.optional(),
  /** This many with the lowest loss. */
  keepBest: count.optional(),
  /** Saved within this many days. */
  keepDays: z.number().positive().optional(),
  /** The newest that together take at most this in the store. */
  keepBytes: count.optional(),
  /** Of those that stay the newest this many keep their optimizer state too, where it is in files of its own; the others lose it. */
  stateLast: z.number().int().nonnegative().optional(),
};

/** Whether any of the rules is given. */
export const hasRule = (rules: Partial<Record<keyof typeof retentionRules, number | undefined>>): boolean =>
  (Object.keys(retentionRules) as (keyof typeof retentionRules)[]).some((rule) => rules[rule] !== undefined);

export const retention = z.object(retentionRules).refine(hasRule, 'at least one rule says what is kept');
export type Retention = z.infer<typeof retention>;

/** What a schedule does: archive what its policy chooses, or decode a part of the store, going on where it ended the last time. */
export const work = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('archive') }),
  z.object({ kind: z.literal('verify'), percent: z.number().gt(0).max(100).default(100) }),
]);
export type Work = z.infer<typeof work>;

/** What a schedule archives, and under which conditions. */
export const policy = z.object({
  /** A glob over names of runs. */
  runs: z.string().min(1).max(1000).default('*'),
  olderThanMinutes: z.number().nonnegative().default(0),
  /** The newest so many checkpoints of every run are left alone. */
  leaveNewest: z.number().int().nonnegative().default(0),
  /** At the latest every so many steps one is stored whole. */
  keyframeEvery: z.number().int().min(1).max(9).optional(),
  method: z.enum(['cairn', 'lmc']).default('cairn'),
  verifyAfter: z.boolean().default(false),
  /** Remove originals that are sealed, except the newest so many of every run; absent: they stay. */
  release: z
    .object({ keepNewest: z.number().int().nonnegative(), placeholder: z.boolean().default(false), trash: z.boolean().default(false) })
    .optional(),
  /** What the runs archived from keep in the store; absent: everything. */
  retention: retention.optional(),
  /** No work between these times of day. */
  quiet: z.object({ from: clockTime, to: clockTime }).optional(),
  threads: z.number().int().min(1).max(256).optional(),
  battery: z.enum(['ignore', 'wait']).default('wait'),
  hooks: hooks.optional(),
});
export type Policy = z.infer<typeof policy>;

const scheduleFields = z.object({
  name: z.string().min(1).max(200),
  enabled: z.boolean().default(true),
  work: work.default({ kind: 'archive' }),
  /** None where it verifies, which is the whole store's. */
  paths: z.array(z.string().min(1).max(32768)),
  trigger,
  policy: policy.prefault({}),
});
export const scheduleDraft = scheduleFields.refine(
  ({ work: { kind }, paths }) => (kind === 'archive') === paths.length > 0,
  'an archive needs folders, and a verification, which is the whole store’s, has none',
);
export type ScheduleDraft = z.infer<typeof scheduleDraft>;

/** Policy x clock. */
export const schedule = scheduleFields.extend({ id: z.string(), created: time });
export type Schedule = z.infer<typeof schedule>;

/** What became of a run that was due. */
export const scheduleRun = z.object({
  at: time,
  /** When it was due; earlier than `at` where it was caught up. */
  due: time,
  /** How many others were due since the one before, for which this one stands. */
  missed: z.number().int().nonnegative(),
  outcome: z.enum(['started', 'skipped', 'put-off']),
  reason: z.string().optional(),
  job: z.string().optional(),
});
export type ScheduleRun = z.infer<typeof scheduleRun>;

export const scheduleView = schedule.extend({ upcoming: z.array(time), last: scheduleRun.optional(), running: z.string().optional() });
export type ScheduleView = z.infer<typeof scheduleView>;
