import { toCairnError, type CairnError } from '../../core/contract/errors.ts';
import type { EngineComparison, RunEstimate, RunOutline, StepMeasures } from '../../core/contract/model.ts';
import { atMostEvery } from './loaded.svelte.ts';
import { service } from './service.svelte.ts';
import { hasUnmeasured } from './unmeasured.ts';

const shownEveryMs = 200;
/** The more there is to draw, the less often it is drawn anew. */
const shownGrowth = 1.02;

/** The study of one run: step by step, so that charts grow while it goes on, and can be stopped. */
export class InsightsPage {
  readonly run: string;
  outline = $state.raw<RunOutline>();
  measures = $state.raw<readonly StepMeasures[]>([]);
  engines = $state.raw<EngineComparison>();
  estimate = $state.raw<RunEstimate>();
  phase = $state<'idle' | 'outline' | 'steps' | 'engines' | 'estimate'>('idle');
  failure = $state.raw<CairnError>();
  full = $state(false);
  /** By the user: then nothing is measured by itself. */
  #stopped = false;
  #abort: AbortController | undefined;

  constructor(run: string) {
    this.run = run;
  }

  get busy(): boolean {
    return this.phase !== 'idle';
  }

  /** Measures all steps, then the engines. What the service measured before comes back at once. */
  async measure(full = false): Promise<void> {
    this.stop();
    this.#stopped = false;
    const abort = new AbortController();
    this.#abort = abort;
    this.failure = undefined;
    this.full = full;
    try {
      await this.#study(full, abort.signal);
    } catch (thrown) {
      if (!abort.signal.aborted) this.failure = toCairnError(thrown);
    }
    if (this.#abort === abort) this.phase = 'idle';
  }

  /** Measures now, goes on over a new connection, and follows what is archived meanwhile; returns what ends it. */
  follow(): () => void {
    const refresh = atMostEvery(500, () => void this.#refresh());
    const ends = [service.on('catalogue.changed', refresh), service.whenConnected(() => this.#connected())];
    return () => {
      ends.forEach((end) => end());
      this.stop();
    };
  }

  /** What the lost connection cut off is measured as it was asked for; what was stopped, or is complete, is left as it is. */
  #connected(): void {
    if (this.#stopped) return;
    if (this.outline === undefined || this.busy || this.failure) void this.measure(this.full);
    else void this.#refresh();
  }

  /** Sizes and steps as they are now; steps that are new are measured once nothing else is. */
  async #refresh(): Promise<void> {
    if (this.outline === undefined) return;
    try {
      this.outline = (await service.call('analyse.outline', { run: this.run })).outline;
      if (this.estimate && !this.busy) this.estimate = (await service.call('analyse.estimate', { run: this.run })).estimate;
    } catch {
      return; // what is shown stays; measuring again says what is wrong
    }
    const isNew = hasUnmeasured(this.outline.steps, this.measures);
    if (isNew && !this.busy && !this.failure && !this.#stopped) void this.measure(this.full);
  }

  stop(): void {
    this.#stopped = true;
    this.#abort?.abort();
    this.#abort = undefined;
    this.phase = 'idle';
  }

  async #study(full: boolean, signal: AbortSignal): Promise<void> {
    const { run } = this;
    this.phase = 'outline';
    const { outline } = await service.call('analyse.outline', { run }, { signal });
    this.outline = outline;
    this.phase = 'steps';
    await this.#steps(outline, full, signal);
    if (outline.steps.length === 0) return;
    this.phase = 'engines';
    this.engines = (await service.call('analyse.engines', { run }, { signal })).comparison;
    this.phase = 'estimate';
    this.estimate = (await service.call('analyse.estimate', { run }, { signal })).estimate;
  }

  /** Shown a few times a second: what was measured before comes back faster than charts can be drawn. */
  async #steps({ steps }: RunOutline, full: boolean, signal: AbortSignal): Promise<void> {
    const found: StepMeasures[] = [];
    this.measures = [];
    let shownMs = -Infinity;
    for (const { step } of steps) {
      found.push((await service.call('analyse.step', { run: this.run, step, full }, { signal })).measures);
      if (performance.now() - shownMs < shownEveryMs || found.length < this.measures.length * shownGrowth) continue;
      this.measures = [...found];
      shownMs = performance.now();
    }
    this.measures = found;
  }
}
