/** A store in a folder of this machine, or of anything mounted on it. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CairnError, toCairnError } from '../../contract/errors.ts';
import { syncFolder } from '../sync-folder.ts';
import { checkName, type Backend, type StoredFile } from './backend.ts';

/** Linux' numbers for NFS, SMB, CIFS, AFS, Ceph, 9p and FUSE, which mounts by ssh use. */
const networkFileSystems: ReadonlySet<number> = new Set([
  0x6969, 0xfe534d42, 0x517b, 0xff534d42, 0x5346414f, 0x00c36400, 0x01021997, 0x65735546,
]);

export class LocalBackend implements Backend {
  readonly place: string;

  /** @param folder need not exist; folders are made as files come. */
  constructor(folder: string) {
    this.place = resolve(folder);
  }

  async list(folder: string): Promise<string[]> {
    const names: string[] = [];
    await this.#collect(folder, names);
    return names.sort();
  }

  async stat(name: string): Promise<StoredFile | undefined> {
    return this.#typed(async () => {
      const found = await stat(this.localPath(name)).catch(undefinedIfMissing);
      return found?.isFile() ? { sizeBytes: found.size, modifiedMs: found.mtimeMs } : undefined;
    });
  }

  changedMs(folder: string): Promise<number | undefined> {
    return this.#typed(async () => (await stat(this.localPath(folder)).catch(undefinedIfMissing))?.mtimeMs);
  }

  async readRange(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#opened(name, 'r', async (file) => {
      // Checked before the allocation: `length` may come from a damaged file.
      const { size } = await file.stat();
      if (offset + length > size) throw endsEarly(this.localPath(name), offset + length, size);
      return this.#readAll(file, name, offset, length);
    });
  }

  async readWhole(name: string, limitBytes: number): Promise<Uint8Array> {
    return this.#opened(name, 'r', async (file) => {
      const { size } = await file.stat();
      if (size > limitBytes) {
        const path = this.localPath(name);
        throw new CairnError('damaged', `${path}: ${size} bytes, more than the ${limitBytes} that such a file may have`, { path });
      }
      return this.#readAll(file, name, 0, size);
    });
  }

  async createTemporary(): Promise<string> {
    const name = `temporary/${randomBytes(12).toString('hex')}`;
    await this.#typed(async () => {
      await makeFolder(dirname(this.localPath(name)));
      await (await open(this.localPath(name), 'wx')).close();
    });
    return name;
  }

  async writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    if (!name.startsWith('temporary/')) throw new CairnError('internal', `${name}: only temporary files are written; please report it`);
    await this.#opened(name, 'r+', (file) => writeAll(file, offset, bytes));
  }

  async truncate(name: string, lengthBytes: number): Promise<void> {
    if (!name.startsWith('temporary/')) throw new CairnError('internal', `${name}: only temporary files are cut; please report it`);
    await this.#opened(name, 'r+', (file) => file.truncate(lengthBytes));
  }

  async publish(temporary: string, name: string, replacing = false): Promise<void> {
    const [from, to] = [this.localPath(temporary), this.localPath(name)];
    await this.sync(temporary);
    await this.#typed(async () => {
      await makeFolder(dirname(to));
      if (!replacing && (await stat(to).catch(undefinedIfMissing)))
        throw new CairnError('exists', `${to}: it exists already; nothing was replaced`, { path: to });
      await rename(from, to);
      await syncFolder(dirname(to));
    });
  }

  async remove(name: string): Promise<void> {
    const path = this.localPath(name);
    await this.#typed(async () => {
      await rm(path, { force: true });
      await syncFolder(dirname(path)).catch(undefinedIfMissing);
    });
  }

  async createExclusive(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.localPath(name);
    return this.#typed(async () => {
      await makeFolder(dirname(path));
      const file = await open(path, 'wx').catch((thrown: SystemError) => {
        if (thrown.code === 'EEXIST') return undefined;
        throw thrown;
      });
      if (!file) return false;
      try {
        await writeAll(file, 0, bytes);
        await file.sync();
      } catch (thrown) {
        await rm(path, { force: true });
        throw thrown;
      } finally {
        await file.close();
      }
      await syncFolder(dirname(path));
      return true;
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = await this.createTemporary();
    try {
      await this.writeAt(temporary, 0, bytes);
      await this.#typed(() => rename(this.localPath(temporary), this.localPath(name)));
    } catch (thrown) {
      await this.remove(temporary);
      throw thrown;
    }
  }

  async freeBytes(): Promise<number> {
    return this.#typed(async () => {
      const { bavail, bsize } = await statfs(await this.#existing(this.place));
      return bavail * bsize;
    });
  }

  async isRemote(): Promise<boolean> {
    return this.#typed(async () => networkFileSystems.has((await statfs(await this.#existing(this.place))).type));
  }

  async sync(name: string): Promise<void> {
    await this.#opened(name, 'r+', (file) => file.sync());
  }

  localPath(name: string): string {
    checkName(name);
    return join(this.place, name);
  }

  /** The nearest folder that exists, so that free space is known before the store is created. */
  async #existing(folder: string): Promise<string> {
    const parent = dirname(folder);
    if (parent === folder || (await stat(folder).catch(undefinedIfMissing))) return folder;
    return this.#existing(parent);
  }

  /** Foreign files may have any name, so this joins paths without `localPath`. Symbolic links are named, not followed. */
  async #collect(folder: string, names: string[]): Promise<void> {
    const entries = await this.#typed(() => readdir(join(this.place, folder), { withFileTypes: true }).catch(undefinedIfMissing));
    for (const entry of entries ?? []) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await this.#collect(name, names);
      else names.push(name);
    }
  }

  async #readAll(file: FileHandle, name: string, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw endsEarly(this.localPath(name), offset + length, offset + done);
      done += bytesRead;
    }
    return bytes;
  }

  async #opened<T>(name: string, flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
    return this.#typed(async () => {
      const file = await open(this.localPath(name), flags);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    });
  }

  async #typed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw toCairnError(thrown);
    }
  }
}

type SystemError = Error & { code?: string };

async function writeAll(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Makes a folder and those above it, and their names durable. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

function undefinedIfMissing(thrown: SystemError): undefined {
  if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined;
  throw thrown;
}

function endsEarly(path: string, wanted: number, size: number): CairnError {
  return new CairnError('damaged', `${path}: ends at ${size} bytes where ${wanted} are needed; restore it from a copy`, { path });
}
