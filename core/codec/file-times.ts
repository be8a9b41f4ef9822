/** Times of files to the nanosecond, which node:fs can read but not set. */
import { addon } from './binding.ts';

/** Sets a file's or folder's modification time (nanoseconds since 1970); the access time becomes the same. */
export function setModified(path: string, mtimeNs: bigint): void {
  addon.setModified(path, mtimeNs);
}
