/**
 * What torch.save writes since 1.6, and TorchScript: a zip archive with a pickle `data.pkl` that describes everything and a
 * stored member per storage (`data/<key>`; TorchScript's constants under `constants/`; torch.package `.data/<key>.storage`).
 * The pickle is read as a description (pickle.ts), never executed.
 */
import type { FileLayout, FormatReader, ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { readWholePickle, type Pickle } from './pickle.ts';
import { dangerNote } from './pickle-danger.ts';
import { notUnderstood } from './refusals.ts';
import { placeTensors, type StorageRange } from './torch-layout.ts';
import { findTensors, type TorchTree } from './torch-tree.ts';
import { firstMemberName, locateMember, memberLimits, readMember, readZip, startsAsZip, type ZipMember } from './zip.ts';

interface Archive {
  file: ReadableFile;
  members: Map<string, ZipMember>;
  limitOf: Map<ZipMember, number>;
}

/** One pickle of the archive, and where its storages are. */
interface Document {
  member: ZipMember;
  /** Storage `k` is the member `<before>k<after>`. */
  before: string;
  after: string;
  /** In front of its tensors' names. */
  prefix: string;
}

const endings = /\.(pt|pth|bin|ckpt|ptl|jit|torch|pkl)$/;
const firstMembers =
  /^[^/]+\/(data\.pkl|data\/|constants|code\/|extra\/|\.data\/|version$|byteorder$|\.format_version$|\.storage_alignment$)/;

/** Other zip archives are none of our business: their oddities are no damaged checkpoint. */
function claims(file: ReadableFile): boolean {
  if (!startsAsZip(file.head)) return false;
  return endings.test(file.path) || firstMembers.test(firstMemberName(file.head) ?? '');
}

/** torch.package: any number of pickles, one place for storages. */
function packageDocuments(members: Map<string, ZipMember>, folder: string): Document[] {
  const pickles = [...members.values()].filter(
    (member) => member.name.startsWith(folder) && member.name.endsWith('.pkl') && !member.name.startsWith(`${folder}.data/`),
  );
  return pickles.map((member) => ({
    member,
    before: `${folder}.data/`,
    after: '.storage',
    prefix: member.name.slice(folder.length, -4).replaceAll('/', '.'),
  }));
}

function findDocuments(members: Map<string, ZipMember>): Document[] {
  const root = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const folder = root?.slice(0, -'data.pkl'.length) ?? '';
  const documents: Document[] = [];
  for (const [name, prefix] of [
    ['data', ''],
    ['constants', 'constants'],
  ] as const) {
    const member = members.get(`${folder}${name}.pkl`);
    if (member) documents.push({ member, before: `${folder}${name}/`, after: '', prefix });
  }
  if (documents.length > 0) return documents;
  const packaged = [...members.keys()].find((name) => /^[^/]+\/\.data\/[^/]+\.storage$/.test(name));
  return packaged === undefined ? [] : packageDocuments(members, packaged.slice(0, packaged.indexOf('/') + 1));
}

async function readText(archive: Archive, name: string): Promise<string> {
  const member = [...archive.members.values()].find(
    (candidate) => candidate.name === name || candidate.name.replace(/^[^/]+\//, '') === name,
  );
  if (!member || member.length > 64) return '';
  return new TextDecoder().decode(await readMember(archive.file, member, archive.limitOf.get(member) ?? 0, 64)).trim();
}

/** Local headers are a read each, so several are asked for at once. */
const readsAtOnce = 64;

async function storageRanges(archive: Archive, document: Document, tree: TorchTree): Promise<Map<string, StorageRange>> {
  const stored = [...tree.storages.keys()].flatMap((key) => {
    const member = archive.members.get(`${document.before}${key}${document.after}`);
    return member?.method === 0 ? [{ key, member }] : [];
  });
  const ranges = new Map<string, StorageRange>();
  for (let at = 0; at < stored.length; at += readsAtOnce) {
    const batch = stored.slice(at, at + readsAtOnce);
    const found = await Promise.all(batch.map(({ member }) => locateMember(archive.file, member, archive.limitOf.get(member) ?? 0)));
    for (const [index, range] of found.entries()) ranges.set(batch[index]?.key ?? '', range);
  }
  return ranges;
}

async function readDocument(
  archive: Archive,
  document: Document,
): Promise<{ tree: TorchTree; ranges: Map<string, StorageRange>; pickle: Pickle }> {
  const { file, limitOf } = archive;
  const bytes = await readMember(file, document.member, limitOf.get(document.member) ?? 0, limits.pickleBytes);
  const pickle = readWholePickle(file, bytes);
  const tree = findTensors(file, pickle.value, document.prefix);
  return { tree, ranges: await storageRanges(archive, document, tree), pickle };
}

/** Keys of several pickles may be the same word for different members; from here on they are member names. */
function merge(
  into: TorchTree,
  intoRanges: Map<string, StorageRange>,
  from: TorchTree,
  ranges: Map<string, StorageRange>,
  document: Document,
): void {
  const full = (key: string): string => `${document.before}${key}${document.after}`;
  for (const [key, storage] of from.storages) into.storages.set(full(key), { ...storage, key: full(key) });
  for (const [key, range] of ranges) intoRanges.set(full(key), range);
  for (const { name, tensor } of from.tensors) {
    const storage = tensor.storage && { ...tensor.storage, key: full(tensor.storage.key) };
    into.tensors.push({ name, tensor: { ...tensor, storage } });
  }
  into.truncated ||= from.truncated;
}

function notes(tree: TorchTree, ranges: Map<string, StorageRange>, globals: string[]): string | undefined {
  const elsewhere = tree.storages.size - ranges.size;
  const found = [
    dangerNote(globals),
    elsewhere > 0 ? `${elsewhere} of its storages are compressed or missing and are archived as bytes` : undefined,
    tree.truncated ? `tensors nested deeper than ${limits.treeDepth} levels are archived as bytes` : undefined,
  ].filter((note) => note !== undefined);
  return found.length === 0 ? undefined : found.join('; ');
}

/**
 * Describes a torch archive, or the window of a file that holds one.
 *
 * @throws CairnError `bad_input` where archive or pickle contradict themselves, `unsupported` where it holds no torch pickle or a limit is exceeded
 */
export async function readTorchZip(file: ReadableFile): Promise<FileLayout> {
  const members = await readZip(file);
  const archive: Archive = { file, members, limitOf: memberLimits(file, members) };
  const documents = findDocuments(members);
  if (documents.length === 0) throw notUnderstood(file, 'is a zip archive without a torch pickle');
  const pickleBytes = documents.reduce((sum, { member }) => sum + member.length, 0);
  if (pickleBytes > limits.pickleBytes) throw notUnderstood(file, `has ${pickleBytes} bytes of pickles, more than ${limits.pickleBytes}`);
  const tree: TorchTree = { tensors: [], storages: new Map(), truncated: false };
  const ranges = new Map<string, StorageRange>();
  const globals: string[] = [];
  for (const document of documents) {
    const read = await readDocument(archive, document);
    merge(tree, ranges, read.tree, read.ranges, document);
    for (const name of read.pickle.globals) globals.push(name);
  }
  const bigEndian = (await readText(archive, 'byteorder')) === 'big';
  return { format: 'torch-zip', ...placeTensors(file, tree, ranges, bigEndian), note: notes(tree, ranges, globals) };
}

export const torchZip: FormatReader = { name: 'torch-zip', claims, read: readTorchZip };
