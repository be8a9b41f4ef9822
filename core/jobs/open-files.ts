/**
 * Who has a file open or mapped, where the system tells (Linux does). Files are compared by device and inode: a process in a container
 * has the same file under another path. Only those of the same name are looked at, because asking about every open file of a machine
 * would touch file systems that don't answer.
 */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

export interface Opener {
  process: number;
  /** As this process calls it. */
  file: string;
}

interface Wanted {
  file: string;
  device: bigint;
  inode: bigint;
}

type ByName = ReadonlyMap<string, readonly Wanted[]>;

async function byName(files: Iterable<string>): Promise<ByName> {
  const wanted: Wanted[] = [];
  for (const file of files) {
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    if (found) wanted.push({ file, device: found.dev, inode: found.ino });
  }
  return Map.groupBy(wanted, ({ file }) => path.basename(file));
}

async function findOpen(process: string, wanted: ByName): Promise<string | undefined> {
  const folder = `/proc/${process}/fd`;
  for (const descriptor of await readdir(folder).catch(() => [])) {
    const link = path.join(folder, descriptor);
    const named = wanted.get(path.basename(await readlink(link).catch(() => '')));
    if (!named) continue;
    const opened = await stat(link, { bigint: true }).catch(() => undefined);
    const found = opened && named.find(({ device, inode }) => device === opened.dev && inode === opened.ino);
    if (found) return found.file;
  }
  return undefined;
}

/** Addresses, permissions, offset, device, inode and path. Some file systems tell another device here, so the inode has to do. */
const mapping = /^\S+ \S+ \S+ \S+ (\d+) +(\/.*)$/;

async function findMapped(process: string, wanted: ByName): Promise<string | undefined> {
  const maps = await readFile(`/proc/${process}/maps`, 'utf8').catch(() => '');
  for (const line of maps.split('\n')) {
    const [, inode, file] = mapping.exec(line) ?? [];
    if (file === undefined) continue;
    const found = wanted.get(path.basename(file))?.find((one) => one.file === file || one.inode === BigInt(inode!));
    if (found) return found.file;
  }
  return undefined;
}

/** A process other than this one. */
export async function openedBy(files: Iterable<string>): Promise<Opener | undefined> {
  const wanted = await byName(files);
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  for (const name of processes) {
    const file = (await findOpen(name, wanted)) ?? (await findMapped(name, wanted));
    if (file !== undefined) return { process: Number(name), file };
  }
  return undefined;
}
