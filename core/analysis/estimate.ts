/**
 * What archiving the rest of a run would take: by the ratios of what is archived of it, where that says enough; else by samples
 * of some of its steps, coded as an archive would code them. An estimate, and it says what it rests on.
 */
import { cancelFlag } from '../codec/pool.ts';
import type { Run, RunEstimate, Step } from '../contract/model.ts';
import { estimateSteps, measuredRatios, plannedSteps, type ChainStep, type PlannedStep, type StepRatio } from '../plan/chain-estimate.ts';
import { spread } from '../plan/cost.ts';
import { planSnapshot } from '../plan/planner.ts';
import { readCheckpoint, type CheckpointFile } from '../scan/read-checkpoint.ts';
import { estimateContents, plannedBases, planFilesOf } from './sampled-contents.ts';
import { isLost } from './step-tensors.ts';
import { readableSteps, type StudyAccess } from './study.ts';

/** So many steps are sampled against the one before them, and alone. */
const mostDeltas = 6;
const mostAlone = 2;
const mostKept = 4096;

const chainStepOf = ({ step, checkpoint, snapshot }: Step): ChainStep => ({
  step,
  bytesOriginal: snapshot?.bytesOriginal ?? checkpoint!.bytes,
  ...(snapshot ? { archived: { depth: snapshot.depth, bytesStored: snapshot.bytesStored } } : {}),
});

interface Sampled extends StepRatio {
  bytesSampled: number;
}

const isOnDisk = (step: Step | undefined): boolean => step?.checkpoint?.state === 'complete';

export class Estimator {
  readonly #access: StudyAccess;
  readonly #kept = new Map<string, RunEstimate>();

  constructor(access: StudyAccess) {
    this.#access = access;
  }

  /** @throws CairnError `cancelled`, and what reading gives where not one step could be sampled. */
  async run(run: Run, signal?: AbortSignal): Promise<RunEstimate> {
    const steps = readableSteps(run);
    const chain = steps.map(chainStepOf);
    const key = [run.id, ...steps.map(({ checkpoint, snapshot }) => `${snapshot?.id ?? checkpoint!.path}:${checkpoint?.bytes}`)].join('\0');
    const known = this.#kept.get(key);
    if (known) return known;
    const estimate = await this.#estimate(run, steps, chain, signal);
    if (this.#kept.size >= mostKept) this.#kept.clear();
    this.#kept.set(key, estimate);
    return estimate;
  }

  async #estimate(run: Run, steps: readonly Step[], chain: readonly ChainStep[], signal?: AbortSignal): Promise<RunEstimate> {
    const planned = plannedSteps(chain);
    const { id, name, path } = run;
    const bytesOriginal = planned.reduce((sum, step) => sum + step.bytesOriginal, 0);
    const head = { id, name, path, steps: planned.length, bytesOriginal };
    if (planned.length === 0) return { ...head, bytesEstimated: 0, basis: 'nothing', stepsMeasured: 0, bytesSampled: 0 };
    const measured = measuredRatios(chain);
    const sampled = measured.length > 0 ? [] : await this.#sample(path, steps, planned, signal);
    const ratios = measured.length > 0 ? measured : sampled;
    return {
      ...head,
      bytesEstimated: estimateSteps(planned, ratios),
      basis: measured.length > 0 ? 'measured' : 'sampled',
      stepsMeasured: new Set(ratios.map(({ step }) => step)).size,
      bytesSampled: sampled.reduce((sum, { bytesSampled }) => sum + bytesSampled, 0),
    };
  }

  /** Some steps of each kind, spread over the run. One whose originals have gone is passed over. */
  async #sample(run: string, steps: readonly Step[], planned: readonly PlannedStep[], signal?: AbortSignal): Promise<Sampled[]> {
    const pairs = planned.filter(({ before }) => before !== undefined && isOnDisk(steps[before]));
    const keyframes = planned.filter(({ kind }) => kind === 'keyframe');
    const alone = keyframes.length > 0 || pairs.length === 0 ? spread(keyframes.length > 0 ? keyframes : planned, mostAlone) : [];
    const sampled: Sampled[] = [];
    let lost: unknown;
    for (const step of [...alone.map(({ before: _, ...rest }) => ({ ...rest, kind: 'keyframe' as const })), ...spread(pairs, mostDeltas)]) {
      signal?.throwIfAborted();
      try {
        sampled.push(await this.#sampleStep(run, steps, step, signal));
      } catch (thrown) {
        if (!isLost(thrown)) throw thrown;
        lost = thrown;
      }
    }
    if (sampled.length === 0) throw lost;
    return sampled;
  }

  async #sampleStep(
    run: string,
    steps: readonly Step[],
    { step, kind, depth, before }: PlannedStep,
    signal?: AbortSignal,
  ): Promise<Sampled> {
    const filesOf = async ({ checkpoint }: Step): Promise<CheckpointFile[]> =>
      readCheckpoint(await this.#access.checkpoints.get(run, checkpoint!.path, signal));
    const files = await filesOf(steps.find((one) => one.step === step)!);
    const bases = before === undefined ? undefined : plannedBases(await filesOf(steps[before]!), depth - 1);
    const { contents } = planSnapshot(planFilesOf(files), { ...(bases ? { bases: bases.set } : {}), companions: true });
    const options = { pool: this.#access.pool(), method: 'cairn', bases, cancel: cancelFlag(signal) } as const;
    const { bytesEstimated, bytesSampled } = await estimateContents(contents, files, options);
    const bytesOriginal = files.reduce((sum, { found }) => sum + found.size, 0);
    return { step, kind, ratio: bytesOriginal === 0 ? 0 : bytesEstimated / bytesOriginal, bytesSampled };
  }
}
