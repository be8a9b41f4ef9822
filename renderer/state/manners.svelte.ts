/** The manners of the service, changed at once and kept up to date by its events. */
import type { Manners as Kept } from '../../core/contract/model.ts';
import { text } from '../ui/text.ts';
import { service } from './service.svelte.ts';
import { toasts } from './toasts.svelte.ts';

type Changes = Partial<Kept> | ((kept: Kept) => Partial<Kept>);

export class Manners {
  #turn: Promise<void> = Promise.resolve();
  kept = $state.raw<Kept | undefined>();
  cores = $state(1);

  /** Follows the service for as long as the view is open; returns what ends that. */
  follow(): () => void {
    const ends = [
      service.on('manners.changed', ({ manners }) => void (this.kept = manners)),
      service.whenConnected(() => void this.#reload()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** One change after another, each upon what the one before has made of it. */
  change(changes: Changes): Promise<void> {
    this.#turn = this.#turn.then(() => this.#change(changes));
    return this.#turn;
  }

  async #change(changes: Changes): Promise<void> {
    if (!this.kept) return;
    try {
      const manners = { ...this.kept, ...(typeof changes === 'function' ? changes(this.kept) : changes) };
      await service.call('manners.set', { manners });
      this.kept = manners;
    } catch (thrown) {
      toasts.fail(text.settings.cannotChange, thrown);
    }
  }

  async #reload(): Promise<void> {
    try {
      const { manners, cores } = await service.call('manners.get', {});
      this.kept = manners;
      this.cores = cores;
    } catch (thrown) {
      toasts.fail(text.settings.unknown, thrown);
    }
  }
}
