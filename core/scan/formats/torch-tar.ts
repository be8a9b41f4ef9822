/**
 * The tar archives that torch.save wrote before 0.1.10 (2017). They are recognised so that the user learns what they are; their
 * tensors are not told apart, the file is archived whole.
 */
import type { FormatReader, ReadableFile } from '../file-layout.ts';
import { notUnderstood } from './refusals.ts';

const members = new Set(['sys_info', 'pickle', 'storages', 'tensors']);

function claims(file: ReadableFile): boolean {
  if (file.head.length < 512) return false;
  const header = Buffer.from(file.head.buffer, file.head.byteOffset, 512);
  const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '').replace(/^\.\//, '');
  return header.toString('latin1', 257, 262) === 'ustar' && members.has(name);
}

async function read(file: ReadableFile): Promise<never> {
  throw notUnderstood(file, 'is a tar archive of a torch before 0.1.10, whose tensors this Cairn does not tell apart');
}

export const torchTar: FormatReader = { name: 'torch-tar', claims, read };
