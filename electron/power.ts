/** Power: the machine is kept from falling asleep while that would harm, and the service is told what the machine runs on. */
import { powerMonitor, powerSaveBlocker } from 'electron';
import { wakefulPhases, type Job } from '../core/contract/model.ts';

/** Whether a job is at what should not be cut in two by sleep. */
export const isDelicate = (running: readonly Pick<Job, 'progress'>[]): boolean =>
  running.some(({ progress }) => wakefulPhases.includes(progress.phase));

/** Its screen may go dark, and a closed lid still wins. */
export class Wakefulness {
  #blocker: number | undefined;

  /** @param wanted whether a job commits or releases */
  keep(wanted: boolean): void {
    if (wanted) this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (this.#blocker !== undefined) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
  }
}

/** Tells now, and whenever it changes. Waking up counts as a change: much may have happened in between. */
export function followPower(tell: (power: { onBattery: boolean }) => void): void {
  const now = (): void => tell({ onBattery: powerMonitor.isOnBatteryPower() });
  powerMonitor.on('on-battery', now);
  powerMonitor.on('on-ac', now);
  powerMonitor.on('resume', now);
  now();
}
