/** Which elements are looked at, and what tensors are called together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignRanges } from '../../core/analysis/measure.ts';
import { sample, windowElements, type Sampled } from '../../core/analysis/sampling.ts';
import { kindOf, layerOf, partOfTensor } from '../../core/analysis/subjects.ts';

const tensors = fc.array(
  fc.record({
    group: fc.constantFrom('a', 'b', 'c'),
    elements: fc.integer({ min: 1, max: 40 * windowElements }),
    width: fc.constantFrom(1, 2, 4),
  }),
  { minLength: 1, maxLength: 12 },
);
const bytesOf = (all: readonly Sampled[]): number => all.reduce((sum, { elements, width }) => sum + elements * width, 0);

describe('sampling', () => {
  it('of everything takes each element once', () => {
    const property = fc.property(tensors, (all) => {
      for (const tensor of all) {
        const own = sample(all).filter((window) => window.tensor === tensor);
        expect(own[0]!.start).toBe(0);
        own.forEach((window, index) => expect(window.start + window.count).toBe(own[index + 1]?.start ?? tensor.elements));
      }
    });
    fc.assert(property);
  });

  it('stays inside tensors, passes over no group, and keeps to its budget but for one window a group', () => {
    const property = fc.property(tensors, fc.integer({ min: 1, max: 2 ** 23 }), (all, budget) => {
      const windows = sample(all, budget);
      for (const { tensor, start, count } of windows) {
        expect(start % windowElements).toBe(0);
        expect(count).toBeGreaterThan(0);
        expect(start + count).toBeLessThanOrEqual(tensor.elements);
      }
      const places = windows.map((window) => `${all.indexOf(window.tensor)}:${window.start}`);
      expect(new Set(places).size).toBe(places.length);
      expect(new Set(windows.map(({ tensor }) => tensor.group))).toEqual(new Set(all.map(({ group }) => group)));
      if (bytesOf(all) <= budget) expect(windows).toEqual(sample(all));
    });
    fc.assert(property);
  });

  it('reads about the budget where tensors are large, the same places every time', () => {
    const all = Array.from({ length: 8 }, (_, index) => ({ group: `layer ${index}`, elements: 4_000_000, width: 2 }));
    const windows = sample(all, 16 * 2 ** 20);
    const bytes = windows.reduce((sum, { count, tensor }) => sum + count * tensor.width, 0);
    expect(bytes).toBeGreaterThan(14 * 2 ** 20);
    expect(bytes).toBeLessThanOrEqual(16 * 2 ** 20);
    expect(sample(all, 16 * 2 ** 20)).toEqual(windows);
  });
});

describe('ranges that are divided differently', () => {
  it('are cut at the same places, and stay the same bytes', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
    const rangesOf = (path: string, lengths: number[], total: number) => {
      let at = 0;
      const ranges = lengths.map((length) => ({ path, offset: (at += length) - length, length }));
      return at < total ? [...ranges, { path, offset: at, length: total - at }] : ranges;
    };
    const property = fc.property(cuts, cuts, (a, b) => {
      const total = Math.max(...[a, b].map((lengths) => lengths.reduce((sum, length) => sum + length, 0)));
      const cut = alignRanges(rangesOf('now', a, total), rangesOf('before', b, total));
      expect(cut.sources.map(({ length }) => length)).toEqual(cut.bases.map(({ length }) => length));
      for (const ranges of [cut.sources, cut.bases]) {
        ranges.forEach(({ offset, length }, index) => expect(offset + length).toBe(ranges[index + 1]?.offset ?? total));
      }
    });
    fc.assert(property);
  });
});

describe('what a tensor is', () => {
  it('tells weights from optimizer state, by file and by name', () => {
    expect(partOfTensor('model.safetensors', 'model.layers.0.mlp.up_proj.weight')).toBe('weights');
    expect(partOfTensor('optimizer.pt', 'state.0.exp_avg')).toBe('optimizer');
    expect(partOfTensor('ckpt.pt', 'optimizer.state.3.exp_avg_sq')).toBe('optimizer');
    expect(partOfTensor('ckpt.pt', 'model.transformer.wte.weight')).toBe('weights');
    expect(partOfTensor('rng_state.pth', 'cpu')).toBe('other');
  });

  it('keeps moments and dtypes apart', () => {
    expect(kindOf('optimizer.pt', 'state.0.exp_avg', 'F32')).toBe('exp_avg F32');
    expect(kindOf('optimizer.pt', 'state.0.exp_avg_sq', 'F32')).toBe('exp_avg_sq F32');
    expect(kindOf('optimizer.pt', 'state.0.step', 'F32')).toBe('optimizer F32');
    expect(kindOf('model.safetensors', 'lm_head.weight', 'BF16')).toBe('weights BF16');
  });

  it('finds the layer in a name', () => {
    expect(layerOf('model.layers.12.mlp.experts.3.up_proj.weight')).toBe('model.layers.12');
    expect(layerOf('transformer.h.0.attn.c_attn.weight')).toBe('transformer.h.0');
    expect(layerOf('lm_head.weight')).toBe('lm_head');
    expect(layerOf('bias')).toBe('bias');
  });
});
