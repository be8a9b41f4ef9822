/** Opens a file for the format readers: a size taken once, the first bytes, and reads that never leave the file. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { CairnError, toCairnError } from '../contract/errors.ts';
import type { ReadableFile } from './file-layout.ts';

export const headBytes = 4096;
/** No reader needs more in one piece; a file that makes one ask for more is lying. */
const maxReadBytes = 128 * 1024 * 1024;

export interface OpenedFile extends ReadableFile {
  close(): Promise<void>;
}

async function readExactly(handle: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new CairnError('bad_input', `${path}: ends at byte ${offset + done} while it is read`, { path });
    done += bytesRead;
  }
  return bytes;
}

function checkRange(path: string, size: number, offset: number, length: number): void {
  const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && length <= size - offset;
  if (!fits) throw new CairnError('bad_input', `${path}: has no bytes ${offset} to ${offset + length}, it ends at ${size}`, { path });
  if (length > maxReadBytes) {
    throw new CairnError('unsupported', `${path}: asks for ${length} bytes of header at once, more than ${maxReadBytes}`, { path });
  }
}

/**
 * Opens `path` for bounded reads. The caller closes it.
 *
 * @throws CairnError as `toCairnError` maps what the system says; `unsupported` for what is not a regular file.
 */
export async function openReadable(path: string): Promise<OpenedFile> {
  // O_NONBLOCK: opening a pipe must not wait for a writer.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((thrown: unknown) => {
    throw toCairnError(thrown);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CairnError('unsupported', `${path}: is not a regular file; nothing to read`, { path });
    const size = stat.size;
    const head = await readExactly(handle, path, 0, Math.min(size, headBytes));
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      checkRange(path, size, offset, length);
      if (offset + length <= head.length) return head.slice(offset, offset + length);
      return readExactly(handle, path, offset, length);
    };
    return { path, size, head, read, close: () => handle.close() };
  } catch (thrown) {
    await handle.close();
    throw toCairnError(thrown);
  }
}

/** A window of `file` as a file of its own, for formats that lie inside others. Its first byte is `offset` of `file`. */
export async function openWindow(file: ReadableFile, offset: number, length: number): Promise<ReadableFile> {
  checkRange(file.path, file.size, offset, 0);
  checkRange(file.path, file.size, offset + length, 0);
  const head = await file.read(offset, Math.min(length, headBytes));
  const read = async (start: number, count: number): Promise<Uint8Array> => {
    checkRange(file.path, length, start, count);
    return file.read(offset + start, count);
  };
  return { path: file.path, size: length, head, read };
}
