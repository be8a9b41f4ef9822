/** The manifests of a store as its readers see them: listed, summarised, found by the names that users give. */
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { Snapshot } from '../contract/model.ts';
import type { Backend } from './backends/backend.ts';
import { forEachBounded } from './bounded.ts';
import type { Hashing } from './hashing.ts';
import { decodeManifest, maxManifestBytes, type Manifest } from './manifest.ts';

const manifestName = /^snapshots\/([0-9a-f]{32})\.manifest$/;
const parallelReads = 8;

export class Snapshots {
  readonly #backend: Backend;
  readonly #hashing: Hashing;
  /** Manifests never change, so neither does what was read of one. */
  readonly #summaries = new Map<string, Snapshot>();

  constructor(backend: Backend, hashing: Hashing) {
    this.#backend = backend;
    this.#hashing = hashing;
  }

  /** Ids of all snapshots, sorted. */
  async ids(): Promise<string[]> {
    const names = await this.#backend.list('snapshots');
    return names.map((name) => manifestName.exec(name)?.[1]).filter((id) => id !== undefined);
  }

  /**
   * All snapshots, by run, step and time of archiving.
   *
   * @param unreadable told of each manifest that can't be read; the others are listed all the same
   */
  async list(unreadable: (id: string, error: CairnError) => void = () => {}): Promise<Snapshot[]> {
    const pins = await this.pins();
    const found: Snapshot[] = [];
    await forEachBounded(await this.ids(), parallelReads, async (id) => {
      try {
        found.push({ ...(await this.#summary(id)), pinned: pins.has(id) });
      } catch (thrown) {
        const error = toCairnError(thrown);
        if (error.code !== 'not_found') unreadable(id, error);
      }
    });
    return found.sort((a, b) => compare(a.run, b.run) || a.step - b.step || compare(a.created, b.created) || compare(a.id, b.id));
  }

  /** @throws CairnError `not_found`, `damaged`, `unsupported`. */
  async manifest(id: string): Promise<Manifest> {
    const name = nameOfManifest(id);
    const path = this.#backend.localPath(name);
    const bytes = await this.#backend.readWhole(name, maxManifestBytes).catch((thrown: unknown) => {
      throw toCairnError(thrown).code === 'not_found' ? noSnapshot(id) : thrown;
    });
    return decodeManifest(bytes, id, this.#hashing, path);
  }

  /**
   * The id of the snapshot that a user names: at least four digits of its id, or RUN@STEP (name or path of the run).
   *
   * @throws CairnError `not_found`, `ambiguous` with the ids in question.
   */
  async resolve(name: string): Promise<string> {
    const at = name.lastIndexOf('@');
    const ids = at > 0 ? await this.#idsOfStep(name.slice(0, at), name.slice(at + 1)) : await this.#idsOfPrefix(name);
    if (ids.length === 0) throw noSnapshot(name);
    if (ids.length > 1)
      throw new CairnError('ambiguous', `${name}: names ${ids.length} snapshots; use one of ${ids.slice(0, 8).join(', ')}`);
    return ids[0]!;
  }

  /** Ids of pinned snapshots. */
  async pins(): Promise<Set<string>> {
    return new Set((await this.#backend.list('pins')).map((name) => name.slice('pins/'.length)));
  }

  async has(id: string): Promise<boolean> {
    return (await this.#backend.stat(nameOfManifest(id))) !== undefined;
  }

  /** Drops what is held of a snapshot that was removed. */
  forget(id: string): void {
    this.#summaries.delete(id);
  }

  async #summary(id: string): Promise<Snapshot> {
    const held = this.#summaries.get(id);
    if (held) return held;
    const summary = summarise(id, await this.manifest(id));
    this.#summaries.set(id, summary);
    return summary;
  }

  async #idsOfStep(run: string, step: string): Promise<string[]> {
    const matches = (await this.list()).filter((found) => (found.run === run || found.runPath === run) && String(found.step) === step);
    return matches.map(({ id }) => id);
  }

  async #idsOfPrefix(prefix: string): Promise<string[]> {
    if (!/^[0-9a-f]{4,32}$/.test(prefix)) return [];
    return (await this.ids()).filter((id) => id.startsWith(prefix));
  }
}

export function nameOfManifest(id: string): string {
  return `snapshots/${id}.manifest`;
}

/** The snapshot id in a manifest's name, or undefined where it is no such name. */
export function snapshotIdOf(name: string): string | undefined {
  return manifestName.exec(name)?.[1];
}

export function nameOfPin(id: string): string {
  return `pins/${id}`;
}

export function noSnapshot(name: string): CairnError {
  return new CairnError('not_found', `${name}: no such snapshot; see cairn ls`);
}

/** What the contract says of a snapshot; `pinned` is not in its manifest. */
export function summarise(id: string, manifest: Manifest): Snapshot {
  const { run, step, path, time, created, method, base, depth, bytesOriginal, bytesStored } = manifest;
  return {
    ...{ id, run: run.name, runPath: run.path, step, path, time, created, method, base, depth, bytesOriginal, bytesStored },
    kind: depth > 0 ? 'delta' : 'keyframe',
    files: manifest.files.length,
    tensors: manifest.tensors.length,
    // A manifest exists only after everything it names was read back, decoded and found equal.
    sealed: true,
    pinned: false,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
