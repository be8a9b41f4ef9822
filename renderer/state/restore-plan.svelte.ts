/** What a restore would do, asked for again a moment after what is wanted changed; an answer to an earlier wish is never shown. */
import { toCairnError } from '../../core/contract/errors.ts';
import type { ParamsOf, ResultOf } from '../../core/contract/methods.ts';
import { service } from './service.svelte.ts';

const restMs = 200;

export class RestorePlan {
  value = $state.raw<ResultOf<'restore.plan'> | undefined>();
  problem = $state('');
  isLooking = $state(false);
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  ask(params: ParamsOf<'restore.plan'>): void {
    this.forget();
    this.isLooking = true;
    const asked = this.#asked;
    this.#timer = setTimeout(() => void this.#fetch(params, asked), restMs);
  }

  forget(): void {
    this.#asked += 1;
    clearTimeout(this.#timer);
    [this.value, this.problem, this.isLooking] = [undefined, '', false];
  }

  async #fetch(params: ParamsOf<'restore.plan'>, asked: number): Promise<void> {
    try {
      const plan = await service.call('restore.plan', params);
      if (asked === this.#asked) this.value = plan;
    } catch (thrown) {
      if (asked === this.#asked) this.problem = toCairnError(thrown).message;
    }
    if (asked === this.#asked) this.isLooking = false;
  }
}
