/** Whether every shard that a checkpoint's own indices and names promise is there. */
import { dirname } from 'node:path';
import { z } from 'zod';
import type { TreeFile } from '../folder-tree.ts';
import type { FileLayout } from '../file-layout.ts';
import { readLayout } from '../formats/registry.ts';
import { checkShards, isShardIndex, readShardIndex, shardPath, type ShardIndex } from '../formats/shard-index.ts';
import { findMissingPiece } from './distributed.ts';
import type { FileFacts } from './file-facts.ts';
import { printable } from '../../contract/printable.ts';

const numberedShard = /^(?<before>.*-)(?<index>\d{2,6})-of-(?<count>\d{2,6})(?<after>.*)$/;
/** What comparing an index with its shards gave, for exactly these shards. */
const comparison = z.object({ shards: z.string(), problem: z.string().optional() });

/** What is missing, in one line; undefined where nothing is. */
export async function findMissing(files: readonly TreeFile[], facts: FileFacts): Promise<string | undefined> {
  const byName = missingByName(files) ?? (await findMissingPiece(files, facts));
  if (byName !== undefined) return byName;
  for (const file of files.filter((entry) => isShardIndex(entry.path))) {
    const problem = await compareIndex(file, files, facts);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Gaps in `-00001-of-00003` names. */
function missingByName(files: readonly TreeFile[]): string | undefined {
  const families = new Map<string, { there: Set<number>; name: (index: string) => string; count: string }>();
  for (const file of files) {
    const { before, index, count, after } = numberedShard.exec(file.name)?.groups ?? {};
    if (index === undefined || count === undefined) continue;
    const key = `${dirname(file.path)}/${before}${count}${after}`;
    const family = families.get(key) ?? { there: new Set(), name: (text: string) => `${before}${text}-of-${count}${after}`, count };
    family.there.add(Number(index));
    families.set(key, family);
  }
  for (const { there, name, count } of families.values()) {
    if (there.size >= Number(count)) continue;
    const first = there.has(0) ? 0 : 1;
    const gap = Array.from({ length: there.size + 1 }, (_, at) => at + first).find((index) => !there.has(index)) ?? first;
    return missingShard(name(String(gap).padStart(count.length, '0')));
  }
  return undefined;
}

function missingShard(name: string): string {
  return `${printable(name)} is missing; copy it here or save again`;
}

async function compareIndex(file: TreeFile, files: readonly TreeFile[], facts: FileFacts): Promise<string | undefined> {
  const beside = files.filter((entry) => dirname(entry.path) === dirname(file.path) && entry !== file);
  const shards = beside.map((entry) => `${entry.name}\n${entry.size}\n${entry.mtimeNs}`).join('\n');
  const before = facts.recall(file, 'shards', comparison);
  if (before?.shards === shards) return before.problem;
  const problem = await facts
    .inTurn(() => compare(file, beside))
    .catch((thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)));
  facts.remember(file, 'shards', { shards, ...(problem !== undefined && { problem }) });
  return problem;
}

async function compare(file: TreeFile, beside: readonly TreeFile[]): Promise<string | undefined> {
  const index = await readShardIndex(file.path);
  const check = checkShards(index, await readShards(index, beside));
  if (check.missingShards[0] !== undefined) return missingShard(check.missingShards[0]);
  const tensor = check.missingTensors[0];
  if (tensor === undefined) return undefined;
  return `${printable(file.name)} promises the tensor ${printable(tensor)}, which its shard does not hold; copy the files again or save again`;
}

async function readShards(index: ShardIndex, beside: readonly TreeFile[]): Promise<Map<string, FileLayout>> {
  const there = new Set(beside.map((entry) => entry.name));
  const layouts = new Map<string, FileLayout>();
  for (const shard of index.shards) if (there.has(shard)) layouts.set(shard, await readLayout(shardPath(index, shard)));
  return layouts;
}
