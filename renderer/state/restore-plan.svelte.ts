/** What a restore would do, asked for again a moment after what is wanted changed. */
import { toCairnError } from '../../core/contract/errors.ts';
import type { ParamsOf, ResultOf } from '../../core/contract/methods.ts';
import { service } from './service.svelte.ts';

const restMs = 200;

export class RestorePlan {
  value = $state.raw<ResultOf<'restore.plan'> | undefined>();
  problem = $state('');
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The answer to what was asked last is kept, whichever comes first. */
  ask(params: ParamsOf<'restore.plan'>): void {
    const asked = ++this.#asked;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fetch(params, asked), restMs);
  }

  forget(): void {
    this.#asked += 1;
    clearTimeout(this.#timer);
    [this.value, this.problem] = [undefined, ''];
  }

  async #fetch(params: ParamsOf<'restore.plan'>, asked: number): Promise<void> {
    try {
      const plan = await service.call('restore.plan', params);
      if (asked === this.#asked) [this.value, this.problem] = [plan, ''];
    } catch (thrown) {
      if (asked === this.#asked) [this.value, this.problem] = [undefined, toCairnError(thrown).message];
    }
  }
}
