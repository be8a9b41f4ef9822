/**
 * THE contract: every method and event that a service offers, with the schemas of what goes in and what comes out.
 * No method name, event name or record is written a second time elsewhere; types are inferred from here.
 *
 * Anything that may outlast a click returns a job, and its progress and result arrive as events.
 */
import { z } from 'zod';
import * as model from './model.ts';
import { bytes, threads } from './model/scalars.ts';

const none = z.object({}).strict();
const jobStarted = z.object({ job: model.job });
const snapshotName = z.string().min(1).max(4096).describe('an id prefix, or RUN@STEP');
const path = z
  .string()
  .min(1)
  .max(32768)
  .refine((text) => !text.includes('\0'), 'it holds a zero byte');
const page = { offset: z.number().int().nonnegative().default(0), limit: z.number().int().min(1).max(100_000).default(1000) };

function method<In extends z.ZodType, Out extends z.ZodType>(params: In, result: Out) {
  return { params, result };
}

/** Removing originals once their snapshots are sealed. */
export const releaseParams = z.object({
  /** The newest so many whole checkpoints of every run stay. */
  keepNewest: z.number().int().nonnegative().default(1),
  /** Leave a text file where a checkpoint was, with the command that gives it back. */
  placeholder: z.boolean().default(false),
  /** To the system's trash, which frees no space until it is emptied; otherwise they are removed. */
  trash: z.boolean().default(false),
  /** Folders whose archived checkpoints may go; absent: those of the archive itself. */
  below: z.array(path).min(1).optional(),
  /** A glob over names of runs. */
  runs: z.string().default('*'),
  /** Only of this run, and only these steps; absent: as the archive itself. */
  run: z.string().optional(),
  steps: z.array(z.number().int()).optional(),
});

export const archiveParams = z.object({
  /** Checkpoint, run or source folders. */
  paths: z.array(path).min(1),
  run: z.string().optional(),
  steps: z.array(z.number().int()).optional(),
  method: model.codingMethod.default('cairn'),
  threads: threads.optional(),
  /** Start every tensor as a keyframe. */
  keyframe: z.boolean().default(false),
  /** The longest chain of deltas; absent: the default. */
  maxDepth: z.number().int().min(0).max(8).optional(),
  /** Decode every new snapshot once more when all are sealed. */
  verifyAfter: z.boolean().default(false),
  /** Its threads take what CPU and disk others leave. */
  background: z.boolean().default(false),
  release: releaseParams.optional(),
  /** What the runs that it archived from keep in the store afterwards; absent: everything. */
  retention: model.retention.optional(),
  hooks: model.hooks.optional(),
});

export const verifyParams = z.object({
  snapshots: z.array(snapshotName).default([]),
  mode: model.verifyMode.default('data'),
  percent: z.number().gt(0).max(100).default(100),
  /** What is found makes the job fail, so that nobody has to look for it: for work in the background. */
  strict: z.boolean().default(false),
  threads: threads.optional(),
});

export const restoreParams = z.object({
  snapshot: snapshotName,
  to: path,
  files: z.string().optional().describe('a glob over the files of the snapshot'),
  tensor: z.string().optional(),
  tensorFormat: z.enum(['npy', 'safetensors']).default('npy'),
  force: z.boolean().default(false),
  threads: threads.optional(),
});

export const pruneParams = z
  .object({
    /** Only says what would be freed. */
    dryRun: z.boolean().default(false),
    /** Name or path of the run whose snapshots go where no rule keeps them; absent: only what nothing needs is freed. */
    run: z.string().min(1).optional(),
    ...model.retentionRules,
    /** How long readers are given to move on from packs that were written anew; default 2. */
    graceSeconds: z.number().nonnegative().max(86_400).optional(),
    threads: threads.optional(),
  })
  .refine(
    (params) => (params.run !== undefined) === model.hasRule(params),
    'a run and at least one of its rules to keep snapshots go together',
  );

export const repairParams = z.object({
  /**
   * True: every pack gets the parity from which later damage can be undone, and every manifest a copy, now and whenever one is
   * written; false: no more, and what is there is removed; absent: as it is.
   */
  parity: z.boolean().optional(),
  threads: threads.optional(),
});

export const copyParams = z
  .object({
    snapshots: z.array(snapshotName).default([]),
    /** Every snapshot, as when a store moves to another disk. */
    all: z.boolean().default(false),
    /** The other store's folder. */
    to: path,
    threads: threads.optional(),
  })
  .refine(({ snapshots, all }) => all !== snapshots.length > 0, 'either some snapshots or all');

export const benchParams = z.object({
  paths: z.array(path).min(1),
  methods: z.array(model.codingMethod).min(1).default(['cairn', 'lmc']),
  /** Absent: all that the machine runs. */
  implementations: z.array(z.string()).min(1).optional(),
  threads: threads.optional(),
  rounds: z.number().int().min(1).max(100).default(9),
  /** General compressors, and measuring from files to files, take longer. */
  general: z.boolean().default(false),
  files: z.boolean().default(false),
});

export const methods = {
  'service.about': method(
    none,
    z.object({
      version: z.string(),
      format: z.number(),
      host: z.string(),
      implementation: z.string(),
      threads: z.number(),
      store: z.string(),
      home: z.string(),
    }),
  ),

  'sources.list': method(none, z.object({ sources: z.array(model.source) })),
  'sources.add': method(z.object({ path }), z.object({ source: model.source })),
  /** Makes a small run to try Cairn with, below its home, and adds that as a source. Works without a network. */
  'sources.sample': method(none, z.object({ source: model.source })),
  'sources.remove': method(z.object({ id: z.string() }), none),
  /** Looks for checkpoints below the given folders, or below every source. */
  'sources.scan': method(
    z.object({ paths: z.array(path).optional() }),
    z.object({ runs: z.array(model.run), findings: z.array(model.finding) }),
  ),
  /** Folders below a folder of the machine the service runs on, for choosing one without a native dialog. */
  'folders.list': method(
    z.object({ path: path.optional() }),
    z.object({ path: z.string(), parent: z.string().optional(), folders: z.array(model.folderEntry) }),
  ),

  'runs.list': method(none, z.object({ runs: z.array(model.runSummary) })),
  'runs.get': method(z.object({ id: z.string() }), z.object({ run: model.run })),

  'snapshots.list': method(z.object({ run: z.string().optional() }), z.object({ snapshots: z.array(model.snapshot) })),
  'snapshots.get': method(
    z.object({ snapshot: snapshotName }),
    z.object({ snapshot: model.snapshot, files: z.array(model.fileRow), dropped: z.array(model.droppedFile) }),
  ),
  /** SHA-256 of one file, 64 hex digits; decodes it. */
  'snapshots.sha256': method(z.object({ snapshot: snapshotName, file: z.string().min(1) }), z.object({ sha256: z.string() })),
  'snapshots.tensors': method(
    z.object({ snapshot: snapshotName, ...page }),
    z.object({ total: z.number().int(), tensors: z.array(model.tensorRow) }),
  ),

  /** What changed from `a` to `b`. */
  'snapshots.diff': method(z.object({ a: snapshotName, b: snapshotName, ...page }), z.object({ diff: model.snapshotDiff })),

  /** A pinned snapshot can't be removed until it is unpinned. */
  'snapshots.pin': method(
    z.object({ snapshots: z.array(snapshotName).min(1), pinned: z.boolean() }),
    z.object({ snapshots: z.array(model.snapshot) }),
  ),

  'archive.plan': method(archiveParams, z.object({ plan: model.plan })),
  'archive.start': method(archiveParams, jobStarted),
  'verify.start': method(verifyParams, jobStarted),
  /** What a restore would write and replace; without `to` where the checkpoint came from. */
  'restore.plan': method(
    restoreParams.omit({ force: true, threads: true }).extend({ to: path.optional() }),
    z.object({
      to: z.string(),
      files: z.number().int(),
      /** Room that it takes. */
      bytes,
      bytesFree: bytes,
      /** The first few of the files and symbolic links that are there already. */
      overwrites: z.array(z.string()),
      overwritesTotal: z.number().int(),
    }),
  ),
  'restore.start': method(restoreParams, jobStarted),
  'remove.start': method(z.object({ snapshots: z.array(snapshotName).min(1) }), jobStarted),
  'prune.start': method(pruneParams, jobStarted),
  'repair.start': method(repairParams, jobStarted),
  'copy.start': method(copyParams, jobStarted),
  'rebuild.start': method(none, jobStarted),

  /** Measures the codec on the newest checkpoints below `paths`. Takes some seconds a scenario. */
  'bench.run': method(benchParams, z.object({ results: z.array(model.benchRecord) })),

  /** The study of a run, given by id, name or path: its steps, one step's measures, engines on samples of a step (absent: the newest). */
  'analyse.outline': method(z.object({ run: z.string() }), z.object({ outline: model.runOutline })),
  'analyse.step': method(
    z.object({ run: z.string(), step: z.number().int(), full: z.boolean().default(false) }),
    z.object({ measures: model.stepMeasures }),
  ),
  'analyse.engines': method(
    z.object({ run: z.string(), step: z.number().int().optional() }),
    z.object({ comparison: model.engineComparison }),
  ),
  /** About what archiving the rest of a run would take. Codes samples where too little of it is archived to judge by. */
  'analyse.estimate': method(z.object({ run: z.string() }), z.object({ estimate: model.runEstimate })),

  'jobs.list': method(none, z.object({ jobs: z.array(model.job), pause: model.queuePause.optional() })),
  'jobs.get': method(z.object({ id: z.string() }), z.object({ job: model.job, log: z.array(model.jobLogLine) })),
  'jobs.cancel': method(z.object({ id: z.string() }), none),
  'jobs.retry': method(z.object({ id: z.string() }), jobStarted),
  /** Without an id everything is paused, jobs yet to come included; so does any other Cairn process of the same home. */
  'jobs.pause': method(
    z
      .object({
        id: z.string().optional(),
        forMinutes: z.number().positive().max(525_600).optional(),
        /** Eight in the morning of the next day, by the clock of the service's machine. */
        until: z.literal('tomorrow').optional(),
      })
      .refine(({ forMinutes, until }) => forMinutes === undefined || until === undefined, 'give a time or an end of the pause, not both'),
    none,
  ),
  'jobs.resume': method(z.object({ id: z.string().optional() }), none),
  /** Changes the turn of a job that has not begun. */
  'jobs.move': method(z.object({ id: z.string(), to: z.enum(['first', 'earlier', 'later', 'last']) }), none),
  /** Gives a running job another number of threads; it holds from its next task on. */
  'jobs.threads': method(z.object({ id: z.string(), threads }), none),

  'manners.get': method(none, z.object({ manners: model.manners, cores: z.number().int() })),
  /** Holds from the next task of every job on. */
  'manners.set': method(z.object({ manners: model.manners }), none),

  /** `evaluated`: whether a service of this home that stays runs them. */
  'schedules.list': method(none, z.object({ schedules: z.array(model.scheduleView), evaluated: z.boolean() })),
  /** Adds a schedule, or replaces the one of that id. */
  'schedules.save': method(z.object({ id: z.string().optional(), draft: model.scheduleDraft }), z.object({ schedule: model.schedule })),
  'schedules.remove': method(z.object({ id: z.string() }), none),
  /** Runs it at once, whatever its clock, quiet hours and battery rule say; without a job where there is nothing to archive. */
  'schedules.run': method(z.object({ id: z.string() }), z.object({ job: model.job.optional(), reason: z.string().optional() })),
  /** Newest first. */
  'schedules.history': method(
    z.object({ id: z.string(), limit: z.number().int().min(1).max(1000).default(50) }),
    z.object({ runs: z.array(model.scheduleRun) }),
  ),
  /** When a trigger would run next; for editors, and to check it. */
  'schedules.preview': method(z.object({ trigger: model.trigger }), z.object({ upcoming: z.array(z.iso.datetime()) })),

  'store.status': method(none, z.object({ store: model.storeStatus })),
  'store.doctor': method(none, z.object({ findings: z.array(model.finding) })),
  /** Removes the lock of a writer that the user says is gone; `owner` is whose it was, absent where there was no lock. */
  'store.breakLock': method(none, z.object({ owner: z.string().optional() })),
} as const;

export type Methods = typeof methods;
export type MethodName = keyof Methods;
/** What a caller passes (defaults may be left out). */
export type ParamsOf<M extends MethodName> = z.input<Methods[M]['params']>;
/** What a handler receives (defaults filled in). */
export type CheckedParamsOf<M extends MethodName> = z.output<Methods[M]['params']>;
export type ResultOf<M extends MethodName> = z.output<Methods[M]['result']>;

export const events = {
  /** A job was queued, moved on or ended. At most ten a second for one job, the last state always. */
  'job.changed': z.object({ job: model.job }),
  'schedules.changed': z.object({}),
  'manners.changed': z.object({ manners: model.manners }),
  'queue.changed': z.object({ pause: model.queuePause.optional() }),
  'job.log': z.object({ id: z.string(), line: model.jobLogLine }),
  /** Runs, snapshots or sources changed; views ask again for what they show. */
  'catalogue.changed': z.object({ runs: z.array(z.string()).optional() }),
} as const;

export type Events = typeof events;
export type EventName = keyof Events;
export type PayloadOf<E extends EventName> = z.output<Events[E]>;
