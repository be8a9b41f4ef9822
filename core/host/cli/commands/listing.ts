/** `cairn ls` and `cairn show`: what the store holds. */
import type { Command } from 'commander';
import type { FileRow, Snapshot, TensorRow } from '../../../contract/model.ts';
import type { Actions } from '../actions.ts';
import type { Output } from '../output.ts';
import { localTime, ratio, right, size, storedAs } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

const tensorsAtOnce = 10_000;

export function addListing(root: Command, actions: Actions): void {
  const list = root.command('ls').description('list snapshots').argument('[run]', 'only of this run');
  list.action((run: string | undefined) => actions.run(list, (session) => listSnapshots(session, run)));
  const show = root
    .command('show')
    .description("show a snapshot's files and tensors, how they are coded and what they take")
    .argument('<snapshot>', 'an id prefix, or RUN@STEP')
    .option('--sha256', 'the SHA-256 of every file too, as model hubs list it; each is decoded');
  show.action((snapshot: string, options: { sha256?: boolean }) =>
    actions.run(show, (session) => showSnapshot(session, snapshot, options.sha256 ?? false)),
  );
}

const roleWords: Record<TensorRow['pairs'][number]['role'], string> = { base: 'base', master: 'master', 'second-moment': 'second moment' };

/** A base of the same name needs no other word. */
const pairWords = (own: string, { role, tensor }: TensorRow['pairs'][number]): string =>
  role === 'base' && tensor === own ? 'base' : `${roleWords[role]} ${tensor}`;

async function listSnapshots({ client, out, interrupt }: Session, run: string | undefined): Promise<number> {
  const { snapshots } = await client.call('snapshots.list', { run }, { signal: interrupt });
  out.table(
    ['snapshot', 'run', right('step'), right('original'), right('stored'), right('ratio'), 'as', 'saved', ''],
    snapshots.map((found) => [
      found.id.slice(0, 8),
      found.run,
      String(found.step),
      size(found.bytesOriginal),
      size(found.bytesStored),
      ratio(found.bytesOriginal, found.bytesStored),
      storedAs(found),
      localTime(found.time),
      found.pinned ? 'pinned' : '',
    ]),
  );
  const total = (member: 'bytesOriginal' | 'bytesStored'): number => snapshots.reduce((sum, found) => sum + found[member], 0);
  out.line(
    `${snapshots.length} ${snapshots.length === 1 ? 'snapshot' : 'snapshots'}, ${size(total('bytesOriginal'))} in ${size(total('bytesStored'))}`,
  );
  for (const snapshot of snapshots) out.record('snapshot', snapshot);
  out.summary({ snapshots });
  return exitCodes.done;
}

async function tensorsOf({ client, interrupt }: Session, snapshot: string): Promise<TensorRow[]> {
  const tensors: TensorRow[] = [];
  for (let total = 1; tensors.length < total;) {
    const page = await client.call('snapshots.tensors', { snapshot, offset: tensors.length, limit: tensorsAtOnce }, { signal: interrupt });
    if (page.tensors.length === 0) break;
    tensors.push(...page.tensors);
    total = page.total;
  }
  return tensors;
}

async function sha256sOf(
  { client, interrupt }: Session,
  snapshot: string,
  files: readonly FileRow[],
): Promise<{ path: string; sha256: string }[]> {
  const sums: { path: string; sha256: string }[] = [];
  for (const { path: file } of files) {
    const { sha256 } = await client.call('snapshots.sha256', { snapshot, file }, { signal: interrupt });
    sums.push({ path: file, sha256 });
  }
  return sums;
}

async function showSnapshot(session: Session, name: string, withSha256: boolean): Promise<number> {
  const { client, out, interrupt } = session;
  const { snapshot, files, dropped } = await client.call('snapshots.get', { snapshot: name }, { signal: interrupt });
  const tensors = await tensorsOf(session, snapshot.id);
  tellSnapshot(out, snapshot);
  out.line('');
  tellFiles(out, files);
  const sums = withSha256 ? await sha256sOf(session, snapshot.id, files) : [];
  for (const { path: file, sha256 } of sums) out.line(`${sha256}  ${file}`);
  for (const { path: file, bytes } of dropped) out.line(`let go of: ${file}, ${size(bytes)}`);
  out.line('');
  tellTensors(out, tensors);
  for (const file of files) out.record('file', file);
  for (const sum of sums) out.record('sha256', sum);
  for (const file of dropped) out.record('dropped', file);
  for (const tensor of tensors) out.record('tensor', tensor);
  out.summary({ snapshot, files: files.length, tensors: tensors.length });
  return exitCodes.done;
}

function tellSnapshot(out: Output, snapshot: Snapshot): void {
  const base = snapshot.base === undefined ? '' : ` against ${snapshot.base.slice(0, 8)}`;
  out.line(`${snapshot.id}  ${snapshot.run}@${snapshot.step}${snapshot.pinned ? '  pinned' : ''}`);
  out.line(
    `${storedAs(snapshot)}${base}, ${size(snapshot.bytesOriginal)} in ${size(snapshot.bytesStored)}, saved ${localTime(snapshot.time)}, archived ${localTime(snapshot.created)}`,
  );
  out.line(`from ${snapshot.runPath}${snapshot.path === '' ? '' : `/${snapshot.path}`}`);
}

function tellFiles(out: Output, files: readonly FileRow[]): void {
  out.table(
    ['file', 'part', right('size'), right('stored'), 'format', right('tensors')],
    files.map((file) => [
      file.path,
      file.part,
      size(file.bytes),
      size(file.bytesStored),
      file.note === undefined ? file.format : `${file.format} (${file.note})`,
      String(file.tensors),
    ]),
  );
}

function tellTensors(out: Output, tensors: readonly TensorRow[]): void {
  out.table(
    ['tensor', 'dtype', 'shape', right('size'), right('stored'), 'codecs', right('depth'), 'coded with'],
    tensors.map((tensor) => [
      tensor.name,
      tensor.dtype,
      `[${tensor.shape.join(', ')}]`,
      size(tensor.bytes),
      tensor.reused ? 'reused' : size(tensor.bytesStored),
      tensor.codecs.join(' '),
      String(tensor.depth),
      tensor.pairs.map((pair) => pairWords(tensor.name, pair)).join(', '),
    ]),
  );
}
