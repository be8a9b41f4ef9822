/** What a pickle describes, as plain records: nothing in here is ever built, imported or called. */

/** Bytes that stay in the pickle; `start` counts from the first byte that the interpreter was given. */
export interface PickleBytes {
  kind: 'bytes';
  start: number;
  length: number;
}

export interface PickleSequence {
  kind: 'list' | 'tuple' | 'set';
  items: PickleValue[];
}

export interface PickleDictionary {
  kind: 'dictionary';
  /** Key, value, key, value ... as they were set; a later key replaces an equal earlier one. */
  pairs: PickleValue[];
}

export interface PickleGlobal {
  kind: 'global';
  module: string;
  name: string;
}

/** Something that Python would make by calling `callee`, and what it would be given afterwards. */
export interface PickleCall {
  kind: 'call';
  callee: PickleValue;
  args: PickleValue[];
  /** From BUILD. */
  state?: PickleValue;
  /** From APPENDS. */
  items: PickleValue[];
  /** From SETITEMS, flat as in a dictionary. */
  pairs: PickleValue[];
}

/** A reference to something outside the pickle; torch stores its storages so. */
export interface PickleReference {
  kind: 'reference';
  id: PickleValue;
}

export type PickleRecord = PickleBytes | PickleSequence | PickleDictionary | PickleGlobal | PickleCall | PickleReference;
export type PickleValue = null | boolean | number | bigint | string | PickleRecord;

/** Whether a value is one of the kinds above, not a plain value. */
export function isRecord(value: PickleValue | undefined): value is PickleRecord {
  return typeof value === 'object' && value !== null;
}

/** Whether a value is a record of this kind. */
export function isKind<K extends PickleRecord['kind']>(value: PickleValue | undefined, kind: K): value is PickleRecord & { kind: K } {
  return isRecord(value) && value.kind === kind;
}

/** `module.name` of a global, else undefined. */
export function globalName(value: PickleValue | undefined): string | undefined {
  return isKind(value, 'global') ? `${value.module}.${value.name}` : undefined;
}

/** Items of a list, tuple or set; undefined for anything else. */
export function itemsOf(value: PickleValue | undefined): PickleValue[] | undefined {
  return isRecord(value) && 'items' in value && value.kind !== 'call' ? value.items : undefined;
}

/** A whole number that fits, else undefined. Python 2 wrote small ones as long too. */
export function wholeNumber(value: PickleValue | undefined): number | undefined {
  if (typeof value === 'bigint') return wholeNumber(Number(value));
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Pairs by key in order of first appearance; the last value of a key counts, as in Python. */
export function entriesOf(pairs: readonly PickleValue[]): Map<PickleValue, PickleValue> {
  const entries = new Map<PickleValue, PickleValue>();
  for (let index = 0; index + 1 < pairs.length; index += 2) entries.set(pairs[index] as PickleValue, pairs[index + 1] as PickleValue);
  return entries;
}

/** The value of a string key in a dictionary. */
export function member(value: PickleValue | undefined, key: string): PickleValue | undefined {
  if (!isKind(value, 'dictionary')) return undefined;
  const at = value.pairs.findLastIndex((candidate, index) => index % 2 === 0 && candidate === key);
  return at < 0 ? undefined : value.pairs[at + 1];
}
