/** NumPy's .npz: a zip archive of .npy members. Stored ones give parts; of deflated ones only the header is looked at. */
import { constants, inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import { CairnError } from '../../contract/errors.ts';
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { limits } from './limits.ts';
import { readArray, startsAsNpy, type NpyArray } from './npy.ts';
import { arrangeParts } from './parts.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { headBytes, openWindow } from '../readable-file.ts';
import { firstMemberName, locateMember, memberLimits, readZip, startsAsZip, type ZipMember } from './zip.ts';

interface Found {
  name: string;
  array: NpyArray;
  /** Of the member's bytes in the file; -1 where they are deflated. */
  start: number;
}

function claims(file: ReadableFile): boolean {
  return startsAsZip(file.head) && (file.path.endsWith('.npz') || firstMemberName(file.head)?.endsWith('.npy') === true);
}

/** Enough of a deflated member to hold the header of its array. */
const deflatedHeadBytes = 1024;

/** The beginning of what a deflated member inflates to, as a file that pretends to be as long as the member claims. */
async function inflateHead(file: ReadableFile, member: ZipMember, limit: number): Promise<ReadableFile | undefined> {
  const { offset, length } = await locateMember(file, member, limit);
  const stored = await file.read(offset, Math.min(length, deflatedHeadBytes));
  // 1 KiB of deflate gives at most about 1 MiB.
  const head = await promisify(inflateRaw)(stored, {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: deflatedHeadBytes * 1100,
  }).catch(() => undefined);
  if (!head) return undefined;
  const read = async (start: number, count: number): Promise<Uint8Array> => {
    if (start + count > head.length) throw notUnderstood(file, `has a long header in ${quoted(member.name)}`);
    return head.subarray(start, start + count);
  };
  return { path: file.path, size: member.length, head: head.subarray(0, headBytes), read };
}

async function readMemberArray(file: ReadableFile, member: ZipMember, limit: number): Promise<Found | undefined> {
  const name = member.name.slice(0, -'.npy'.length);
  if (member.method === 8) {
    const head = await inflateHead(file, member, limit);
    return head && startsAsNpy(head.head) ? { name, array: await readArray(head), start: -1 } : undefined;
  }
  if (member.method !== 0) return undefined;
  const { offset, length } = await locateMember(file, member, limit);
  const window = await openWindow(file, offset, length);
  if (!startsAsNpy(window.head)) throw contradiction(file, `has a member ${quoted(member.name)} that is no NumPy array`);
  return { name, array: await readArray(window), start: offset };
}

/** An array of Python objects beside proper ones is no reason to give them up. */
async function tryMember(file: ReadableFile, member: ZipMember, limit: number): Promise<Found | undefined> {
  try {
    return await readMemberArray(file, member, limit);
  } catch (thrown) {
    if (thrown instanceof CairnError && thrown.code === 'unsupported') return undefined;
    throw thrown;
  }
}

/** @throws CairnError `bad_input` where the archive or a stored array contradicts itself, `unsupported` above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const members = await readZip(file);
  const limitOf = memberLimits(file, members);
  const arrays = [...members.values()].filter((member) => member.name.endsWith('.npy'));
  const deflated = arrays.filter((member) => member.method === 8).length;
  if (arrays.length > limits.tensors || deflated > limits.npzDeflated)
    throw notUnderstood(file, `has ${arrays.length} arrays, ${deflated} of them compressed`);
  const found: Found[] = [];
  for (const member of arrays) {
    const array = await tryMember(file, member, limitOf.get(member) as number);
    if (array) found.push(array);
  }
  const stored = found.filter(({ start }) => start >= 0);
  const { parts, indices } = arrangeParts(
    file,
    stored.map(({ array, start }): Part => ({ ...array.part, offset: array.part.offset + start })),
  );
  const partOf = new Map(stored.map((entry, index) => [entry, indices[index] as number]));
  const tensors = found.map((entry): Tensor => withPart(entry, partOf.get(entry) ?? -1));
  const rest = arrays.length - stored.length;
  return {
    format: 'npz',
    parts,
    tensors,
    note: rest > 0 ? `${rest} of its ${arrays.length} arrays are compressed already or hold no numbers; archived as bytes` : undefined,
  };
}

function withPart({ name, array }: Found, part: number): Tensor {
  const { strides, ...tensor } = array.tensor;
  return part === -1 || !strides ? { name, ...tensor, part, offset: 0 } : { name, ...tensor, part, offset: 0, strides };
}

export const npz: FormatReader = { name: 'npz', claims, read };
