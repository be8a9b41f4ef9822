/** Groups siblings whose names differ only in their numbers. */
import { readNumberedName } from './names.ts';

export interface FamilyMember<T> {
  entry: T;
  step: number;
}

export interface Family<T> {
  members: FamilyMember<T>[];
  /** True where the names themselves say that their numbers are steps. */
  sure: boolean;
}

/** Extensions of up to eight letters are no part of a numbered name; `v1.5` and `step.100` are. */
const extension = /\.[a-z][a-z\d]{1,11}$/i;

function withoutExtension(name: string): string {
  return name.replace(extension, '');
}

/** Families in order of their first member; entries without a number are in none. */
export function groupFamilies<T extends { name: string }>(entries: readonly T[], stripExtension: boolean): Family<T>[] {
  const families = new Map<string, Family<T>>();
  for (const entry of entries) {
    const stem = stripExtension ? withoutExtension(entry.name) : entry.name;
    const numbered = readNumberedName(stem);
    if (!numbered) continue;
    const key = `${numbered.family}\n${entry.name.slice(stem.length)}`;
    const family = families.get(key) ?? { members: [], sure: numbered.sure };
    family.members.push({ entry, step: numbered.step });
    families.set(key, family);
  }
  return [...families.values()];
}

/** True where no two members stand at the same step. */
export function hasDistinctSteps(family: Family<unknown>): boolean {
  return new Set(family.members.map((member) => member.step)).size === family.members.length;
}
