import { expect, it } from 'vitest';
import { tomorrow } from '../../core/plan/pause.ts';

const at = (text: string): number => new Date(text).getTime();

it.each([
  ['2026-11-26T09:00', '2026-11-27T08:00'],
  ['2026-12-31T23:59', '2027-01-01T08:00'],
  ['2026-11-27T01:30', '2026-11-27T08:00'],
  ['2026-11-27T05:00', '2026-11-28T08:00'],
])('a pause until tomorrow made at %s ends at %s', (now, then) => expect(tomorrow(at(now))).toBe(at(then)));
