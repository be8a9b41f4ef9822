/** Keeps the machine from falling asleep under a running job. Its screen may go dark, and a closed lid still wins. */
import { powerSaveBlocker } from 'electron';

export class Wakefulness {
  #blocker: number | undefined;

  /** @param wanted whether a job runs */
  keep(wanted: boolean): void {
    if (wanted) this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (this.#blocker !== undefined) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
  }
}
