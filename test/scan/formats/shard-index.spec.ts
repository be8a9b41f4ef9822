import { describe, expect, test } from 'vitest';
import type { FileLayout } from '../../../core/scan/file-layout.ts';
import { checkShards, isShardIndex, readShardIndex, shardPath } from '../../../core/scan/formats/shard-index.ts';
import { temporaryFolder } from './temporary.ts';

const folder = temporaryFolder();
const map = {
  'wte.weight': 'model-00001-of-00002.safetensors',
  'ln.weight': 'model-00001-of-00002.safetensors',
  'lm_head.weight': 'model-00002-of-00002.safetensors',
};

async function indexOf(content: unknown) {
  return readShardIndex(await folder.put('model.safetensors.index.json', typeof content === 'string' ? content : JSON.stringify(content)));
}

function layout(...names: string[]): FileLayout {
  return { format: 'safetensors', parts: [], tensors: names.map((name) => ({ name, dtype: 'F32', shape: [0], part: -1, offset: 0 })) };
}

describe('shard indices', () => {
  test('are told by their two endings', () => {
    expect(['model.safetensors.index.json', 'pytorch_model.bin.index.json', 'vector.index.json', 'index.json'].map(isShardIndex)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('say which shard holds which tensor', async () => {
    const index = await indexOf({ metadata: { total_size: 123 }, weight_map: map });
    expect(index).toMatchObject({ shards: ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'], totalBytes: 123 });
    expect(index.shardOf.get('lm_head.weight')).toBe('model-00002-of-00002.safetensors');
    expect(shardPath(index, index.shards[0]!)).toBe(`${folder.path}/model-00001-of-00002.safetensors`);
  });

  test('metadata may be missing', async () => {
    expect((await indexOf({ weight_map: map })).totalBytes).toBeUndefined();
  });

  test.each([
    ['no JSON', '{'],
    ['a tensor twice', '{"weight_map":{"a":"x","a":"y"}}'],
    ['no map', { metadata: {} }],
    ['a list', []],
    ['a number for a file', { weight_map: { a: 3 } }],
    ['a path upwards', { weight_map: { a: '../secret' } }],
    ['an absolute path', { weight_map: { a: '/etc/passwd' } }],
    ['a folder', { weight_map: { a: '..' } }],
    ['a name with a zero', { weight_map: { a: 'x\0y' } }],
    ['nesting without end', `{"weight_map":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ])('%s is refused in one line', async (_, content) => {
    const error = (await indexOf(content).catch((thrown: unknown) => thrown)) as { code: string; message: string };
    expect(error).toMatchObject({ code: 'bad_input' });
    expect(error.message).not.toContain('\n');
  });

  test('an index that is not there says so', async () => {
    await expect(readShardIndex(`${folder.path}/none.bin.index.json`)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('agree with their shards, or the difference is named', async () => {
    const index = await indexOf({ weight_map: map });
    const [one, two] = index.shards as [string, string];
    const nothing = { missingShards: [], damagedShards: [], missingTensors: [], strayTensors: [] };
    expect(
      checkShards(
        index,
        new Map([
          [one, layout('wte.weight', 'ln.weight')],
          [two, layout('lm_head.weight')],
        ]),
      ),
    ).toEqual(nothing);
    expect(checkShards(index, new Map([[one, layout('wte.weight', 'ln.weight')]]))).toEqual({ ...nothing, missingShards: [two] });
    expect(
      checkShards(
        index,
        new Map([
          [one, layout('wte.weight', 'lm_head.weight')],
          [two, { ...layout(), format: 'bytes', damaged: true }],
        ]),
      ),
    ).toEqual({
      missingShards: [],
      damagedShards: [two],
      missingTensors: ['ln.weight'],
      strayTensors: ['lm_head.weight'],
    });
  });
});
