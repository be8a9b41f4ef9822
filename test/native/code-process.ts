/**
 * Run with CAIRN_IMPLEMENTATION set: codes every case of a folder (cases.json, written by encode-decode.spec.ts) with this
 * implementation, and decodes what the test's own process stored. Prints one JSON record.
 */
import { readFileSync } from 'node:fs';
import { addon } from '../../core/codec/binding.ts';
import { code, Folder, restore, type CodeOptions } from './coding.ts';

export interface Case {
  name: string;
  raw: string;
  base?: string;
  options: CodeOptions;
  stored: string;
}

export interface Outcome {
  implementation: string;
  /** Names of cases that this implementation stores differently, and of those it decodes to something else. */
  stored: string[];
  decoded: string[];
}

const folder = new Folder();
const cases = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Case[];
const outcome: Outcome = { implementation: addon.about().implementation, stored: [], decoded: [] };
for (const { name, raw, base, options, stored } of cases) {
  const bytes = readFileSync(raw);
  const length = bytes.length;
  const coded = code(folder, bytes, { ...options, base: base === undefined ? undefined : { file: { path: base, offset: 0, length } } });
  if (!readFileSync(stored).equals(coded.stored)) outcome.stored.push(name);
  // The blocks as the other process stored them, by its table: lengths and checksums are equal where the bytes are.
  if (!bytes.equals(restore(folder, { ...coded.blocks, path: stored }).bytes)) outcome.decoded.push(name);
}
folder.remove();
process.stdout.write(JSON.stringify(outcome));
