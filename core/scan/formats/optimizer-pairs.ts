/**
 * Pairs the state of an optimizer with the parameters it belongs to. torch numbers parameters in the order of its parameter
 * groups, not by name (`state.3.exp_avg`), and groups reorder them; but within one shape the order stays that of the model wherever
 * groups are formed by kind (with and without decay). So a shape is paired in order where both sides have it equally
 * often, and left alone where they don't: no pair is better than a wrong one. Where the state is by name, the name decides.
 */
import type { Tensor } from '../file-layout.ts';

/** What the optimizer keeps for one parameter. */
export interface OptimizerPair {
  /** What stands before `state` in the names, such as `optimizer_states.0`; empty where nothing does. */
  optimizer: string;
  /** Number or name of the parameter, in the optimizer's words. */
  key: string;
  /** Index of the state tensor by slot: exp_avg, exp_avg_sq, momentum_buffer, step ... */
  slots: Map<string, number>;
  /** Index of the parameter, or -1 where it can't be told. */
  parameter: number;
}

interface StateName {
  optimizer: string;
  key: string;
  slot: string;
}

const slotNames = new Set([
  'exp_avg',
  'exp_avg_sq',
  'max_exp_avg_sq',
  'momentum_buffer',
  'step',
  'fp32_param',
  'param',
  'square_avg',
  'grad_avg',
  'exp_inf',
  'acc_delta',
  'sum',
  'ax',
  'master_param',
]);
const buffers = /(^|\.)(running_mean|running_var|num_batches_tracked|masked_bias|inv_freq)$/;
const floats = new Set(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2']);

/** `[optimizer.]state.<key>.<slot>`, or Megatron's `[optimizer.]state.<slot>.<key>`; undefined for other names. */
export function stateName(name: string): StateName | undefined {
  const match = /^(?:(.*?)\.)?state\.(.+)$/.exec(name);
  const [optimizer, rest] = [match?.[1] ?? '', match?.[2] ?? ''];
  const last = rest.lastIndexOf('.');
  if (last < 0) return undefined;
  if (slotNames.has(rest.slice(last + 1)) || /^[0-9]+\.[^.]+$/.test(rest))
    return { optimizer, key: rest.slice(0, last), slot: rest.slice(last + 1) };
  const first = rest.indexOf('.');
  return slotNames.has(rest.slice(0, first)) ? { optimizer, key: rest.slice(first + 1), slot: rest.slice(0, first) } : undefined;
}

function gatherState(tensors: readonly Tensor[]): OptimizerPair[] {
  const pairs = new Map<string, OptimizerPair>();
  for (const [index, tensor] of tensors.entries()) {
    const parsed = stateName(tensor.name);
    if (!parsed) continue;
    const id = JSON.stringify([parsed.optimizer, parsed.key]);
    const pair = pairs.get(id) ?? { optimizer: parsed.optimizer, key: parsed.key, slots: new Map(), parameter: -1 };
    pair.slots.set(parsed.slot, index);
    pairs.set(id, pair);
  }
  return [...pairs.values()];
}

/** Shape of the moments; undefined where a parameter has only scalars. */
function shapeOf(pair: OptimizerPair, state: readonly Tensor[]): string | undefined {
  const moment = [...pair.slots].find(([slot]) => slot !== 'step');
  return moment && JSON.stringify(state[moment[1]]?.shape);
}

/** Indices of what may be a parameter: floats, each storage once (tied weights), no buffers, no optimizer state. */
function candidates(parameters: readonly Tensor[]): number[] {
  const seen = new Set<string>();
  return parameters.flatMap((tensor, index) => {
    const place = `${tensor.part}:${tensor.offset}`;
    const usable =
      floats.has(tensor.dtype) && tensor.part !== -1 && !seen.has(place) && !buffers.test(tensor.name) && !stateName(tensor.name);
    seen.add(place);
    return usable ? [index] : [];
  });
}

function byShape<T>(items: readonly T[], shape: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = shape(item);
    if (key === undefined) continue;
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return groups;
}

/** A checkpoint with both weights and their average holds every shape twice: then one of its branches may fit. */
function branches(indices: number[], parameters: readonly Tensor[]): number[][] {
  const groups = byShape(indices, (index) => parameters[index]?.name.split('.', 1)[0]);
  return [indices, ...groups.values()];
}

function pairByOrder(pairs: OptimizerPair[], state: readonly Tensor[], parameters: readonly Tensor[], indices: number[]): number {
  const wanted = byShape(pairs, (pair) => shapeOf(pair, state));
  const there = byShape(indices, (index) => JSON.stringify(parameters[index]?.shape));
  let paired = 0;
  for (const [shape, group] of wanted) {
    const matching = there.get(shape) ?? [];
    const fits = matching.length === group.length;
    for (const [position, pair] of group.entries()) pair.parameter = fits ? (matching[position] as number) : -1;
    if (fits) paired += group.length;
  }
  return paired;
}

function pairNumbered(pairs: OptimizerPair[], state: readonly Tensor[], parameters: readonly Tensor[], indices: number[]): void {
  const ordered = [...pairs].sort((a, b) => Number(a.key) - Number(b.key));
  let best = { paired: -1, indices };
  for (const branch of branches(indices, parameters)) {
    const paired = pairByOrder(ordered, state, parameters, branch);
    if (paired > best.paired) best = { paired, indices: branch };
  }
  pairByOrder(ordered, state, parameters, best.indices);
}

/**
 * Pairs optimizer state with parameters. Pure.
 *
 * @param state tensors of the file that holds the optimizer
 * @param parameters tensors of the file that holds the model; the same where one file holds both
 * @returns one record for each parameter the optimizer keeps state for, in the order of the file
 */
export function describeOptimizer(state: readonly Tensor[], parameters: readonly Tensor[]): OptimizerPair[] {
  const pairs = gatherState(state);
  const indices = candidates(parameters);
  const byName = new Map(indices.map((index) => [parameters[index]?.name, index]));
  for (const pair of pairs) pair.parameter = byName.get(pair.key) ?? -1;
  const numbered = pairs.filter((pair) => /^[0-9]+$/.test(pair.key));
  for (const optimizer of new Set(numbered.map((pair) => pair.optimizer))) {
    pairNumbered(
      numbered.filter((pair) => pair.optimizer === optimizer),
      state,
      parameters,
      indices,
    );
  }
  return pairs;
}
