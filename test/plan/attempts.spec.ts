/** What a watch leaves after it failed, and for how long. */
import { expect, it } from 'vitest';
import { Attempts } from '../../core/plan/attempts.ts';

const minuteMs = 60_000;
const found = { path: '/run/step-1', modifiedMs: 5 };

it('a checkpoint that failed is left twice as long each time, an hour at most', () => {
  const attempts = new Attempts();
  expect(attempts.isDue(found, 0)).toBe(true);
  let nowMs = 0;
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    expect(attempts.failed(found, nowMs)).toBe(minutes * minuteMs);
    expect(attempts.isDue(found, nowMs + minutes * minuteMs - 1)).toBe(false);
    expect(attempts.isDue({ path: '/run/step-2', modifiedMs: 5 }, nowMs)).toBe(true);
    nowMs += minutes * minuteMs;
    expect(attempts.isDue(found, nowMs)).toBe(true);
  }
});

it('one that changed is due at once, and its next failure counts as the first', () => {
  const attempts = new Attempts();
  attempts.failed(found, 0);
  attempts.failed(found, minuteMs);
  const changed = { ...found, modifiedMs: 6 };
  expect(attempts.isDue(changed, minuteMs)).toBe(true);
  expect(attempts.failed(changed, minuteMs)).toBe(minuteMs);
  attempts.succeeded(changed);
  expect(attempts.isDue(changed, minuteMs)).toBe(true);
});

it('a clock that was set back makes nobody wait longer', () => {
  const attempts = new Attempts();
  attempts.failed(found, 10 * minuteMs);
  expect(attempts.isDue(found, 9 * minuteMs)).toBe(true);
});
