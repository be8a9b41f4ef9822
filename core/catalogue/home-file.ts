/**
 * Small JSON files of the home: what the user chose, which no rebuild can bring back. A file is replaced whole, by a synced one of
 * another name, so that whoever reads sees the old state or the new one. They are a few kilobytes, so they are read and written at once.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { CairnError, toCairnError } from '../contract/errors.ts';

/**
 * What the file at `path` holds; where there is none, what the schema makes of an empty one.
 *
 * @throws CairnError `bad_input` where it doesn't fit: it is the user's, so it is not replaced
 */
export function readHomeFile<Out>(path: string, schema: z.ZodType<Out>): Out {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return schema.parse({});
    throw toCairnError(thrown);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? `${cause.issues[0]?.path.join('.')}: ${cause.issues[0]?.message}` : 'not valid JSON';
    throw new CairnError('bad_input', `${path}: ${why}; correct the file or move it away`, { path, cause });
  }
}

/** @throws CairnError `denied`, `no_space`, `io`; the file is as it was then. */
export function writeHomeFile(path: string, content: object): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeDurably(temporary, `${JSON.stringify(content, null, 2)}\n`);
    renameSync(temporary, path);
  } catch (thrown) {
    rmSync(temporary, { force: true });
    throw toCairnError(thrown);
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
