/** Pieces that the ranks of a distributed save write, each by itself: whether all of them are there. */
import { dirname } from 'node:path';
import { z } from 'zod';
import type { TreeFile } from '../folder-tree.ts';
import { isEnded, readText, type FileFacts } from './file-facts.ts';
import { printable } from '../../contract/printable.ts';

const rankNumber = /(?<=rank[_-]?|rng_state_|random_states_)\d+/;
const pieceName = /__\d+_\d+\.distcp/g;

/** What is missing among the pieces of PyTorch's distributed checkpoints, and among numbered ranks; undefined where nothing is. */
export async function findMissingPiece(files: readonly TreeFile[], facts: FileFacts): Promise<string | undefined> {
  const folders = new Set(files.filter((file) => file.name.endsWith('.distcp')).map((file) => dirname(file.path)));
  for (const folder of folders) {
    const problem = await missingInFolder(
      files.filter((file) => dirname(file.path) === folder),
      facts,
    );
    if (problem !== undefined) return problem;
  }
  return missingRank(files);
}

/** `.metadata` is written last and names every piece. */
async function missingInFolder(files: readonly TreeFile[], facts: FileFacts): Promise<string | undefined> {
  const metadata = files.find((file) => file.name === '.metadata');
  if (!metadata) {
    if (files.some((file) => /^__\d+\.metadata$/.test(file.name))) return undefined;
    return '.metadata is missing, which is written last: the save did not finish; remove it or save again';
  }
  if (metadata.size === 0) return '.metadata is empty: the save did not finish; remove it or save again';
  if ((await facts.fact(metadata, 'ended', z.boolean(), isEnded)) === false)
    return '.metadata ends early: the save did not finish; remove it or save again';
  const named = await facts.fact(metadata, 'pieces', z.array(z.string()), namedPieces);
  const there = new Set(files.map((file) => file.name));
  const missing = named?.find((name) => !there.has(name));
  return missing === undefined ? undefined : `${missing} is missing, which .metadata names; copy it here or save again`;
}

/** The names stand in the pickle as plain text, so no pickle has to be understood for them. */
async function namedPieces(file: TreeFile): Promise<string[]> {
  return [...new Set((await readText(file, 'latin1')).match(pieceName) ?? [])];
}

/** Ranks count from 0 without gaps. */
function missingRank(files: readonly TreeFile[]): string | undefined {
  const families = new Map<string, { ranks: Set<number>; width: number }>();
  for (const { path } of files) {
    const text = rankNumber.exec(path)?.[0];
    if (text === undefined) continue;
    const key = path.replace(rankNumber, '#');
    const family = families.get(key) ?? { ranks: new Set(), width: text.startsWith('0') ? text.length : 1 };
    family.ranks.add(Number(text));
    families.set(key, family);
  }
  for (const [key, { ranks, width }] of families) {
    const gap = [...ranks.keys(), ranks.size].map((_, at) => at).find((rank) => !ranks.has(rank));
    if (gap === undefined || gap > Math.max(...ranks)) continue;
    const name = key.slice(dirname(key).length + 1) || key;
    return `${printable(name.replace('#', String(gap).padStart(width, '0')))} is missing; copy it here or save again`;
  }
  return undefined;
}
