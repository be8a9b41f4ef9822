import { describe, expect, it } from 'vitest';
import { elements, roles } from '../../core/codec/elements.ts';
import { findCompanions, type Candidate } from '../../core/plan/companions.ts';

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
