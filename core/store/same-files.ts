/** Whether files on disk are still those that a snapshot was made of. */
import type { Manifest } from './manifest.ts';

/** As scanning finds them. */
interface FileOnDisk {
  path: string;
  size: number;
  mtimeNs: bigint;
}

/** True where the snapshot was made of the very files that are on disk now, by size and modification time. */
export function isSame(manifest: Manifest, { files }: { files: readonly FileOnDisk[] }): boolean {
  const known = new Map([...manifest.files, ...(manifest.dropped ?? [])].map((file) => [file.path, file]));
  return (
    known.size === files.length &&
    files.every((file) => {
      const before = known.get(file.path);
      return before !== undefined && before.size === file.size && before.mtimeNs === String(file.mtimeNs);
    })
  );
}
