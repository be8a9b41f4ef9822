import { toCairnError, type CairnError } from '../../core/contract/errors.ts';
import type { ResultOf } from '../../core/contract/methods.ts';
import type { TensorRow } from '../../core/contract/model.ts';
import { Loaded } from './loaded.svelte.ts';
import { service } from './service.svelte.ts';

const pageRows = 5000;

/** One snapshot: its record and files at once, its tensors in pages, so that the first are seen before the last have come. */
export class SnapshotPage {
  readonly id: string;
  readonly record: Loaded<ResultOf<'snapshots.get'>>;
  #asking: AbortController | undefined;
  tensors = $state.raw<readonly TensorRow[]>([]);
  total = $state<number>();
  failure = $state.raw<CairnError>();
  readonly complete = $derived(this.total !== undefined && this.tensors.length >= this.total);

  constructor(id: string) {
    this.id = id;
    this.record = new Loaded(() => service.call('snapshots.get', { snapshot: id }));
  }

  /** Follows the catalogue; returns what ends it. */
  follow(): () => void {
    const ends = [
      service.whenConnected(() => {
        void this.record.reload();
        if (!this.complete) void this.#readTensors();
      }),
      // The record may become sealed or pinned; tensors of a snapshot never change.
      service.on('catalogue.changed', () => void this.record.reload()),
    ];
    return () => {
      this.#asking?.abort();
      ends.forEach((end) => end());
    };
  }

  async #readTensors(): Promise<void> {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    try {
      this.failure = undefined;
      let rows: TensorRow[] = [];
      for (;;) {
        const page = await service.call(
          'snapshots.tensors',
          { snapshot: this.id, offset: rows.length, limit: pageRows },
          { signal: asking.signal },
        );
        if (asking.signal.aborted) return;
        rows = rows.concat(page.tensors);
        this.tensors = rows;
        this.total = page.total;
        if (page.tensors.length === 0 || rows.length >= page.total) return;
      }
    } catch (thrown) {
      if (!asking.signal.aborted) this.failure = toCairnError(thrown);
    }
  }
}
