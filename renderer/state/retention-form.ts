/** Rules of retention as they are typed, each as text; an empty one says nothing. */
import type { Retention } from '../../core/contract/model.ts';

export type RuleTexts = Record<keyof Retention, string>;

const gibibyte = 2 ** 30;

export const noRules = (): RuleTexts => ({ keepLast: '', keepEvery: '', keepBest: '', keepDays: '', keepBytes: '', stateLast: '' });

/** A number, where one was typed. Number fields give numbers, or null where they were emptied. */
export const optional = (typed: string | number | null | undefined): number | undefined =>
  String(typed ?? '').trim() === '' ? undefined : Number(typed);

/** Sizes are typed in GiB. */
export const inForm = (rule: string, value: number): string => String(rule === 'keepBytes' ? value / gibibyte : value);

/** The rules that were typed; the service refuses where there are none. */
export function retentionOf(texts: Readonly<RuleTexts>): Retention {
  const given = Object.entries(texts).flatMap(([rule, typed]) => {
    const value = optional(typed);
    return value === undefined ? [] : [[rule, rule === 'keepBytes' ? Math.round(value * gibibyte) : value]];
  });
  return Object.fromEntries(given) as Retention;
}
