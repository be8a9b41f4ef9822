/**
 * Run with CAIRN_IMPLEMENTATION set: codes the cases of a file with this implementation, writes the stored blocks to the
 * folder beside it, one file a case, and prints what the encoder said of them as JSON.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addon } from '../../core/codec/binding.ts';
import { code, Folder } from '../native/coding.ts';
import { contentOf, optionsOf, type Case } from './cases.ts';

export interface Told {
  implementation: string;
  items: { lengths: number[]; checksums: number[]; digest: string }[];
}

const [casesFile, target] = [process.argv[2]!, process.argv[3]!];
const folder = new Folder();
const told: Told = { implementation: addon.about().implementation, items: [] };
mkdirSync(target, { recursive: true });
for (const [index, one] of (JSON.parse(readFileSync(casesFile, 'utf8')) as Case[]).entries()) {
  const content = contentOf(one);
  const { item, stored } = code(folder, content.raw, optionsOf(folder, one, content));
  writeFileSync(path.join(target, String(index)), stored);
  const { lengths, checksums, digest } = item;
  told.items.push({ lengths: [...lengths], checksums: [...checksums], digest: Buffer.from(digest).toString('hex') });
}
folder.remove();
process.stdout.write(JSON.stringify(told));
