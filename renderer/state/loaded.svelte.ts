import { toCairnError, type CairnError } from '../../core/contract/errors.ts';

/** Something asked from the service: the last answer stays while a new one is on its way, and late answers are dropped. */
export class Loaded<T> {
  readonly #load: () => Promise<T>;
  #asked = 0;
  value = $state.raw<T | undefined>();
  failure = $state.raw<CairnError | undefined>();
  loading = $state(false);

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  async reload(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const value = await this.#load();
      if (asked !== this.#asked) return;
      this.value = value;
      this.failure = undefined;
    } catch (thrown) {
      if (asked === this.#asked) this.failure = toCairnError(thrown);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }
}

/** At most one call in `ms`, the last always: events may come ten a second, views need not ask as often. */
export function atMostEvery(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, ms);
  };
}
