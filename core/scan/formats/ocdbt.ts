/**
 * OCDBT, the database of TensorStore in which Orbax keeps checkpoints by default: `manifest.ocdbt`, and values and nodes in files of a folder
 * `d`, most of them compressed and without a type of their own. They are named for what they are and archived as bytes.
 */
import { basename, dirname } from 'node:path';
import type { FormatReader, ReadableFile } from '../file-layout.ts';
import { notUnderstood } from './refusals.ts';

const dataName = /^[0-9a-f]{32}$/;

function claims({ path }: ReadableFile): boolean {
  const name = basename(path);
  return name === 'manifest.ocdbt' || (dataName.test(name) && basename(dirname(path)) === 'd');
}

async function read(file: ReadableFile): Promise<never> {
  throw notUnderstood(file, 'is part of an OCDBT database (Orbax), whose arrays this Cairn does not tell apart');
}

export const ocdbt: FormatReader = { name: 'ocdbt', claims, read };
