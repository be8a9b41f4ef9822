import { toCairnError, type CairnError } from '../../core/contract/errors.ts';
import type { RunEstimate } from '../../core/contract/model.ts';
import { service } from './service.svelte.ts';

/** What archiving the rest of every run would take: run by run, because one may take seconds, and it can be stopped. */
export class LibraryEstimate {
  estimates = $state.raw<readonly RunEstimate[]>([]);
  /** Runs to look at, and how many of them could not be. */
  total = $state(0);
  failed = $state(0);
  running = $state(false);
  failure = $state.raw<CairnError>();
  #abort: AbortController | undefined;

  async measure(): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    [this.estimates, this.total, this.failed, this.failure, this.running] = [[], 0, 0, undefined, true];
    try {
      const { runs } = await service.call('runs.list', {}, { signal: abort.signal });
      this.total = runs.length;
      for (const { id } of runs) await this.#add(id, abort.signal);
    } catch (thrown) {
      if (!abort.signal.aborted) this.failure = toCairnError(thrown);
    }
    if (this.#abort === abort) this.running = false;
  }

  /** A run whose files can't be read is counted, and is no reason to leave out the others. */
  async #add(run: string, signal: AbortSignal): Promise<void> {
    try {
      const { estimate } = await service.call('analyse.estimate', { run }, { signal });
      this.estimates = [...this.estimates, estimate];
    } catch (thrown) {
      if (signal.aborted || service.status !== 'connected') throw thrown;
      this.failed++;
    }
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.running = false;
  }
}
