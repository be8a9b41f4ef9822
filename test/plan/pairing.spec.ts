import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elements, tensorBlockLog2 } from '../../core/codec/elements.ts';
import { BaseSet, pairFiles, type BasePart } from '../../core/plan/pairing.ts';
import { defaultMaxDepth, planSnapshot, type PlanFile } from '../../core/plan/planner.ts';

const part = (digest: string, file: string, more: Partial<BasePart> = {}): BasePart => ({
  digest,
  length: 400,
  element: elements.float32,
  blockLog2: tensorBlockLog2,
  depth: 0,
  file,
  offset: 8,
  ...more,
});
const named = (file: string, name = 'w', shape = [100]) => ({ file, name, dtype: 'F32', shape });

/** A file of float32 vectors, one after the other from byte 8. */
function vectors(path: string, tensors: Record<string, number[]>): PlanFile {
  const lengths = Object.values(tensors).map((shape) => 4 * shape.reduce((product, size) => product * size, 1));
  const parts = lengths.map((length, at) => ({
    offset: 8 + lengths.slice(0, at).reduce((sum, bytes) => sum + bytes, 0),
    length,
    element: elements.float32,
  }));
  return {
    path,
    size: 8 + lengths.reduce((sum, bytes) => sum + bytes, 0),
    parts,
    tensors: Object.entries(tensors).map(([name, shape], at) => ({ name, dtype: 'F32', shape, part: at, offset: 0 })),
  };
}

function basesOf(files: readonly PlanFile[], depth = 0): BaseSet {
  const bases = new BaseSet();
  for (const file of files) {
    for (const tensor of file.tensors) {
      const { length, offset, element } = file.parts[tensor.part]!;
      bases.add({ file: file.path, ...tensor }, part(`${file.path}:${tensor.name}`, file.path, { length, offset, element, depth }));
    }
  }
  return bases;
}

/** Digests of bases by file and name. */
function pairsOf(files: readonly PlanFile[], bases: BaseSet): Record<string, string | undefined> {
  const { contents, files: planned } = planSnapshot(files, { bases });
  return Object.fromEntries(
    files.flatMap((file, index) =>
      file.tensors.map(({ name, part: at }) => [`${file.path}:${name}`, contents[planned[index]!.parts[at]!.content]!.base?.digest]),
    ),
  );
}

describe('files along a chain', () => {
  it('pair by path, rank for rank', () => {
    const ranks = ['zero_pp_rank_0_mp_rank_00_optim_states.pt', 'zero_pp_rank_1_mp_rank_00_optim_states.pt'];
    expect([...pairFiles(ranks, ranks)]).toEqual(ranks.map((file) => [file, file]));
  });

  it('pair across steps in their names, in the order of their numbers', () => {
    const at = (step: number) => [`model_step${step}_rank2.pt`, `model_step${step}_rank10.pt`];
    expect(Object.fromEntries(pairFiles(at(200), at(100)))).toEqual({
      'model_step200_rank2.pt': 'model_step100_rank2.pt',
      'model_step200_rank10.pt': 'model_step100_rank10.pt',
    });
  });

  it('do not pair by order where their number changed', () => {
    expect(pairFiles(['s200_r0.pt', 's200_r1.pt'], ['s100_r0.pt']).size).toBe(0);
  });

  it('never give one file to two', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[ab]\d{0,2}[ab]?\d?$/), { maxLength: 12 });
    fc.assert(
      fc.property(names, names, (files, before) => {
        const pairs = pairFiles(files, before);
        expect(new Set(pairs.values()).size).toBe(pairs.size);
        for (const [file, other] of pairs) {
          expect(files).toContain(file);
          expect(before).toContain(other);
          if (before.includes(file)) expect(other).toBe(file);
        }
      }),
    );
  });
});

describe('tensors along a chain', () => {
  it('pair with their own rank, not with another of the same names', () => {
    const ranks = [0, 1, 2].map((rank) => vectors(`zero_pp_rank_${rank}_mp_rank_00_optim_states.pt`, { exp_avg: [100] }));
    const bases = basesOf(ranks);
    for (const [tensor, base] of Object.entries(pairsOf(ranks, bases))) expect(base).toBe(tensor);
  });

  it('start keyframes where the world size changed, the rest of the model pairs', () => {
    const model = vectors('mp_rank_00_model_states.pt', { 'layer.w': [50, 4] });
    const optimizer = (ranks: number) =>
      Array.from({ length: ranks }, (_, rank) => vectors(`zero_pp_rank_${rank}_mp_rank_00_optim_states.pt`, { flat: [1200 / ranks] }));
    const pairs = pairsOf([model, ...optimizer(4)], basesOf([model, ...optimizer(2)]));
    expect(Object.entries(pairs).filter(([, base]) => base !== undefined)).toEqual([
      ['mp_rank_00_model_states.pt:layer.w', 'mp_rank_00_model_states.pt:layer.w'],
    ]);
  });

  it('pair by name when shards are cut anew', () => {
    const before = [
      vectors('model-00001-of-00002.safetensors', { a: [10], b: [20] }),
      vectors('model-00002-of-00002.safetensors', { c: [30] }),
    ];
    const after = ['a', 'b', 'c'].map((name, at) => vectors(`model-0000${at + 1}-of-00003.safetensors`, { [name]: [10 * (at + 1)] }));
    expect(Object.values(pairsOf(after, basesOf(before)))).toEqual([
      'model-00001-of-00002.safetensors:a',
      'model-00001-of-00002.safetensors:b',
      'model-00002-of-00002.safetensors:c',
    ]);
  });

  it('start a keyframe alone when resized, added or of another dtype', () => {
    const before = vectors('model.safetensors', { embedding: [100, 8], head: [8, 8], norm: [8] });
    const after = vectors('model.safetensors', { embedding: [110, 8], head: [8, 8], norm: [8], adapter: [4] });
    const tensors = after.tensors.map((tensor) => (tensor.name === 'norm' ? { ...tensor, dtype: 'I32' } : tensor));
    expect(pairsOf([{ ...after, tensors }], basesOf([before]))).toEqual({
      'model.safetensors:embedding': undefined,
      'model.safetensors:head': 'model.safetensors:head',
      'model.safetensors:norm': undefined,
      'model.safetensors:adapter': undefined,
    });
  });

  it('take a name that is there several times only where all of them are one content', () => {
    const replicated = new BaseSet();
    for (const rank of [0, 1]) replicated.add(named(`rank${rank}.pt`), part('same', `rank${rank}.pt`));
    expect(replicated.find(named('elsewhere.pt'), 400)?.digest).toBe('same');
    const different = new BaseSet();
    for (const rank of [0, 1]) different.add(named(`rank${rank}.pt`), part(`d${rank}`, `rank${rank}.pt`));
    expect(different.find(named('elsewhere.pt'), 400)).toBeUndefined();
    const planned = new BaseSet();
    for (const rank of [0, 1]) planned.add(named(`rank${rank}.pt`), part('', `rank${rank}.pt`));
    expect(planned.find(named('elsewhere.pt'), 400)).toBeUndefined();
  });

  it('start a keyframe where the chain would grow too deep', () => {
    const file = vectors('model.safetensors', { w: [10] });
    expect(Object.values(pairsOf([file], basesOf([file], defaultMaxDepth - 1)))).toEqual(['model.safetensors:w']);
    expect(Object.values(pairsOf([file], basesOf([file], defaultMaxDepth)))).toEqual([undefined]);
  });
});
