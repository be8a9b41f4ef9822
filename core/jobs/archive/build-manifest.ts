/** Puts together the record of a snapshot (FORMAT.md section 4) from what was found, planned and coded. */
import type { CodingMethod } from '../../contract/model.ts';
import type { SnapshotPlan } from '../../plan/planner.ts';
import path from 'node:path';
import type { FoundCheckpoint, FoundRun } from '../../scan/found.ts';
import type { Manifest } from '../../store/manifest.ts';
import { baseOf, type Store } from '../../store/store.ts';
import type { CheckpointFile } from '../../scan/read-checkpoint.ts';
import type { StoredContent } from './durable.ts';

export interface ManifestInputs {
  store: Store;
  run: FoundRun;
  checkpoint: FoundCheckpoint;
  files: CheckpointFile[];
  plan: SnapshotPlan;
  /** In the order of the plan's contents. */
  stored: readonly StoredContent[];
  /** Of whole files, in the order of `files`. */
  digests: string[];
  baseId: string | undefined;
  method: CodingMethod;
  created: Date;
}

/** Digests in the order of first use, and each content's index among them. */
function blobTable(contents: readonly StoredContent[]): { blobs: string[]; indexOf: number[]; written: number[] } {
  const positions = new Map<string, number>();
  const indexOf = contents.map(({ digest }) => {
    if (!positions.has(digest)) positions.set(digest, positions.size);
    return positions.get(digest)!;
  });
  const written = new Set(contents.flatMap(({ isNew }, index) => (isNew ? [indexOf[index]!] : [])));
  return { blobs: [...positions.keys()], indexOf, written: [...written] };
}

function fileRecords({ files, plan, digests }: ManifestInputs, indexOf: number[]): Manifest['files'] {
  return files.map(({ found, layout }, index) => {
    const { rest, parts } = plan.files[index]!;
    return {
      path: found.path,
      size: found.size,
      mode: found.mode & 0o7777,
      mtimeNs: String(found.mtimeNs),
      digest: digests[index]!,
      format: layout.format,
      ...(layout.note === undefined ? {} : { note: layout.note }),
      rest: rest < 0 ? -1 : indexOf[rest]!,
      parts: parts.map((part): [number, number, number] => [part.offset, part.length, indexOf[part.content]!]),
    };
  });
}

function tensorRecords(files: CheckpointFile[]): Manifest['tensors'] {
  return files.flatMap(({ layout }, file) =>
    layout.tensors.map(({ name, dtype, shape, part, offset, strides }) => ({
      name,
      dtype,
      shape,
      file,
      part,
      offset,
      ...(strides ? { strides } : {}),
    })),
  );
}

/** @returns the record, ready to be committed; every blob it names is in the store. */
export async function buildManifest(inputs: ManifestInputs): Promise<Manifest> {
  const { store, run, checkpoint, files } = inputs;
  const { blobs, indexOf, written } = blobTable(inputs.stored);
  const stored = await Promise.all(blobs.map(async (digest) => (await store.lookup(digest))!.entry));
  const depths = await Promise.all(blobs.map((digest) => store.depthOf(digest)));
  const usesBase = stored.some((entry) => baseOf(entry) !== undefined);
  return {
    created: inputs.created.toISOString(),
    run: { name: run.name, path: run.path, layout: run.layout },
    step: checkpoint.step,
    path: path.relative(run.path, checkpoint.path).split(path.sep).join('/'),
    time: new Date(
      Number(files.reduce((newest, { found }) => (found.mtimeNs > newest ? found.mtimeNs : newest), 0n) / 1_000_000n),
    ).toISOString(),
    method: inputs.method,
    ...(usesBase && inputs.baseId !== undefined ? { base: inputs.baseId } : {}),
    depth: depths.reduce((deepest, depth) => Math.max(deepest, depth), 0),
    bytesOriginal: files.reduce((sum, { found }) => sum + found.size, 0),
    bytesStored: written.reduce((sum, index) => sum + stored[index]!.storedLength, 0),
    blobs,
    new: written,
    files: fileRecords(inputs, indexOf),
    folders: checkpoint.folders.map(({ path: folder, mode, mtimeNs }) => ({ path: folder, mode: mode & 0o7777, mtimeNs: String(mtimeNs) })),
    links: checkpoint.links,
    tensors: tensorRecords(files),
  };
}
