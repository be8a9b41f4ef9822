/** The tray: what runs and how far it is, what failed, what comes next; a pause, the window and the way out. */
import { Menu, nativeImage, Tray, type MenuItemConstructorOptions } from 'electron';
import type { Background } from './background.ts';
import type { JobWatch } from './job-watch.ts';
import { quietMark, troubledMark } from './tray-marks.ts';

export interface TrayActions {
  isShown(): boolean;
  show(): void;
  hide(): void;
  quit(): void;
  /** Everything, also what is yet to come. */
  pause(end: PauseEnd): void;
  resume(): void;
}

/** When a pause is over; without either it is at the user's word. */
export interface PauseEnd {
  forMinutes?: number;
  until?: 'tomorrow';
}

const pauses: [string, PauseEnd][] = [
  ['For 1 Hour', { forMinutes: 60 }],
  ['Until Tomorrow', { until: 'tomorrow' }],
  ['Until Resumed', {}],
];

type Jobs = Pick<JobWatch, 'active' | 'running' | 'failed' | 'fraction'>;
type Coming = Pick<Background, 'pause' | 'enabled'>;

function minutes(etaMs: number): string {
  return etaMs < 60_000 ? 'less than a minute left' : `${Math.round(etaMs / 60_000)} min left`;
}

/** One line about the jobs. */
export function statusLine(jobs: Jobs): string {
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

const moment = (time: string): string => new Date(time).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });

/** One line about schedules, or about what holds them back; undefined where there are none. */
export function comingLine({ pause, enabled }: Coming): string | undefined {
  if (pause) return pause.until === undefined ? 'Paused until resumed' : `Paused until ${moment(pause.until)}`;
  const soonest = enabled
    .flatMap(({ name, upcoming }) => upcoming.slice(0, 1).map((at) => ({ name, at })))
    .sort((a, b) => a.at.localeCompare(b.at))[0];
  if (soonest) return `Next: ${soonest.name}, ${moment(soonest.at)}`;
  const [first, ...others] = enabled;
  return first && `On: ${first.name}${others.length > 0 ? ` and ${others.length} more` : ''}`;
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

  /** Call it when jobs, schedules or the window changed; what looks the same as before is left alone. */
  update(jobs: Jobs, background: Coming): void {
    const lines = [statusLine(jobs), comingLine(background)].filter((line) => line !== undefined);
    const [shown, paused] = [this.#actions.isShown(), background.pause !== undefined];
    const looks = JSON.stringify([lines, shown, paused]);
    if (looks === this.#last) return;
    this.#last = looks;
    this.#tray.setImage(nativeImage.createFromDataURL(jobs.failed ? troubledMark : quietMark));
    this.#tray.setToolTip(`Cairn: ${lines.join('\n')}`);
    this.#tray.setContextMenu(this.#menu(lines, shown, paused));
  }

  destroy(): void {
    this.#tray.destroy();
  }

  #menu(lines: string[], shown: boolean, paused: boolean): Menu {
    const { pause, resume, hide, show, quit } = this.#actions;
    const separator: MenuItemConstructorOptions = { type: 'separator' };
    const submenu = pauses.map(([label, end]) => ({ label, click: () => pause(end) }));
    return Menu.buildFromTemplate([
      ...lines.map((label) => ({ label, enabled: false })),
      separator,
      paused ? { label: 'Resume Archiving', click: resume } : { label: 'Pause Archiving', submenu },
      separator,
      shown ? { label: 'Hide Cairn', click: hide } : { label: 'Show Cairn', click: show },
      { label: 'Quit Cairn', click: quit },
    ]);
  }
}
