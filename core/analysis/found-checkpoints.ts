/**
 * The checkpoints of runs as a scan found them. A step is looked at many times, and to recognise one checkpoint its neighbours
 * have to be seen: so a run is scanned once, and later only its own files are compared with what was found.
 */
import path from 'node:path';
import { CairnError } from '../contract/errors.ts';
import type { FoundCheckpoint } from '../scan/found.ts';
import type { PreviousFiles } from '../scan/layouts/file-facts.ts';
import { assertUnchanged } from '../scan/read-checkpoint.ts';
import { scan } from '../scan/scanner.ts';

/** Of so many runs the checkpoints are held. */
const mostRuns = 8;

async function isUnchanged(checkpoint: FoundCheckpoint): Promise<boolean> {
  const placeOf = (file: string): string => (checkpoint.alone ? checkpoint.path : path.join(checkpoint.path, file));
  const files = checkpoint.files.map((found) => ({ found, path: placeOf(found.path) }));
  return assertUnchanged(checkpoint, files).then(
    () => true,
    () => false,
  );
}

export class FoundCheckpoints {
  readonly #previous: PreviousFiles | undefined;
  readonly #runs = new Map<string, Map<string, FoundCheckpoint>>();

  /** @param previous headers of unchanged files, which then need not be read again */
  constructor(previous?: PreviousFiles) {
    this.#previous = previous;
  }

  /**
   * @param run folder of the checkpoint's run, `place` its own path
   * @throws CairnError `not_found` where no checkpoint is there any more
   */
  async get(run: string, place: string, signal?: AbortSignal): Promise<FoundCheckpoint> {
    const known = this.#runs.get(run)?.get(place);
    if (known && (await isUnchanged(known))) return known;
    const held = this.#runs.get(run);
    const found = (held ? undefined : (await this.#scanRun(run, signal)).get(place)) ?? (await this.#scan(place, signal)).get(place);
    if (!found) throw new CairnError('not_found', `${place}: no checkpoint is there any more; scan its folder again`, { path: place });
    this.#runs.get(run)?.set(place, found);
    return found;
  }

  async #scanRun(run: string, signal?: AbortSignal): Promise<Map<string, FoundCheckpoint>> {
    const found = await this.#scan(run, signal);
    if (this.#runs.size >= mostRuns) this.#runs.delete(this.#runs.keys().next().value!);
    this.#runs.set(run, found);
    return found;
  }

  async #scan(place: string, signal?: AbortSignal): Promise<Map<string, FoundCheckpoint>> {
    const { runs } = await scan([place], { ...(this.#previous ? { previous: this.#previous } : {}), ...(signal ? { signal } : {}) });
    return new Map(runs.flatMap((run) => run.checkpoints).map((checkpoint) => [checkpoint.path, checkpoint]));
  }
}
