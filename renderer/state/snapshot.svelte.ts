import type { ResultOf } from '../../core/contract/methods.ts';
import type { TensorRow } from '../../core/contract/model.ts';
import { Loaded } from './loaded.svelte.ts';
import { Paged } from './paged.svelte.ts';
import { service } from './service.svelte.ts';

/** One snapshot: its record and files at once, its tensors in pages. */
export class SnapshotPage {
  readonly record: Loaded<ResultOf<'snapshots.get'>>;
  readonly tensors: Paged<TensorRow>;

  constructor(id: string) {
    this.record = new Loaded(() => service.call('snapshots.get', { snapshot: id }));
    this.tensors = new Paged(async (offset, limit, signal) => {
      const { total, tensors } = await service.call('snapshots.tensors', { snapshot: id, offset, limit }, { signal });
      return { total, rows: tensors };
    });
  }

  /** Follows the catalogue; returns what ends it. */
  follow(): () => void {
    const ends = [
      service.whenConnected(() => {
        void this.record.reload();
        void this.tensors.read();
      }),
      // The record may become sealed or pinned; tensors of a snapshot never change.
      service.on('catalogue.changed', () => void this.record.reload()),
    ];
    return () => {
      this.tensors.stop();
      ends.forEach((end) => end());
    };
  }
}
