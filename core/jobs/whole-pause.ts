/** The pause of everything, which all processes of a home share through the catalogue. */
import type { QueuePause } from '../contract/model.ts';
import type { PauseRecord } from './job-records.ts';

export class WholePause {
  readonly #record: PauseRecord | undefined;
  readonly #nowMs: () => number;
  readonly #onChange: (pause: QueuePause | undefined) => void;
  #pause: QueuePause | undefined;

  /**
   * @param record absent: nobody pauses everything
   * @param onChange told whenever another pause, or none, holds
   */
  constructor(record: PauseRecord | undefined, nowMs: () => number, onChange: (pause: QueuePause | undefined) => void) {
    this.#record = record;
    this.#nowMs = nowMs;
    this.#onChange = onChange;
    this.#pause = this.#read();
  }

  /** As it was when this process last looked; undefined where there is none. */
  get now(): QueuePause | undefined {
    return this.#pause;
  }

  /** For every process of the home; undefined ends it. */
  set(pause: QueuePause | undefined): void {
    this.#record?.saveQueuePause(pause);
    this.#become(pause);
  }

  /** Another process may have paused everything, or let it go on. */
  follow(): void {
    this.#become(this.#read());
  }

  #read(): QueuePause | undefined {
    try {
      const pause = this.#record?.queuePause();
      return pause?.until !== undefined && Date.parse(pause.until) <= this.#nowMs() ? undefined : pause;
    } catch {
      return this.#pause; // a catalogue that is busy for a moment changes nothing
    }
  }

  #become(pause: QueuePause | undefined): void {
    if (pause?.until === this.#pause?.until && (pause === undefined) === (this.#pause === undefined)) return;
    this.#pause = pause;
    this.#onChange(pause);
  }
}
