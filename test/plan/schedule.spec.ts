/** When schedules are due: zones that change their clocks, machines that sleep, clocks that are set. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Trigger } from '../../core/contract/model.ts';
import { choose, releasable, fitsPattern, nothingBecause, type Candidate } from '../../core/plan/policy.ts';
import { checkTrigger, dueNow, quietUntil, upcoming, reasonNotAgain, settledAnew, type EndedRun } from '../../core/plan/schedule.ts';

const at = (text: string): number => Date.parse(text);
const minuteMs = 60_000;
const berlin = (expression: string): Trigger => ({ kind: 'cron', expression, timeZone: 'Europe/Berlin' });

describe('cron', () => {
  it('is due from its time on, until that time is settled', () => {
    const trigger = berlin('30 2 * * *');
    const lastDueMs = at('2026-01-10T12:00:00Z');
    expect(dueNow(trigger, { lastDueMs }, at('2026-01-11T01:29:59Z'))).toBeUndefined();
    const due = dueNow(trigger, { lastDueMs }, at('2026-01-11T01:30:00Z'));
    expect(due).toEqual({ dueMs: at('2026-01-11T01:30:00Z'), missed: 0 });
    expect(dueNow(trigger, { lastDueMs: due!.dueMs }, at('2026-01-11T05:00:00Z'))).toBeUndefined();
  });

  it('keeps its wall-clock time when clocks change, and runs once on either night', () => {
    const daily = berlin('0 12 * * *');
    expect(upcoming(daily, 0, at('2026-03-28T00:00:00Z'), 2)).toEqual([at('2026-03-28T11:00:00Z'), at('2026-03-29T10:00:00Z')]);
    for (const [night, zone] of [
      ['2026-03-29', '30 2 * * *'],
      ['2026-10-25', '30 2 * * *'],
    ] as const) {
      const startMs = at(`${night}T00:00:00Z`) - 12 * 60 * minuteMs;
      let [lastDueMs, runs] = [startMs, 0];
      for (let nowMs = startMs; nowMs < startMs + 24 * 60 * minuteMs; nowMs += minuteMs) {
        const due = dueNow(berlin(zone), { lastDueMs }, nowMs);
        if (due) [lastDueMs, runs] = [due.dueMs, runs + 1];
      }
      expect(runs).toBe(1);
    }
  });

  it.each([
    ['Australia/Lord_Howe', '15 2 * * *', 2026, 365], // the clock is set by half an hour, at two
    ['Africa/Cairo', '0 0 * * *', 2026, 365], // one midnight doesn't come to pass
    ['Antarctica/Troll', '30 2 * * *', 2026, 365], // by two hours
    ['Africa/Casablanca', '30 2 * * *', 2026, 365], // by the moon
    ['Pacific/Apia', '30 2 * * *', 2011, 364], // without a thirtieth of December
  ])('in %s runs at %s on every day of a year that there is, once', (timeZone, expression, year, days) => {
    const trigger: Trigger = { kind: 'cron', expression, timeZone };
    const dayOf = (ms: number): string => new Intl.DateTimeFormat('en-CA', { timeZone }).format(ms);
    const seen: string[] = [];
    let lastDueMs = at(`${year - 1}-12-30T12:00:00Z`);
    for (let nowMs = lastDueMs; nowMs < at(`${year + 1}-01-02T12:00:00Z`); nowMs += 6 * 60 * minuteMs) {
      const due = dueNow(trigger, { lastDueMs }, nowMs);
      if (!due) continue;
      expect(due.missed).toBe(0);
      seen.push(dayOf(due.dueMs));
      lastDueMs = due.dueMs;
    }
    const own = seen.filter((day) => day.startsWith(String(year)));
    expect([own.length, new Set(own).size]).toEqual([days, days]);
  });

  it('catches up once after a sleep, however much it missed', () => {
    const hourly: Trigger = { kind: 'cron', expression: '0 * * * *', timeZone: 'UTC' };
    const due = dueNow(hourly, { lastDueMs: at('2026-01-01T00:00:00Z') }, at('2026-01-03T10:20:00Z'));
    expect(due).toEqual({ dueMs: at('2026-01-03T10:00:00Z'), missed: 57 });
    const minutely: Trigger = { kind: 'cron', expression: '* * * * *', timeZone: 'UTC' };
    expect(dueNow(minutely, { lastDueMs: at('2025-01-01T00:00:00Z') }, at('2026-01-01T00:00:30Z'))).toEqual({
      dueMs: at('2026-01-01T00:00:00Z'),
      missed: 1000,
    });
  });

  it('does not run twice where the clock is set back, and counts anew where it was far ahead', () => {
    const daily: Trigger = { kind: 'cron', expression: '0 12 * * *', timeZone: 'UTC' };
    expect(dueNow(daily, { lastDueMs: at('2026-05-05T12:00:00Z') }, at('2026-05-05T11:30:00Z'))).toBeUndefined();
    expect(upcoming(daily, at('2099-01-01T00:00:00Z'), at('2026-05-05T11:30:00Z'), 1)).toEqual([at('2026-05-05T12:00:00Z')]);
    const nowMs = at('2026-05-05T12:00:00Z');
    expect(settledAnew(daily, at('2099-01-01T00:00:00Z'), nowMs)).toBe(nowMs);
    expect(settledAnew(daily, at('2026-05-06T11:00:00Z'), nowMs)).toBeUndefined();
    expect(settledAnew({ kind: 'interval', minutes: 10 }, nowMs + 1, nowMs)).toBe(nowMs);
    expect(settledAnew({ kind: 'interval', minutes: 10 }, nowMs, nowMs)).toBeUndefined();
  });

  it.each(['', 'often', '61 * * * *', '* * * *', '* * * * * *', '0 0 30 2 *'])('refuses %j in one line', (expression) => {
    expect(() => checkTrigger({ kind: 'cron', expression }, at('2026-01-01T00:00:00Z'))).toThrow(
      expect.objectContaining({ code: 'bad_request', message: expect.not.stringContaining('\n') as string }) as Error,
    );
  });

  it('refuses a time zone that is none', () => {
    expect(() => checkTrigger({ kind: 'cron', expression: '0 0 * * *', timeZone: 'Mars/Olympus' }, 0)).toThrow(
      expect.objectContaining({ code: 'bad_request' }) as Error,
    );
  });
});

describe('interval and idle', () => {
  it('settle every stretch of time exactly once, whatever the looks are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.array(fc.integer({ min: 0, max: 5000 * minuteMs }), { minLength: 1, maxLength: 50 }),
        (minutes, gapsMs) => {
          let [nowMs, lastDueMs, settled] = [0, 0, 0];
          for (const gapMs of gapsMs) {
            nowMs += gapMs;
            const due = dueNow({ kind: 'interval', minutes }, { lastDueMs }, nowMs);
            if (!due) continue;
            expect(due.dueMs).toBeLessThanOrEqual(nowMs);
            expect(due.dueMs % (minutes * minuteMs)).toBe(0);
            settled += (due.dueMs - lastDueMs) / (minutes * minuteMs);
            lastDueMs = due.dueMs;
          }
          expect(settled).toBe(Math.floor(nowMs / (minutes * minuteMs)));
        },
      ),
    );
  });

  it('an idle machine is used once until it was busy again', () => {
    const trigger: Trigger = { kind: 'idle', minutes: 10 };
    const idleSinceMs = 100 * minuteMs;
    expect(dueNow(trigger, { lastDueMs: 0, idleSinceMs }, 109 * minuteMs)).toBeUndefined();
    const due = dueNow(trigger, { lastDueMs: 0, idleSinceMs }, 110 * minuteMs)!;
    expect(dueNow(trigger, { lastDueMs: due.dueMs, idleSinceMs }, 900 * minuteMs)).toBeUndefined();
    expect(dueNow(trigger, { lastDueMs: due.dueMs, idleSinceMs: 950 * minuteMs }, 960 * minuteMs)).toBeDefined();
    expect(dueNow(trigger, { lastDueMs: due.dueMs }, 960 * minuteMs)).toBeUndefined();
  });
});

describe('quiet hours', () => {
  it('may go over midnight, and end at their wall-clock time also when clocks change', () => {
    const quiet = { from: '22:00', to: '08:00' };
    expect(quietUntil(quiet, at('2026-01-10T20:59:00Z'), 'Europe/Berlin')).toBeUndefined();
    expect(quietUntil(quiet, at('2026-01-10T21:00:00Z'), 'Europe/Berlin')).toBe(at('2026-01-11T07:00:00Z'));
    expect(quietUntil(quiet, at('2026-03-28T23:00:00Z'), 'Europe/Berlin')).toBe(at('2026-03-29T06:00:00Z'));
    expect(quietUntil(quiet, at('2026-01-11T07:00:00Z'), 'Europe/Berlin')).toBeUndefined();
    expect(quietUntil({ from: '08:00', to: '18:00' }, at('2026-01-11T12:00:00Z'), 'UTC')).toBe(at('2026-01-11T18:00:00Z'));
    expect(quietUntil({ from: '08:00', to: '08:00' }, 0, 'UTC')).toBeUndefined();
  });
});

describe('what a watch sees after a job that did not succeed', () => {
  const ended = (state: EndedRun['state']): EndedRun => ({ job: 'j', state, endedMs: 1000, paths: ['/a', '/b'] });
  const hourMs = 60 * minuteMs;

  it('waits where it is the same: for an hour where that failed, for something new where it was cancelled', () => {
    expect(reasonNotAgain(ended('failed'), ['/a'], 1000 + hourMs - 1)).toMatch(/^job j failed/);
    expect(reasonNotAgain(ended('failed'), ['/a'], 1000 + hourMs)).toBeUndefined();
    expect(reasonNotAgain(ended('failed'), ['/a'], 0)).toBeUndefined(); // the clock was set back
    expect(reasonNotAgain(ended('cancelled'), ['/b'], 1000 + 1000 * hourMs)).toMatch(/^job j was cancelled/);
    expect(reasonNotAgain(ended('cancelled'), ['/b', '/c'], 1001)).toBeUndefined();
    for (const state of ['done', 'interrupted'] as const) expect(reasonNotAgain(ended(state), ['/a'], 1001)).toBeUndefined();
    expect(reasonNotAgain(undefined, ['/a'], 1001)).toBeUndefined();
  });
});

describe('a policy', () => {
  const step = (number: number, more: Partial<Candidate> = {}): Candidate => ({
    run: 'ft/07',
    runPath: '/runs/ft/07',
    step: number,
    path: `/runs/ft/07/${number}`,
    modifiedMs: number * minuteMs,
    state: 'complete',
    archived: false,
    ...more,
  });
  const any = { runs: '*', olderThanMinutes: 0, leaveNewest: 0 };

  it('leaves the newest of every run, the young, the archived and what is not whole, and says why', () => {
    const steps = [
      step(5),
      step(1, { archived: true }),
      step(2),
      step(3),
      step(4, { state: 'incomplete' }),
      step(6, { state: 'being-written' }),
    ];
    const choice = choose(steps, { ...any, olderThanMinutes: 98, leaveNewest: 1 }, 100 * minuteMs);
    expect(choice.archive.map((candidate) => candidate.step)).toEqual([2]);
    expect(nothingBecause(choice)).toBe(
      'nothing to archive: 1 archived already, 1 younger than 98 minutes, 1 incomplete, 1 among the newest 1, 1 being written',
    );
    expect(choose(steps, { ...any, runs: 'ft*' }, 0).archive.map((candidate) => candidate.step)).toEqual([2, 3, 5]);
    expect(choose(steps, { ...any, runs: 'base-*' }, 0).archive).toEqual([]);
    expect(nothingBecause(choose([], any, 0))).toBe('no checkpoints were found');
  });

  it('knows what is left to release: archived, of its runs and not among the newest', () => {
    const steps = [1, 2, 3].map((number) => step(number, { archived: number !== 2 }));
    const other = step(9, { run: 'b', runPath: '/runs/b', archived: true });
    const left = (keepNewest: number, runs = '*'): number[] =>
      releasable([...steps, other], { runs, release: { keepNewest, placeholder: false, trash: false } }).map((one) => one.step);
    expect([left(0), left(1), left(0, 'b'), left(3)]).toEqual([[1, 3, 9], [1], [9], []]);
    expect(releasable(steps, { runs: '*' })).toEqual([]);
  });

  it('takes runs by a pattern of stars and question marks, and everything else as it is', () => {
    expect(
      ['ft/07', 'ft-07', 'a.b', 'a+b(c)'].map((name) =>
        ['*', 'ft*', 'ft?07', 'a.b', 'a+b(*)'].filter((pattern) => fitsPattern(name, pattern)),
      ),
    ).toEqual([
      ['*', 'ft*', 'ft?07'],
      ['*', 'ft*', 'ft?07'],
      ['*', 'a.b'],
      ['*', 'a+b(*)'],
    ]);
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (name) => fitsPattern(name, name.replaceAll(/./gsu, '?')) && fitsPattern(name, '*')),
    );
  });

  it('counts the newest per run, among those that are whole', () => {
    const other = step(9, { run: 'b', runPath: '/runs/b' });
    const choice = choose([step(1), step(2), step(3, { state: 'incomplete' }), other], { ...any, leaveNewest: 1 }, 0);
    expect(choice.archive.map((candidate) => candidate.step)).toEqual([1]);
  });
});
