/**
 * One checkpoint into the store: headers read, contents planned, coded into packs, each pack proved before it has its
 * name, files compared with what was found, and last the manifest, which is the commit.
 */
import { digestRanges } from '../../codec/decode.ts';
import { encodeContents, type EncodedContent } from '../../codec/encode.ts';
import type { Content } from '../../codec/pieces.ts';
import type { CodecPool } from '../../codec/pool.ts';
import { toCairnError } from '../../contract/errors.ts';
import type { Companion } from '../../plan/companions.ts';
import type { BaseSet } from '../../plan/pairing.ts';
import { planSnapshot, type PlannedContent, type SnapshotPlan } from '../../plan/planner.ts';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { Store } from '../../store/store.ts';
import { baseSetOf, Originals } from './base-set.ts';
import { buildManifest } from './build-manifest.ts';
import { PackSink } from './pack-sink.ts';
import { provePack, proveStored } from './prove.ts';
import { assertUnchanged, readCheckpoint, type CheckpointFile } from '../../scan/read-checkpoint.ts';

/** A pack is closed once it holds this many original bytes, so that an interrupted archive keeps what it has. */
const packRawBytes = 512 * 1024 * 1024;

export interface CheckpointOptions {
  method: 'cairn' | 'lmc';
  maxDepth: number;
  pool: CodecPool;
  cancel: Int32Array;
  /** Digests of contents that this archive proved, so that those of many checkpoints are decoded once. */
  proved: Set<string>;
  now: () => Date;
  /** Called with original bytes as they are coded, and again as they are proved. */
  onBytes(phase: 'archive' | 'prove', bytes: number): void;
  /** Everything is proved; what follows is the commit. */
  onCommit(): void;
}

/** The snapshot that deltas may be taken against. */
export interface BaseSnapshot {
  id: string;
  manifest: Manifest;
}

export interface ArchivedCheckpoint {
  id: string;
  manifest: Manifest;
}

function* groupsOf(contents: Content[]): Generator<Content[]> {
  let group: Content[] = [];
  let bytes = 0;
  for (const content of contents) {
    group.push(content);
    bytes += content.length;
    if (bytes < packRawBytes) continue;
    yield group;
    [group, bytes] = [[], 0];
  }
  if (group.length > 0) yield group;
}

/** Reads the piece of a companion that stands for a piece of what it says something of. */
function companionOf(
  planned: PlannedContent,
  files: CheckpointFile[],
  companion: Companion,
  digest: string,
): NonNullable<Content['companion']> {
  const path = files[planned.file]!.path;
  const start = planned.ranges[0]!.offset;
  return { role: companion.role, digest, piece: (offset, length) => ({ file: { path, offset: start + offset, length } }) };
}

function contentOf(
  planned: PlannedContent,
  files: CheckpointFile[],
  bases: { store: Store; originals?: Originals; usable: boolean },
): Content {
  const { path } = files[planned.file]!;
  const { length, element, blockLog2, coding, base, columns } = planned;
  const rows = columns === undefined ? {} : { columns };
  const ranges = planned.ranges.map((range) => ({ path, ...range }));
  if (!base || !bases.originals) return { ranges, length, element, blockLog2, coding, ...rows };
  return {
    ranges,
    length,
    element,
    blockLog2,
    coding,
    ...rows,
    base: { digest: base.digest, piece: bases.originals.sourceOf(bases.store, base, bases.usable) },
  };
}

/** A group whose blocks are written, and whose pack still has to be proved and published. */
interface WrittenGroup {
  sink: PackSink;
  encoded: EncodedContent[];
}

async function writeGroup(store: Store, group: Content[], unpublished: Set<string>, options: CheckpointOptions): Promise<WrittenGroup> {
  const { pool, cancel, method } = options;
  const sink = await PackSink.create(store, unpublished);
  try {
    return {
      sink,
      encoded: await encodeContents(pool, group, sink, { method, cancel, onBytes: (bytes) => options.onBytes('archive', bytes) }),
    };
  } catch (thrown) {
    await sink.abandon();
    throw thrown;
  }
}

async function proveGroup(
  store: Store,
  { sink, encoded }: WrittenGroup,
  options: CheckpointOptions,
  phase: () => 'archive' | 'prove',
): Promise<void> {
  const { pool, cancel } = options;
  let toProve = encoded.reduce((sum, { content }) => sum + content.length, 0);
  const onBytes = (bytes: number): void => {
    toProve -= bytes;
    options.onBytes(phase(), bytes);
  };
  try {
    await sink.finish((path, entries) => provePack(pool, store, path, entries, { cancel, onBytes }));
    for (const { digest, offset } of encoded) if (offset !== undefined) options.proved.add(digest);
    const known = [...new Set(encoded.map(({ digest }) => digest))].filter((digest) => !options.proved.has(digest));
    await proveStored(pool, store, known, { cancel, onBytes });
    for (const digest of known) options.proved.add(digest);
    onBytes(toProve); // what this archive proved before
  } catch (thrown) {
    await sink.abandon();
    throw thrown;
  }
}

/**
 * One group is coded while the one before is proved: coding waits for the processor where proving waits for the disk. Packs are
 * published in order, and of what is written but not proved there are never more than two.
 */
async function encodeAll(store: Store, contents: Content[], options: CheckpointOptions): Promise<EncodedContent[]> {
  const encoded: EncodedContent[] = [];
  const unpublished = new Set<string>();
  let proving: Promise<void> = Promise.resolve();
  let isCoding = true;
  for (const group of groupsOf(contents)) {
    const written = await writeGroup(store, group, unpublished, options).catch(async (thrown: unknown) => {
      await proving.catch(() => undefined); // what failed first is reported
      throw thrown;
    });
    await proving.catch(async (thrown: unknown) => {
      await written.sink.abandon();
      throw thrown;
    });
    encoded.push(...written.encoded);
    proving = proveGroup(store, written, options, () => (isCoding ? 'archive' : 'prove'));
    proving.catch(() => undefined); // reported where it is awaited
  }
  isCoding = false;
  await proving;
  return encoded;
}

/**
 * Contents without companions first: packs are proved from what the store has, so what a content needs must be in an
 * earlier pack. Given back in the plan's order.
 */
async function encodePlan(
  store: Store,
  plan: SnapshotPlan,
  files: CheckpointFile[],
  contents: Content[],
  options: CheckpointOptions,
): Promise<EncodedContent[]> {
  const encoded: EncodedContent[] = [];
  const encodeThose = async (indices: number[], content: (index: number) => Content): Promise<void> => {
    const done = await encodeAll(store, indices.map(content), options);
    indices.forEach((index, place) => (encoded[index] = done[place]!));
  };
  const indices = [...contents.keys()];
  await encodeThose(
    indices.filter((index) => !plan.contents[index]!.companion),
    (index) => contents[index]!,
  );
  await encodeThose(
    indices.filter((index) => plan.contents[index]!.companion),
    (index) => {
      const companion = plan.contents[index]!.companion!;
      const digest = encoded[companion.content]!.digest;
      return { ...contents[index]!, companion: companionOf(plan.contents[companion.content]!, files, companion, digest) };
    },
  );
  return encoded;
}

/** Digests of whole files; a file that is one content has that content's. */
async function fileDigests(
  files: CheckpointFile[],
  plan: SnapshotPlan,
  encoded: EncodedContent[],
  options: CheckpointOptions,
): Promise<string[]> {
  const digests: string[] = [];
  for (const [index, { path, found }] of files.entries()) {
    const { rest, parts } = plan.files[index]!;
    const only = rest >= 0 && parts.length === 0 ? rest : undefined;
    digests.push(
      only === undefined
        ? await digestRanges(options.pool, [{ path, offset: 0, length: found.size }], options.cancel)
        : encoded[only]!.digest,
    );
  }
  return digests;
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
  const contents = plan.contents.map((planned) => contentOf(planned, files, { store, originals, usable }));
  const encoded = await encodePlan(store, plan, files, contents, options);
  const digests = await fileDigests(files, plan, encoded, options);
  await assertUnchanged(checkpoint, files, changeTimes);
  const manifest = await buildManifest({
    store,
    run,
    checkpoint,
    files,
    plan,
    encoded,
    digests,
    baseId: base?.id,
    method: options.method,
    created: options.now(),
  });
  options.onCommit();
  return { id: await store.commit(manifest), manifest };
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
