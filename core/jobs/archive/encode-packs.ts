/** Contents into packs: coded in groups, each group a pack that is proved before it has its name. */
import { encodeContents, type EncodedContent } from '../../codec/encode.ts';
import type { FileRange } from '../../codec/binding.ts';
import { rangesOf, type Content, type Piece } from '../../codec/pieces.ts';
import type { Store } from '../../store/store.ts';
import type { CheckpointOptions } from './checkpoint-options.ts';
import { PackSink } from './pack-sink.ts';
import { provePack, proveStored } from './prove.ts';

/** A pack is closed once it holds this many original bytes, so that an interrupted archive keeps what it has. */
export const defaultPackRawBytes = 512 * 1024 * 1024;

function* groupsOf(contents: Content[], packRawBytes = defaultPackRawBytes): Generator<Content[]> {
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

/** A group whose blocks are written, and whose pack still has to be proved and published. */
interface WrittenGroup {
  sink: PackSink;
  encoded: EncodedContent[];
}

async function writeGroup(
  store: Store,
  group: Content[],
  unpublished: Set<string>,
  options: CheckpointOptions,
  onRead: (range: FileRange) => void,
): Promise<WrittenGroup> {
  const { pool, cancel, method } = options;
  const sink = await PackSink.create(store, unpublished);
  const onPiece = ({ content, offset, length }: Piece): void => {
    options.onBytes('archive', length);
    if (content.coding === 'tensor') for (const range of rangesOf(content.ranges, offset, length)) onRead(range);
  };
  try {
    return { sink, encoded: await encodeContents(pool, group, sink, { method, cancel, onPiece }) };
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

export interface PackSteps {
  /** This part of a file was read and coded; not told of what lies between such parts. */
  onRead(range: FileRange): void;
  /** The contents of a pack are proved and published. */
  onDurable(encoded: readonly EncodedContent[]): void;
}

/**
 * One group is coded while the one before is proved: coding waits for the processor where proving waits for the disk. Packs are
 * published in order, and of what is written but not proved there are never more than two.
 */
export async function encodePacks(
  store: Store,
  contents: Content[],
  options: CheckpointOptions,
  { onRead, onDurable }: PackSteps,
): Promise<EncodedContent[]> {
  const encoded: EncodedContent[] = [];
  const unpublished = new Set<string>();
  let proving: Promise<void> = Promise.resolve();
  let isCoding = true;
  for (const group of groupsOf(contents, options.packRawBytes)) {
    const written = await writeGroup(store, group, unpublished, options, onRead).catch(async (thrown: unknown) => {
      await proving.catch(() => undefined); // what failed first is reported
      throw thrown;
    });
    await proving.catch(async (thrown: unknown) => {
      await written.sink.abandon();
      throw thrown;
    });
    encoded.push(...written.encoded);
    proving = proveGroup(store, written, options, () => (isCoding ? 'archive' : 'prove')).then(() => onDurable(written.encoded));
    proving.catch(() => undefined); // reported where it is awaited
  }
  isCoding = false;
  await proving;
  return encoded;
}
