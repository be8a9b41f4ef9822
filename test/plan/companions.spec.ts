import { describe, expect, it } from 'vitest';
import { elements, roles } from '../../core/codec/elements.ts';
import { columnsOf, findCompanions, type Candidate } from '../../core/plan/companions.ts';

const half = (name: string, shape: number[], element: 5 | 6 = elements.bfloat16): Candidate => ({
  name,
  shape,
  element,
  length: shape.reduce((product, size) => product * size, 2),
});
const full = (name: string, shape: number[]): Candidate => ({
  ...half(name, shape),
  element: elements.float32,
  length: 2 * half(name, shape).length,
});
const pairs = (contents: Candidate[]): [number, number][] => [...findCompanions(contents)].map(([index, { content }]) => [index, content]);

describe('masters', () => {
  it('pair by name, whatever wrappers put before it and in whatever order', () => {
    const contents = [half('b', [4]), half('a', [4], elements.float16), full('module.a', [4]), full('_orig_mod.b', [4])];
    expect(pairs(contents).sort()).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(findCompanions(contents).get(0)).toEqual({ role: roles.master, content: 3 });
  });

  it('pair in order within a shape where names differ, and only among equally many', () => {
    const masters = [full('optimizer.0.0', [2, 3]), full('optimizer.0.1', [4]), full('optimizer.0.2', [2, 3])];
    expect(pairs([half('x', [2, 3]), half('y', [2, 3]), half('z', [4]), ...masters]).sort()).toEqual([
      [0, 3],
      [1, 5],
      [2, 4],
    ]);
    expect(pairs([half('x', [2, 3]), ...masters])).toEqual([]);
  });

  it('are never what an optimizer keeps beside weights, and never of another number of elements', () => {
    expect(pairs([half('w', [4]), full('state.0.exp_avg', [4])])).toEqual([]);
    expect(pairs([half('w', [4]), full('w', [5])])).toEqual([]);
  });

  it('are not looked for where nothing has a name or a length', () => {
    const unnamed = { element: elements.bfloat16, length: 8 };
    expect(pairs([unnamed, full('w', [4]), half('e', [0]), full('e', [0])])).toEqual([]);
    expect(pairs([])).toEqual([]);
  });
});

describe('means of gradients', () => {
  const moments = (prefix: string): Candidate[] => [
    full(`${prefix}exp_avg`, [4, 3]),
    full(`${prefix}exp_avg_sq`, [4, 3]),
    full(`${prefix}step`, []),
  ];

  it.each(['state.0.', 'optimizer.state.layer.weight.', ''])('pair with the means of their squares: %s', (prefix) => {
    const found = findCompanions(moments(prefix));
    expect([...found]).toEqual([[0, { role: roles.secondMoment, content: 1 }]]);
  });

  it('pair where the word is in the middle of the name or in the file', () => {
    expect(pairs([full('state.exp_avg.w', [4]), full('state.exp_avg_sq.v', [4]), full('state.exp_avg_sq.w', [4])])).toEqual([[0, 2]]);
    const inFile = (file: string): Candidate => ({ ...full('', [4]), file });
    expect(pairs([inFile('zero/w/exp_avg.pt'), inFile('zero/w/exp_avg_sq.pt'), inFile('zero/v/exp_avg_sq.pt')])).toEqual([[0, 1]]);
  });

  it('do not pair with others of the name: another length, another file, another word', () => {
    expect(pairs([full('exp_avg', [4]), full('exp_avg_sq', [5])])).toEqual([]);
    expect(
      pairs([
        { ...full('exp_avg', [4]), file: 'a' },
        { ...full('exp_avg_sq', [4]), file: 'b' },
      ]),
    ).toEqual([]);
    expect(pairs([full('my_exp_avg', [4]), full('my_exp_avg_sq', [4])])).toEqual([]);
  });
});

describe('rows', () => {
  it('are those of the last dimension, or of an output channel', () => {
    expect(columnsOf(full('state.0.exp_avg_sq', [4, 6]))).toBe(6);
    expect(columnsOf(full('state.0.max_exp_avg_sq', [2, 4, 6]))).toBe(6);
    expect(columnsOf(full('state.0.exp_avg_sq', [8, 4, 3, 3]))).toBe(36);
  });

  it('are told of squares that are matrices, and of nothing else', () => {
    expect(columnsOf(full('state.0.exp_avg', [4, 6]))).toBeUndefined();
    expect(columnsOf(full('state.0.exp_avg_sq', [24]))).toBeUndefined();
    expect(columnsOf(half('state.0.exp_avg_sq', [4, 6]))).toBeUndefined();
    expect(columnsOf({ ...full('state.0.exp_avg_sq', [4, 6]), length: 100 })).toBeUndefined();
    expect(columnsOf(full('state.0.exp_avg_sq', [0, 6]))).toBe(6);
    expect(columnsOf(full('state.0.exp_avg_sq', [6, 0]))).toBeUndefined();
  });
});
