/** `cairn diff`: what changed between two snapshots. */
import type { Command } from 'commander';
import type { DiffFile, DiffTensor, SnapshotDiff } from '../../../contract/model.ts';
import type { Actions } from '../actions.ts';
import { right, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

const tensorsAtOnce = 10_000;

export function addDiff(root: Command, actions: Actions): void {
  const command = root
    .command('diff')
    .description('what changed between two snapshots: tensors and files added, removed, changed, and by how much')
    .argument('<a>', 'the one before: an id prefix, or RUN@STEP')
    .argument('<b>', 'the one after')
    .option('--all', 'list what is unchanged too');
  command.action((a: string, b: string, { all }: { all?: boolean }) =>
    actions.run(command, (session) => diff(session, a, b, all ?? false)),
  );
}

async function fetchDiff({ client, interrupt }: Session, a: string, b: string): Promise<SnapshotDiff> {
  const ask = async (offset: number): Promise<SnapshotDiff> =>
    (await client.call('snapshots.diff', { a, b, offset, limit: tensorsAtOnce }, { signal: interrupt })).diff;
  const first = await ask(0);
  const tensors = first.tensors;
  while (tensors.length < first.total) {
    const more = (await ask(tensors.length)).tensors;
    if (more.length === 0) break;
    tensors.push(...more);
  }
  return { ...first, tensors };
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** "a -> b" where it changed. */
const fromTo = (before: string | undefined, now: string): string => (before === undefined ? now : `${before} -> ${now}`);

function tensorCells({ change, name, dtype, dtypeBefore, shape, shapeBefore, bytes, bytesDelta }: DiffTensor): string[] {
  const delta = bytesDelta === undefined ? '' : `${size(bytesDelta)} (${((100 * bytesDelta) / Math.max(1, bytes)).toFixed(1)} %)`;
  return [change, name, fromTo(dtypeBefore, dtype), fromTo(shapeBefore && shapeText(shapeBefore), shapeText(shape)), size(bytes), delta];
}

function fileCells({ change, path, pathBefore, bytes, bytesBefore }: DiffFile): string[] {
  const sizes = bytesBefore === undefined || bytesBefore === bytes ? size(bytes) : `${size(bytesBefore)} -> ${size(bytes)}`;
  return [change === 'unchanged' && pathBefore !== undefined ? 'renamed' : change, fromTo(pathBefore, path), sizes];
}

async function diff(session: Session, a: string, b: string, all: boolean): Promise<number> {
  const { out } = session;
  const found = await fetchDiff(session, a, b);
  const tensors = found.tensors.filter((tensor) => all || tensor.change !== 'unchanged');
  const files = found.files.filter((file) => all || file.change !== 'unchanged' || file.pathBefore !== undefined);
  out.table(['', 'file', right('size')], files.map(fileCells));
  if (files.length > 0 && tensors.length > 0) out.line('');
  out.table(['', 'tensor', 'dtype', 'shape', right('size'), right('delta')], tensors.map(tensorCells));
  const { changed = 0, added = 0, removed = 0, unchanged = 0, unknown = 0 } = found.counts;
  const untold = unknown > 0 ? `, ${unknown} not told apart` : '';
  out.line(`tensors: ${changed} changed, ${added} added, ${removed} removed, ${unchanged} unchanged${untold}`);
  for (const file of files) out.record('file', file);
  for (const tensor of tensors) out.record('tensor', tensor);
  out.summary({ a: found.a, b: found.b, tensors: found.counts, files: countsOf(found.files) });
  return exitCodes.done;
}

function countsOf(files: readonly DiffFile[]): Record<DiffFile['change'], number> {
  const counts = { changed: 0, added: 0, removed: 0, unchanged: 0 };
  for (const { change } of files) counts[change] += 1;
  return counts;
}
