/**
 * One checkpoint into the store: headers read, contents planned, coded into packs, each pack proved before it has its
 * name, files compared with what was found, and last the manifest, which is the commit.
 */
import { FileDigests } from '../../codec/file-digests.ts';
import { toCairnError } from '../../contract/errors.ts';
import type { BaseSet } from '../../plan/pairing.ts';
import { planSnapshot, type SnapshotPlan } from '../../plan/planner.ts';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import { baseSetOf, Originals } from './base-set.ts';
import { buildManifest } from './build-manifest.ts';
import type { CheckpointOptions } from './checkpoint-options.ts';
import type { StoredContent } from './durable.ts';
import { contentOf, PlanEncoding } from './plan-encoding.ts';
import { assertUnchanged, readCheckpoint, type CheckpointFile } from '../../scan/read-checkpoint.ts';

/** The snapshot that deltas may be taken against. */
export interface BaseSnapshot {
  id: string;
  manifest: Manifest;
}

export interface ArchivedCheckpoint {
  id: string;
  manifest: Manifest;
}

/** The content that is all of a file, and has the same digest. */
const onlyContent = ({ rest, parts }: SnapshotPlan['files'][number]): number | undefined =>
  rest >= 0 && parts.length === 0 ? rest : undefined;

/** Of files that are not one content. */
function expectedDigests(files: readonly CheckpointFile[], plan: SnapshotPlan, { pool, cancel }: CheckpointOptions): FileDigests {
  const digests = new FileDigests(pool, cancel);
  for (const [index, { path, found }] of files.entries()) {
    if (onlyContent(plan.files[index]!) === undefined) digests.expect(path, found.size);
  }
  return digests;
}

async function digestsOf(
  files: readonly CheckpointFile[],
  plan: SnapshotPlan,
  digests: FileDigests,
  stored: readonly StoredContent[],
): Promise<string[]> {
  const values: string[] = [];
  for (const [index, { path }] of files.entries()) {
    const only = onlyContent(plan.files[index]!);
    values.push(only === undefined ? await digests.value(path) : stored[only]!.digest);
  }
  return values;
}

async function attempt(
  store: Store,
  run: FoundRun,
  checkpoint: FoundCheckpoint,
  base: BaseSnapshot | undefined,
  usable: boolean,
  options: CheckpointOptions,
): Promise<ArchivedCheckpoint> {
  const files = await readCheckpoint(checkpoint);
  const changeTimes = await assertUnchanged(checkpoint, files);
  const bases: BaseSet | undefined = base && (await baseSetOf(store, base.manifest));
  const originals = base && (await Originals.of(base.manifest));
  const plan = planSnapshot(
    files.map(({ found, layout }) => ({ path: found.path, size: found.size, parts: layout.parts, tensors: layout.tensors })),
    { bases, maxDepth: options.maxDepth, companions: options.method === 'cairn' },
  );
  const fileDigests = expectedDigests(files, plan, options);
  const encoding = new PlanEncoding(store, plan, { files, changeTimes }, options, (range) => fileDigests.follow(range));
  try {
    await encoding.run((planned) => contentOf(planned, files, { store, originals, usable }));
  } catch (thrown) {
    await fileDigests.settled();
    throw thrown;
  }
  const { stored } = encoding;
  const digests = await digestsOf(files, plan, fileDigests, stored);
  await assertUnchanged(checkpoint, files, changeTimes);
  const manifest = await buildManifest({
    store,
    run,
    checkpoint,
    files,
    plan,
    stored,
    digests,
    baseId: base?.id,
    method: options.method,
    created: options.now(),
  });
  options.onCommit();
  const id = await store.commit(manifest);
  options.durable.forget();
  return { id, manifest };
}

/** What a base that can't be had, or an original that changed, makes of an attempt. */
const baseFailures: ReadonlySet<string> = new Set(['damaged', 'changed', 'not_found']);

/**
 * Archives and proves one checkpoint. Where the base fails it is tried again from the store's copy of it alone, and last without:
 * a damaged snapshot must not keep those after it out of the store.
 *
 * @param base the snapshot before it in its run, where there is one
 * @throws CairnError `bad_input`, `changed`, `no_space`, `denied`, `damaged`, `cancelled`, `io`; the store is as it was then.
 */
export async function archiveCheckpoint(
  store: Store,
  run: FoundRun,
  checkpoint: FoundCheckpoint,
  base: BaseSnapshot | undefined,
  options: CheckpointOptions,
): Promise<ArchivedCheckpoint> {
  // Perhaps an original that served as base was changed or went away meanwhile: the second time only the store's copy is read.
  for (const usable of base ? [true, false] : []) {
    try {
      return await attempt(store, run, checkpoint, base, usable, options);
    } catch (thrown) {
      const error = toCairnError(thrown);
      if (!baseFailures.has(error.code)) throw error;
    }
  }
  try {
    return await attempt(store, run, checkpoint, undefined, false, options);
  } catch (thrown) {
    throw toCairnError(thrown);
  }
}
