/**
 * The paper's study (arXiv 2505.09810) on a user's own run: what each part takes in the store over the steps, entropy of byte
 * planes, which bits flip from step to step, how much each layer changes, exponents, and engines side by side. Reads samples
 * unless asked for everything; what was measured is kept in memory for as long as a step's content is the same.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tensorBlockLog2 } from '../codec/elements.ts';
import { cancelFlag, type CodecPool } from '../codec/pool.ts';
import { CairnError } from '../contract/errors.ts';
import type { EngineComparison, EngineResult, Run, RunOutline, Step, StepMeasures } from '../contract/model.ts';
import type { Store } from '../store/store.ts';
import { compareEngines } from './engines.ts';
import type { FoundCheckpoints } from './found-checkpoints.ts';
import { measure } from './measure.ts';
import type { ReadContext } from './readable.ts';
import { sample } from './sampling.ts';
import { isLost, loadStep, pairTensors, storedByPart, type Loading, type StepTensors } from './step-tensors.ts';

export interface StudyAccess {
  pool(): CodecPool;
  /** @throws CairnError `not_found` where there is no store. */
  readStore(): Promise<Store>;
  checkpoints: FoundCheckpoints;
}

/** About this much of a step is read, and as much of the one before. */
const budgetBytes = 16 * 1024 * 1024;
const mostKept = 4096;

/** One content a step number: where several folders hold the same step, the first that can be read. */
export function readableSteps(run: Pick<Run, 'chain'>): Step[] {
  const byStep = new Map<number, Step>();
  for (const step of run.chain) {
    const isReadable = step.snapshot !== undefined || step.checkpoint?.state === 'complete';
    if (isReadable && !byStep.has(step.step)) byStep.set(step.step, step);
  }
  return [...byStep.values()];
}

export class Study {
  readonly #access: StudyAccess;
  readonly #kept = new Map<string, StepMeasures>();
  readonly #compared = new Map<string, EngineComparison>();

  constructor(access: StudyAccess) {
    this.#access = access;
  }

  /** The run's steps that can be studied, and what the archived ones take by part. */
  async outline(run: Run, signal?: AbortSignal): Promise<RunOutline> {
    const steps: RunOutline['steps'] = [];
    for (const { step, checkpoint, snapshot } of readableSteps(run)) {
      signal?.throwIfAborted();
      const bytesOriginal = snapshot?.bytesOriginal ?? checkpoint!.bytes;
      steps.push({ step, bytesOriginal, onDisk: checkpoint?.state === 'complete', ...(await this.#stored(snapshot?.id)) });
    }
    return { id: run.id, name: run.name, path: run.path, steps };
  }

  async #stored(snapshot: string | undefined): Promise<Pick<RunOutline['steps'][number], 'stored'>> {
    if (snapshot === undefined) return {};
    const store = await this.#access.readStore();
    return { stored: await storedByPart(store, await store.manifest(snapshot)) };
  }

  /**
   * Measures a step, by itself and against the one before it.
   *
   * @param full reads everything instead of samples
   * @throws CairnError `not_found` for a step that the run doesn't have, `changed`, `damaged`, `cancelled`.
   */
  step(run: Run, step: number, full: boolean, signal?: AbortSignal): Promise<StepMeasures> {
    return this.#withStep(run, step, signal, async (now, before) => {
      const key = [run.id, step, now.identity, before?.identity ?? '', full].join('\0');
      return this.#kept.get(key) ?? keep(this.#kept, key, await this.#measure(now, before, full, signal));
    });
  }

  async #measure(now: StepTensors, before: StepTensors | undefined, full: boolean, signal?: AbortSignal): Promise<StepMeasures> {
    const windows = full ? sample(now.tensors, undefined, 2 ** tensorBlockLog2) : sample(now.tensors, budgetBytes);
    const pairs = pairTensors(now.tensors, before?.tensors ?? []);
    const measured = await this.#withScratch(signal, (context) => measure(windows, pairs, context));
    const bytesTotal = now.tensors.reduce((sum, { elements, width }) => sum + elements * width, 0);
    return { step: now.step, ...(before ? { against: before.step } : {}), from: now.from, bytesTotal, ...measured };
  }

  /** @param step absent: the newest one. @throws CairnError as `step` does. */
  async engines(run: Run, step?: number, signal?: AbortSignal): Promise<EngineComparison> {
    const newest = readableSteps(run).at(-1)?.step;
    if (step === undefined && newest === undefined) throw noStep(run, undefined);
    return this.#withStep(run, step ?? newest!, signal, async (now, before) => {
      const key = [run.id, now.step, now.identity, before?.identity ?? ''].join('\0');
      return this.#compared.get(key) ?? keep(this.#compared, key, await this.#compare(now, before, signal));
    });
  }

  async #compare(now: StepTensors, before: StepTensors | undefined, signal?: AbortSignal): Promise<EngineComparison> {
    const pairs = pairTensors(now.tensors, before?.tensors ?? []);
    const results: EngineResult[] = [];
    await this.#withScratch(signal, async (context) => {
      for await (const result of compareEngines(now.tensors, pairs, context)) results.push(result);
    });
    return { step: now.step, ...(before ? { against: before.step } : {}), results };
  }

  /** Works on originals where they can be had; where they go or change meanwhile, on what the store holds of them. */
  async #withStep<T>(
    run: Run,
    step: number,
    signal: AbortSignal | undefined,
    work: (now: StepTensors, before: StepTensors | undefined) => Promise<T>,
  ): Promise<T> {
    const found = await this.#load(run, step, { signal });
    try {
      return await work(...found);
    } catch (thrown) {
      const again = isLost(thrown) ? await this.#load(run, step, { signal, storeFirst: true }) : found;
      if (again.every((one, index) => one?.from === found[index]?.from)) throw thrown;
      return work(...again);
    }
  }

  async #load(
    run: Run,
    step: number,
    how: Pick<Loading, 'signal' | 'storeFirst'>,
  ): Promise<[now: StepTensors, before: StepTensors | undefined]> {
    const steps = readableSteps(run);
    const index = steps.findIndex((candidate) => candidate.step === step);
    if (index < 0) throw noStep(run, step);
    const load = (wanted: Step): Promise<StepTensors | undefined> =>
      loadStep(wanted, { ...how, run: run.path, checkpoints: this.#access.checkpoints, readStore: () => this.#access.readStore() });
    return [(await load(steps[index]!))!, index > 0 ? await load(steps[index - 1]!) : undefined];
  }

  async #withScratch<T>(signal: AbortSignal | undefined, work: (context: ReadContext) => Promise<T>): Promise<T> {
    const scratch = await mkdtemp(path.join(tmpdir(), 'cairn-analyse-'));
    const { readStore } = this.#access;
    try {
      return await work({ pool: this.#access.pool(), cancel: cancelFlag(signal), scratch, readStore: () => readStore() });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

function keep<T>(known: Map<string, T>, key: string, value: T): T {
  if (known.size >= mostKept) known.clear();
  known.set(key, value);
  return value;
}

function noStep(run: Run, step: number | undefined): CairnError {
  const what = step === undefined ? 'no complete step' : `no complete step ${step}`;
  return new CairnError('not_found', `${run.name}: it has ${what}; scan its folder again, or see cairn ls`);
}
