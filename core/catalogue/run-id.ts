import { createHash } from 'node:crypto';

/** The id of the run whose checkpoints lie in the folder at `path`: the same on every scan and every machine. */
export function runId(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}
