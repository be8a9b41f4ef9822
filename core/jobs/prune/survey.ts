/** What the snapshots of a store need, and what each of these contents costs and needs itself. */
import { roles } from '../../codec/elements.ts';
import { CairnError } from '../../contract/errors.ts';
import type { CodingMethod } from '../../contract/model.ts';
import type { Digest } from '../../store/blob-source.ts';
import type { Manifest } from '../../store/manifest.ts';
import { addNeeded } from '../../store/needed.ts';
import { type FoundBlob, type Store } from '../../store/store.ts';

export interface NeededContent {
  packId: string;
  rawLength: number;
  storedLength: number;
  needs: Digest[];
  /** More than one: it is stored in several forms, which others may need. */
  forms: number;
  /** What it is decoded against, where it needs nothing else. */
  base?: Digest;
}

export interface Survey {
  contents: Map<Digest, NeededContent>;
  /** Contents that a snapshot names itself, or an archive under way will, and the method they were coded by. */
  named: Map<Digest, CodingMethod>;
}

/**
 * Everything that some snapshot needs, except those of `without`, and what the manifests of `instead` need. Refuses to guess where something can't be read.
 *
 * @throws CairnError `damaged` where a manifest or pack can't be read, or a content is missing.
 */
export async function surveyStore(store: Store, without: ReadonlySet<string>, instead: readonly Manifest[] = []): Promise<Survey> {
  await store.index.refresh();
  for (const error of store.index.unreadable.values()) throw error;
  const survey: Survey = { contents: new Map(), named: new Map() };
  const needed = new Set<Digest>();
  const add = (who: string, digests: Iterable<Digest>): Promise<void> =>
    addNeeded(store, digests, needed, (digest, blob, forms) => {
      if (blob) survey.contents.set(digest, neededContent(blob, forms));
      else throw new CairnError('damaged', `${who}: its content ${digest} is missing; run cairn verify --structure before prune`);
    });
  const addManifest = async (who: string, { blobs, method }: Manifest): Promise<void> => {
    for (const digest of blobs) survey.named.set(digest, method);
    await add(who, blobs);
  };
  for (const id of await store.snapshotIds()) if (!without.has(id)) await addManifest(`snapshot ${id}`, await store.manifest(id));
  for (const manifest of instead) await addManifest(`${manifest.run.name}@${manifest.step}`, manifest);
  for (const packId of store.uncommittedPacks()) {
    const digests = [...(await store.packTable(packId)).entries()].map(({ digest }) => digest);
    for (const digest of digests) survey.named.set(digest, 'cairn');
    await add(`pack ${packId}`, digests);
  }
  return survey;
}

function neededContent({ packId, entry: { rawLength, storedLength, needs } }: FoundBlob, forms: number): NeededContent {
  const base = needs.length === 1 && needs[0]!.role === roles.base ? needs[0]!.digest : undefined;
  return { packId, rawLength, storedLength, needs: needs.map(({ digest }) => digest), forms, ...(base === undefined ? {} : { base }) };
}

/** The snapshots that need one of `contents`, as RUN@STEP, at most `limit`. */
export async function whoNeeds(
  store: Store,
  contents: ReadonlySet<Digest>,
  without: ReadonlySet<string>,
  limit: number,
): Promise<string[]> {
  const found: string[] = [];
  for (const { id, run, step } of await store.snapshots()) {
    if (without.has(id) || found.length === limit) continue;
    const needed = new Set<Digest>();
    await addNeeded(store, (await store.manifest(id)).blobs, needed);
    if ([...contents].some((digest) => needed.has(digest))) found.push(`${run}@${step}`);
  }
  return found;
}
