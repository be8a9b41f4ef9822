/** The tray: what runs and how far it is, what failed, the window and the way out. */
import { Menu, nativeImage, Tray } from 'electron';
import type { JobWatch } from './job-watch.ts';
import { quietMark, troubledMark } from './tray-marks.ts';

export interface TrayActions {
  isShown(): boolean;
  show(): void;
  hide(): void;
  quit(): void;
}

function minutes(etaMs: number): string {
  return etaMs < 60_000 ? 'less than a minute left' : `${Math.round(etaMs / 60_000)} min left`;
}

/** One line about the jobs. */
export function statusLine(jobs: Pick<JobWatch, 'active' | 'running' | 'failed' | 'fraction'>): string {
  const { active, running, failed, fraction } = jobs;
  const first = running[0] ?? active[0];
  if (first) {
    const parts = [first.title];
    if (fraction !== undefined) parts.push(`${Math.floor(100 * fraction)} %`);
    if (running.length === 1 && first.progress.etaMs !== undefined) parts.push(minutes(first.progress.etaMs));
    if (active.length > 1) parts.push(`${active.length - 1} more`);
    return parts.join(' · ');
  }
  return failed ? `${failed.title} failed: ${failed.error?.message ?? 'open Cairn to see why'}` : 'Nothing is running';
}

export class TrayMark {
  readonly #tray: Tray;
  readonly #actions: TrayActions;
  #last = '';

  constructor(actions: TrayActions) {
    this.#actions = actions;
    this.#tray = new Tray(nativeImage.createFromDataURL(quietMark));
    this.#tray.on('click', () => (actions.isShown() ? actions.hide() : actions.show()));
  }

  /** Call it when jobs or the window changed; what looks the same as before is left alone. */
  update(jobs: Pick<JobWatch, 'active' | 'running' | 'failed' | 'fraction'>): void {
    const status = statusLine(jobs);
    const shown = this.#actions.isShown();
    const looks = JSON.stringify([status, shown]);
    if (looks === this.#last) return;
    this.#last = looks;
    this.#tray.setImage(nativeImage.createFromDataURL(jobs.failed ? troubledMark : quietMark));
    this.#tray.setToolTip(`Cairn: ${status}`);
    this.#tray.setContextMenu(this.#menu(status, shown));
  }

  destroy(): void {
    this.#tray.destroy();
  }

  #menu(status: string, shown: boolean): Menu {
    return Menu.buildFromTemplate([
      { label: status, enabled: false },
      { type: 'separator' },
      shown ? { label: 'Hide Cairn', click: this.#actions.hide } : { label: 'Show Cairn', click: this.#actions.show },
      { label: 'Quit Cairn', click: this.#actions.quit },
    ]);
  }
}
