/** `cairn.json`, which marks a folder as a store and says its format, FORMAT.md section 1. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { CairnError } from '../contract/errors.ts';
import { writeAtomically } from './atomic-file.ts';
import type { Backend } from './backends/backend.ts';
import { toHex } from './hashing.ts';

export const formatVersion = 1;
export const markName = 'cairn.json';
/** Something to open with the desktop application: systems know files by the end of their names. */
export const openName = 'open.cairn';

const maxMarkBytes = 64 * 1024;

const mark = z.object({ format: z.number(), id: z.string().regex(/^[0-9a-f]{32}$/), created: z.iso.datetime() });
export type Mark = z.infer<typeof mark>;

/** Undefined where there is no store. @throws CairnError `unsupported` for another format, `damaged`. */
export async function readMark(backend: Backend): Promise<Mark | undefined> {
  if (!(await backend.stat(markName))) return undefined;
  const path = backend.localPath(markName);
  const bytes = await backend.readWhole(markName, maxMarkBytes);
  let record: unknown;
  try {
    record = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw damagedMark(path, cause);
  }
  // The version first: what else a newer format writes here is its own affair.
  const version = z.object({ format: z.number() }).safeParse(record);
  if (version.success && version.data.format !== formatVersion) {
    const message = `${path}: a store of format ${version.data.format}; this Cairn reads format ${formatVersion}: use a newer Cairn`;
    throw new CairnError('unsupported', message, { path });
  }
  const parsed = mark.safeParse(record);
  if (!parsed.success) throw damagedMark(path, parsed.error);
  return parsed.data;
}

/** Marks the folder as a new store. */
export async function writeMark(backend: Backend): Promise<Mark> {
  const made: Mark = { format: formatVersion, id: toHex(randomBytes(16)), created: new Date().toISOString() };
  await writeAtomically(backend, markName, Buffer.from(JSON.stringify(made)));
  // Last: a folder that has no mark yet must hold nothing else.
  await writeAtomically(backend, openName, Buffer.from('A store of Cairn. Open this file with Cairn, or run: cairn ls --store FOLDER\n'));
  return made;
}

function damagedMark(path: string, cause: unknown): CairnError {
  return new CairnError('damaged', `${path}: does not mark a store; restore it from a copy`, { path, cause });
}
