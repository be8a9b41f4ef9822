/** `*.safetensors.index.json` and `*.bin.index.json`: which shard of a split checkpoint holds which tensor. */
import { basename, dirname, join } from 'node:path';
import type { FileLayout, ReadableFile } from '../file-layout.ts';
import { openReadable } from '../readable-file.ts';
import { limits } from './limits.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';
import { readStrictJson, type Json } from './strict-json.ts';

export interface ShardIndex {
  path: string;
  /** File name of the shard by tensor name; shards lie beside the index. */
  shardOf: Map<string, string>;
  /** Names of the shards, each once, in order of first mention. */
  shards: string[];
  /** Bytes of all tensors together, where the index says so. */
  totalBytes?: number;
}

/** Where index and shards disagree. All empty: they agree. */
export interface ShardCheck {
  /** Shards that are not there. */
  missingShards: string[];
  /** Shards whose own header is damaged. */
  damagedShards: string[];
  /** Tensors that the index promises and their shard doesn't have. */
  missingTensors: string[];
  /** Tensors in a shard that the index doesn't place there. */
  strayTensors: string[];
}

/** Only these two endings are shard indices; other `.index.json` files mean other things. */
export function isShardIndex(path: string): boolean {
  return path.endsWith('.safetensors.index.json') || path.endsWith('.bin.index.json');
}

function isShardName(value: Json): value is string {
  return typeof value === 'string' && value.length > 0 && value.length < 256 && value !== '.' && value !== '..' && !/[/\\\0]/.test(value);
}

async function readJson(file: ReadableFile): Promise<Json> {
  if (file.size > limits.shardIndexBytes)
    throw notUnderstood(file, `is an index of ${file.size} bytes, more than ${limits.shardIndexBytes}`);
  return readStrictJson(file, await file.read(0, file.size), 'an index');
}

/**
 * Reads a shard index.
 *
 * @throws CairnError `bad_input` where it has no map of tensor names to file names, `unsupported` above the size limit, and as `openReadable`
 */
export async function readShardIndex(path: string): Promise<ShardIndex> {
  const file = await openReadable(path);
  try {
    const json = await readJson(file);
    const map = json instanceof Map ? json.get('weight_map') : undefined;
    if (!(map instanceof Map)) throw contradiction(file, 'has no weight_map');
    const shardOf = new Map<string, string>();
    for (const [tensor, shard] of map) {
      if (!isShardName(shard)) throw contradiction(file, `names no file beside it for tensor ${quoted(tensor)}`);
      shardOf.set(tensor, shard);
    }
    const metadata = json instanceof Map ? json.get('metadata') : undefined;
    const total = metadata instanceof Map ? metadata.get('total_size') : undefined;
    const totalBytes = typeof total === 'number' && Number.isSafeInteger(total) ? total : undefined;
    return { path, shardOf, shards: [...new Set(shardOf.values())], totalBytes };
  } finally {
    await file.close();
  }
}

/** Absolute path of a shard that `index` names. */
export function shardPath(index: ShardIndex, shard: string): string {
  return join(dirname(index.path), basename(shard));
}

/**
 * Compares an index with what the shards' own headers say. Pure: the caller has read them.
 *
 * @param layouts by shard name; absent where the file is
 */
export function checkShards(index: ShardIndex, layouts: ReadonlyMap<string, FileLayout>): ShardCheck {
  const damagedShards = index.shards.filter((shard) => layouts.get(shard)?.damaged);
  const readable = index.shards.filter(
    (shard) => layouts.has(shard) && !layouts.get(shard)?.damaged && layouts.get(shard)?.format !== 'bytes',
  );
  const held = new Map(readable.map((shard) => [shard, new Set(layouts.get(shard)?.tensors.map((tensor) => tensor.name))]));
  const missingTensors = [...index.shardOf].filter(([tensor, shard]) => held.get(shard)?.has(tensor) === false).map(([tensor]) => tensor);
  const strayTensors = readable.flatMap((shard) => [...(held.get(shard) ?? [])].filter((tensor) => index.shardOf.get(tensor) !== shard));
  return { missingShards: index.shards.filter((shard) => !layouts.has(shard)), damagedShards, missingTensors, strayTensors };
}
