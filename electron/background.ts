/** What the shell knows of work yet to come, from its own connection to the service: schedules that are on, and the pause of everything. */
import type { Client } from '../core/contract/client.ts';
import type { QueuePause, ScheduleView } from '../core/contract/model.ts';

export class Background {
  readonly #onChange: () => void;
  #pause: QueuePause | undefined;
  #enabled: ScheduleView[] = [];

  /** @param onChange something below is different now */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Of everything, where somebody asked for it. */
  get pause(): QueuePause | undefined {
    return this.#pause;
  }

  /** Schedules that run while the application does. */
  get enabled(): readonly ScheduleView[] {
    return this.#enabled;
  }

  /** Follows another connection; what was known of the one before holds until this one answers. */
  async follow(client: Client): Promise<void> {
    client.subscribe('queue.changed', ({ pause }) => this.#set(pause, this.#enabled));
    client.subscribe('schedules.changed', () => void this.#ask(client).catch(() => undefined)); // it has closed
    const { pause } = await client.call('jobs.list', {});
    this.#pause = pause;
    await this.#ask(client);
  }

  async #ask(client: Client): Promise<void> {
    const { schedules } = await client.call('schedules.list', {});
    this.#set(
      this.#pause,
      schedules.filter(({ enabled }) => enabled),
    );
  }

  #set(pause: QueuePause | undefined, enabled: ScheduleView[]): void {
    [this.#pause, this.#enabled] = [pause, enabled];
    this.#onChange();
  }
}
