/**
 * schedules.json: the schedules, the due time of each that was settled last, and the pause of everything. Not in the catalogue, which
 * may be thrown away; the record of runs is. Several processes may evaluate the same schedules: changes are made under the write lock
 * of the catalogue that they share, and `claimDue` decides who runs one.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { queuePause, schedule as scheduleSchema, type QueuePause, type Schedule, type ScheduleRun } from '../contract/model.ts';
import type { Catalogue } from './catalogue.ts';
import { readHomeFile, writeHomeFile } from './home-file.ts';

const keptSchedule = z.object({ schedule: scheduleSchema, lastDueMs: z.number() });
const content = z.looseObject({
  version: z.literal(1).default(1),
  schedules: z.array(keptSchedule).default([]),
  pause: queuePause.optional(),
});
type Content = z.infer<typeof content>;

/** A schedule, and the due time that was settled last (its creation, before the first one). */
export type KeptSchedule = z.infer<typeof keptSchedule>;

/** Adds what an earlier version kept. A process may have ended after it was written and before it was forgotten there: each once. */
function takeOver(now: Content, earlier: readonly KeptSchedule[], pause: QueuePause | undefined): void {
  const known = new Set(now.schedules.map(({ schedule }) => schedule.id));
  now.schedules.push(...earlier.filter(({ schedule }) => !known.has(schedule.id)));
  if (pause) now.pause ??= pause;
}

export class ScheduleFile {
  readonly path: string;
  readonly #catalogue: Catalogue;
  /** What was read last, and of which file. */
  #held: { of: string; content: Content } | undefined;

  private constructor(path: string, catalogue: Catalogue) {
    this.path = path;
    this.#catalogue = catalogue;
  }

  /**
   * Opens `schedules.json` in `home`, and takes into it what a catalogue of an earlier version kept.
   *
   * @throws CairnError `bad_input` where the file holds something else, `denied`, `no_space`, `io`
   */
  static open(home: string, catalogue: Catalogue): ScheduleFile {
    const file = new ScheduleFile(join(home, 'schedules.json'), catalogue);
    file.#content();
    // Only to look must be possible on a full disk too.
    if (!catalogue.hasEarlierSchedules()) return file;
    catalogue.exclusively(() => {
      const { schedules, pause } = catalogue.takeEarlierSchedules();
      if (schedules.length > 0 || pause) file.#change((now) => takeOver(now, schedules, pause));
    });
    return file;
  }

  /** By name. */
  schedules(): KeptSchedule[] {
    return this.#content().schedules.toSorted((a, b) => a.schedule.name.localeCompare(b.schedule.name, 'en', { numeric: true }));
  }

  /** Adds or replaces; the clock of a changed one starts anew at `lastDueMs`. */
  saveSchedule(schedule: Schedule, lastDueMs: number): void {
    this.#change((now) => {
      const others = now.schedules.filter((kept) => kept.schedule.id !== schedule.id);
      now.schedules = [...others, { schedule, lastDueMs }];
    });
  }

  /** With its history. @returns whether it was there */
  removeSchedule(id: string): boolean {
    return this.#change((now) => {
      const others = now.schedules.filter((kept) => kept.schedule.id !== id);
      const wasThere = others.length < now.schedules.length;
      now.schedules = others;
      this.#catalogue.forgetScheduleRuns(id);
      return wasThere;
    });
  }

  /** True for the one caller, in whichever process, that settles a due time. */
  claimDue(id: string, beforeMs: number, dueMs: number): boolean {
    return this.#change((now) => {
      const kept = now.schedules.find(({ schedule, lastDueMs }) => schedule.id === id && lastDueMs === beforeMs);
      if (kept) kept.lastDueMs = dueMs;
      return kept !== undefined;
    });
  }

  addScheduleRun(id: string, run: ScheduleRun): void {
    if (this.#content().schedules.some(({ schedule }) => schedule.id === id)) this.#catalogue.addScheduleRun(id, run);
  }

  /** Newest first. */
  scheduleRuns(id: string, limit: number): ScheduleRun[] {
    return this.#catalogue.scheduleRuns(id, limit);
  }

  /** The pause of every job of this home; undefined where there is none. */
  queuePause(): QueuePause | undefined {
    return this.#content().pause;
  }

  saveQueuePause(pause: QueuePause | undefined): void {
    this.#change((now) => {
      if (pause) now.pause = pause;
      else delete now.pause;
    });
  }

  /** Another one whenever a schedule, the pause or the record of runs changed, by whatever process. */
  version(): string {
    return `${this.#stamp()} ${this.#catalogue.lastScheduleRun()}`;
  }

  #stamp(): string {
    const found = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : '';
  }

  /** Read again only where it was replaced since. */
  #content(): Content {
    const of = this.#stamp();
    if (this.#held?.of !== of) this.#held = { of, content: readHomeFile(this.path, content) };
    return this.#held.content;
  }

  #change<T>(apply: (now: Content) => T): T {
    return this.#catalogue.exclusively(() => {
      const now = readHomeFile(this.path, content);
      const before = JSON.stringify(now);
      const result = apply(now);
      if (JSON.stringify(now) !== before) writeHomeFile(this.path, now);
      return result;
    });
  }
}
