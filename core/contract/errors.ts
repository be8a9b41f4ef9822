/**
 * The closed list of error kinds that Cairn reports. Every connection, the command line and the interface speak
 * these and nothing else; a message says what happened, to what, and what to do about it.
 */
import { z } from 'zod';

export const errorCodes = [
  'bad_request', // the caller's parameters don't fit the contract
  'not_found', // no such run, snapshot, job, tensor or path
  'ambiguous', // an id prefix names several snapshots
  'bad_input', // a checkpoint file contradicts itself
  'changed', // a file changed while it was read
  'damaged', // stored bytes fail their checksum or digest
  'unsupported', // a format version, codec or dtype this build doesn't know
  'locked', // another writer owns the store
  'exists', // the target is there already
  'no_space', // the disk is full or would be
  'denied', // the operating system refused
  'io', // any other failure of reading or writing
  'cancelled',
  'internal', // a defect of Cairn
] as const;

const errorCode = z.enum(errorCodes);
export type ErrorCode = z.infer<typeof errorCode>;

export const failure = z.object({ code: errorCode, message: z.string(), path: z.string().optional() });
export type Failure = z.infer<typeof failure>;

export interface CairnErrorDetails {
  path?: string;
  cause?: unknown;
}

/** An error with a code of the closed list and a message of one line. */
export class CairnError extends Error {
  readonly code: ErrorCode;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, details: CairnErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'CairnError';
    this.code = code;
    this.path = details.path;
  }
}

const systemCodes: Record<string, [ErrorCode, string]> = {
  ENOSPC: ['no_space', 'the disk is full; free some space and run it again'],
  EFBIG: ['no_space', 'the file would be larger than its disk or a limit of this process allows; choose another disk or raise the limit'],
  EDQUOT: ['no_space', 'the disk quota is used up; free some space and run it again'],
  EACCES: ['denied', 'permission denied; check the owner and mode'],
  EPERM: ['denied', 'the operating system refused; check the owner and mode'],
  EROFS: ['denied', 'the file system is read-only; choose another folder'],
  ENOENT: ['not_found', 'no such file or folder; check the path'],
  ENOTDIR: ['not_found', 'a part of the path is not a folder; check the path'],
  ENAMETOOLONG: ['bad_request', 'the name is longer than the file system allows; choose a shorter one'],
  ELOOP: ['not_found', 'its links lead round in a circle; check the path'],
  EISDIR: ['exists', 'it is a folder; choose another name'],
  EMFILE: ['io', 'too many files are open; raise the limit of this process (ulimit -n) and run it again'],
  EEXIST: ['exists', 'it exists already; choose another name'],
  EIO: ['io', 'the device reported an input/output error; check its health'],
};

/** What Node adds to the errors of system calls. */
type SystemError = Error & { code?: string; path?: string; syscall?: string };

/**
 * Turns anything thrown into a CairnError; system errors get a code of the list and the path they concern.
 *
 * @param at the path that a system error concerns which doesn't name one, as those of open files
 */
export function toCairnError(thrown: unknown, at?: string): CairnError {
  if (thrown instanceof CairnError) return thrown;
  const error = thrown as SystemError;
  const known = error?.code === undefined ? undefined : systemCodes[error.code];
  if (known) {
    const path = error.path ?? at;
    return new CairnError(known[0], path ? `${path}: ${known[1]}` : known[1], { path, cause: thrown });
  }
  const parsed = failure.safeParse(thrown);
  if (parsed.success) return new CairnError(parsed.data.code, parsed.data.message, { path: parsed.data.path, cause: thrown });
  if (error?.code !== undefined && error.syscall !== undefined) {
    return new CairnError('io', error.message, { path: error.path, cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CairnError('internal', `unexpected: ${message}; please report it`, { cause: thrown });
}

/** The plain record of an error that crosses a connection. */
export function toFailure(thrown: unknown): Failure {
  const error = toCairnError(thrown);
  return { code: error.code, message: error.message, ...(error.path === undefined ? {} : { path: error.path }) };
}
