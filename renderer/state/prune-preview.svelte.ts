/** What pruning would do, as a dry run of the service says it. */
import type { ParamsOf } from '../../core/contract/methods.ts';
import { prune } from './actions.svelte.ts';
import { jobs } from './jobs.svelte.ts';

export interface PruneResult {
  bytesFreed: number;
  removed: { id: string; run: string; step: number }[];
  thinned: { id: string; run: string; step: number }[];
  kept: { id: string; run: string; step: number; reasons: string[] }[];
}

export class PrunePreview {
  #id = $state<string>();
  readonly job = $derived(this.#id === undefined ? undefined : jobs.get(this.#id));
  readonly result = $derived(this.job?.state === 'done' ? (this.job.result as unknown as PruneResult) : undefined);
  readonly problem = $derived(this.job?.error?.message);
  readonly looking = $derived(this.job !== undefined && this.result === undefined && this.job.ended === undefined);

  async ask(params: ParamsOf<'prune.start'>): Promise<void> {
    this.#id = (await prune({ ...params, dryRun: true }, { quietly: true }))?.id;
  }

  forget(): void {
    this.#id = undefined;
  }
}
