import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../../core/scan/file-layout.ts';
import { describeOptimizer, stateName } from '../../../core/scan/formats/optimizer-pairs.ts';

let parts = 0;
function tensor(name: string, shape: number[], more: Partial<Tensor> = {}): Tensor {
  return { name, dtype: 'F32', shape, part: parts++, offset: 0, ...more };
}

function adam(prefix: string, key: number | string, shape: number[]): Tensor[] {
  return [tensor(`${prefix}${key}.step`, []), tensor(`${prefix}${key}.exp_avg`, shape), tensor(`${prefix}${key}.exp_avg_sq`, shape)];
}

function paired(state: Tensor[], parameters: Tensor[]): (string | undefined)[] {
  return describeOptimizer(state, parameters).map(({ parameter }) => parameters[parameter]?.name);
}

const model = [
  tensor('wte', [50, 8]),
  tensor('h.0.ln.weight', [8]),
  tensor('h.0.ln.bias', [8]),
  tensor('h.0.fc.weight', [8, 32]),
  tensor('h.0.fc.bias', [32]),
  tensor('h.0.mask', [4, 4], { dtype: 'U8' }),
  tensor('ln_f.weight', [8]),
];

describe('optimizer state', () => {
  test('names are taken apart', () => {
    expect(stateName('state.3.exp_avg')).toEqual({ optimizer: '', key: '3', slot: 'exp_avg' });
    expect(stateName('optimizer_states.0.state.12.momentum_buffer')).toEqual({
      optimizer: 'optimizer_states.0',
      key: '12',
      slot: 'momentum_buffer',
    });
    expect(stateName('optim.state.layers.0.weight.exp_avg_sq')).toEqual({ optimizer: 'optim', key: 'layers.0.weight', slot: 'exp_avg_sq' });
    expect(stateName('optimizer.state.exp_avg.decoder.weight')).toEqual({ optimizer: 'optimizer', key: 'decoder.weight', slot: 'exp_avg' });
    for (const name of ['state_dict.0.weight', 'model.weight', 'state', 'state.3']) expect(stateName(name)).toBeUndefined();
  });

  test('is paired by shape and order where groups part decay from no decay', () => {
    const state = [[50, 8], [8, 32], [8], [8], [32], [8]].flatMap((shape, index) => adam('state.', index, shape));
    expect(paired(state, model)).toEqual(['wte', 'h.0.fc.weight', 'h.0.ln.weight', 'h.0.ln.bias', 'h.0.fc.bias', 'ln_f.weight']);
    expect(describeOptimizer(state, model)[1]?.slots).toEqual(
      new Map([
        ['step', 3],
        ['exp_avg', 4],
        ['exp_avg_sq', 5],
      ]),
    );
  });

  test('is ordered by number, not by where it stands', () => {
    const state = [...adam('state.', 10, [8]), ...adam('state.', 9, [8])];
    expect(describeOptimizer(state, [tensor('a', [8]), tensor('b', [8])]).map(({ key, parameter }) => [key, parameter])).toEqual([
      ['10', 1],
      ['9', 0],
    ]);
  });

  test('a shape that one side has more often is left alone', () => {
    const state = [...adam('state.', 0, [8]), ...adam('state.', 1, [50, 8])];
    expect(paired(state, model)).toEqual([undefined, 'wte']);
  });

  test('tied weights count once, buffers not at all', () => {
    const wte = tensor('wte', [8]);
    const parameters = [wte, tensor('lm_head', [8], { part: wte.part }), tensor('bn.running_mean', [8]), tensor('w', [8])];
    expect(paired([...adam('state.', 0, [8]), ...adam('state.', 1, [8])], parameters)).toEqual(['wte', 'w']);
  });

  test('of weights and their average, the branch that fits is taken', () => {
    const both = [tensor('model.w', [8]), tensor('model.v', [4]), tensor('ema.w', [8]), tensor('ema.v', [4])];
    expect(paired([...adam('opt.state.', 0, [8]), ...adam('opt.state.', 1, [4])], both)).toEqual(['model.w', 'model.v']);
  });

  test('the name decides where there is one', () => {
    expect(paired(adam('state.', 'h.0.ln.bias', [8]), model)).toEqual(['h.0.ln.bias']);
    expect(paired(adam('state.', 'unknown.bias', [8]), model)).toEqual([undefined]);
  });

  test('several optimizers are paired each on its own', () => {
    const state = [...adam('optimizer_states.0.state.', 0, [50, 8]), ...adam('optimizer_states.1.state.', 0, [8, 32])];
    expect(paired(state, model)).toEqual(['wte', 'h.0.fc.weight']);
  });

  test('no state, no pairs', () => {
    expect(describeOptimizer(model, model)).toEqual([]);
  });
});
