/** The two ways in which a reader gives up on a file. Either way the file is archived whole, as bytes. */
import { CairnError } from '../../contract/errors.ts';
import type { ReadableFile } from '../file-layout.ts';

/** The file contradicts itself: cut short, offsets outside, lengths that don't agree. */
export function contradiction(file: Pick<ReadableFile, 'path'>, what: string): CairnError {
  return new CairnError('bad_input', `${file.path}: ${what}`, { path: file.path });
}

/** The file may be sound, but this build doesn't read it: unknown versions, limits exceeded, compression. */
export function notUnderstood(file: Pick<ReadableFile, 'path'>, what: string): CairnError {
  return new CairnError('unsupported', `${file.path}: ${what}`, { path: file.path });
}

/** What an error says, without the path in front. */
export function reasonOf(error: CairnError, path: string): string {
  return error.message.startsWith(`${path}: `) ? error.message.slice(path.length + 2) : error.message;
}

/** Text of a file as it may be shown in one line: quoted, cut at 80 characters, control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
