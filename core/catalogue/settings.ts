/**
 * settings.json: what the user chose, which no rebuild can bring back. Members that this build doesn't know are kept,
 * the file is replaced whole, and every change starts from what is on disk, so that two processes don't undo one another.
 */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CairnError } from '../contract/errors.ts';
import { manners as mannersSchema, source as sourceSchema, type Manners, type Source } from '../contract/model.ts';
import { readHomeFile, writeHomeFile } from './home-file.ts';
import { runId } from './run-id.ts';

const settingsFile = z.looseObject({
  version: z.literal(1).default(1),
  sources: z.array(sourceSchema.loose()).default([]),
  manners: mannersSchema.prefault({}),
  preferences: z.record(z.string(), z.json()).default({}),
});
type SettingsFile = z.infer<typeof settingsFile>;
export type Preferences = SettingsFile['preferences'];

export class Settings {
  readonly path: string;
  #held: SettingsFile;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, held: SettingsFile) {
    this.path = path;
    this.#held = held;
  }

  /**
   * Reads `settings.json` in `home`; without one, everything is at its default.
   *
   * @throws CairnError `bad_input` where the file is no settings file: it is the user's, so it is not replaced
   */
  static open(home: string): Promise<Settings> {
    const path = join(home, 'settings.json');
    return Promise.resolve().then(() => new Settings(path, readHomeFile(path, settingsFile)));
  }

  get sources(): Source[] {
    return this.#held.sources.map(({ id, path, added, scanned, problem }) => ({
      id,
      path,
      added,
      ...(scanned !== undefined && { scanned }),
      ...(problem !== undefined && { problem }),
    }));
  }

  get preferences(): Preferences {
    return { ...this.#held.preferences };
  }

  get manners(): Manners {
    return this.#held.manners;
  }

  async setManners(manners: Manners): Promise<void> {
    await this.#change((settings) => void (settings.manners = manners));
  }

  /** @returns the source, also where it was one already */
  async addSource(path: string, now = new Date()): Promise<Source> {
    const absolute = resolve(path);
    const added: Source = { id: runId(absolute), path: absolute, added: now.toISOString() };
    await this.#change((settings) => {
      if (!settings.sources.some((known) => known.id === added.id)) settings.sources.push(added);
    });
    return this.sources.find((known) => known.id === added.id) ?? added;
  }

  /** @throws CairnError `not_found` */
  async removeSource(id: string): Promise<void> {
    await this.#change((settings) => {
      settings.sources.splice(indexOfSource(settings, id), 1);
    });
  }

  /** Notes when a source was scanned, and what went wrong; a problem left out is over. @throws CairnError `not_found` */
  async noteScan(id: string, scanned: Date, problem?: string): Promise<void> {
    await this.#change((settings) => {
      const { problem: _over, ...source } = settings.sources[indexOfSource(settings, id)]!;
      settings.sources[indexOfSource(settings, id)] = {
        ...source,
        scanned: scanned.toISOString(),
        ...(problem !== undefined && { problem }),
      };
    });
  }

  /** Sets the preferences given; `undefined` puts one back to its default. */
  async setPreferences(changes: Record<string, Preferences[string] | undefined>): Promise<void> {
    await this.#change((settings) => {
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) delete settings.preferences[name];
        else settings.preferences[name] = value;
      }
    });
  }

  /** Takes over what another process of this home wrote since. @returns whether that is anything new @throws CairnError `bad_input`, `io` */
  refresh(): boolean {
    const settings = readHomeFile(this.path, settingsFile);
    if (JSON.stringify(settings) === JSON.stringify(this.#held)) return false;
    this.#held = settings;
    return true;
  }

  /** One change after the other, each on what the file holds at that moment. */
  #change(apply: (settings: SettingsFile) => void): Promise<void> {
    const turn = this.#turn
      .catch(() => undefined)
      .then(() => {
        const settings = readHomeFile(this.path, settingsFile);
        apply(settings);
        writeHomeFile(this.path, settings);
        this.#held = settings;
      });
    this.#turn = turn;
    return turn;
  }
}

function indexOfSource(settings: SettingsFile, id: string): number {
  const at = settings.sources.findIndex((source) => source.id === id);
  if (at < 0) throw new CairnError('not_found', `${id}: no such source; list the sources to see their ids`);
  return at;
}
