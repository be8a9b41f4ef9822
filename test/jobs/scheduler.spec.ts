/** The scheduler over a real catalogue: a year of it by a clock of the test's own, and the real thing in a service. */
import { cpSync, globSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { ScheduleFile } from '../../core/catalogue/schedule-file.ts';
import { manners, scheduleDraft, type Job, type Schedule, type ScheduleRun } from '../../core/contract/model.ts';
import { Scheduler } from '../../core/jobs/scheduler.ts';
import { findCandidates, type Sight } from '../../core/jobs/watch.ts';
import type { Candidate } from '../../core/plan/policy.ts';
import { sampleChain, Served } from '../service/served.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-schedules-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A year in which a trainer leaves a checkpoint every six hours, and jobs take as long as the test says. */
class Year {
  readonly catalogue = Catalogue.open(path.join(folder, 'catalogue.sqlite'));
  readonly records = ScheduleFile.open(folder, this.catalogue);
  readonly archived = new Map<number, number>();
  readonly starts: { atMs: number; schedule: string; steps: number[] }[] = [];
  nowMs: number;
  battery = false;
  /** As on a mount that doesn't answer, or in a process that is killed there. */
  looksForEver = false;
  jobMs = 5 * minuteMs;
  #busyUntilMs = 0;
  readonly #beganMs: number;
  readonly scheduler: Scheduler;

  constructor(begin: string) {
    this.nowMs = this.#beganMs = Date.parse(begin);
    this.scheduler = this.open();
  }

  open(): Scheduler {
    return new Scheduler({
      records: this.records,
      nowMs: () => this.nowMs,
      machine: { state: () => ({ onBattery: this.battery, isStoreMetered: false }), idleSinceMs: () => undefined },
      manners: () => manners.parse({}),
      find: () => (this.looksForEver ? new Promise(() => undefined) : Promise.resolve({ candidates: this.#candidates(), unreachable: [] })),
      start: (schedule, checkpoints) => this.#start(schedule, checkpoints),
      activeJob: () => (this.nowMs < this.#busyUntilMs ? ({ id: 'busy' } as Job) : undefined),
      lastRun: () => undefined,
      watch: () => () => undefined,
      onChange: () => undefined,
      onProblem: (message) => expect.unreachable(message),
    });
  }

  async run(days: number, stepMs: number, change?: (nowMs: number) => void): Promise<void> {
    for (const endMs = this.nowMs + days * dayMs; this.nowMs < endMs; this.nowMs += stepMs) {
      change?.(this.nowMs);
      await this.scheduler.tick();
    }
  }

  #candidates(): Candidate[] {
    const count = Math.floor((this.nowMs - this.#beganMs) / (6 * 60 * minuteMs));
    return Array.from({ length: count }, (_, step) => ({
      run: 'run',
      runPath: '/run',
      step,
      path: `/run/${step}`,
      modifiedMs: this.#beganMs + (step + 1) * 6 * 60 * minuteMs,
      state: 'complete' as const,
      archived: this.archived.has(step),
    }));
  }

  #start(schedule: Schedule, checkpoints: readonly Candidate[]): Job {
    for (const { step } of checkpoints) {
      expect(this.archived.has(step)).toBe(false);
      this.archived.set(step, this.nowMs);
    }
    this.starts.push({ atMs: this.nowMs, schedule: schedule.name, steps: checkpoints.map(({ step }) => step) });
    this.#busyUntilMs = this.nowMs + this.jobMs;
    return { id: `job-${this.starts.length}` } as Job;
  }
}

const draft = (more: object): ReturnType<typeof scheduleDraft.parse> =>
  scheduleDraft.parse({
    name: 'nightly',
    paths: ['/run'],
    trigger: { kind: 'cron', expression: '30 2 * * *', timeZone: 'Europe/Berlin' },
    ...more,
  });
const hourIn = (zone: string, atMs: number): string =>
  new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: zone }).format(atMs);
const counts = (runs: ScheduleRun[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(runs, ({ outcome }) => outcome)].map(([outcome, of]) => [outcome, of.length]));

describe('a year of schedules', () => {
  it('runs every night once, on the nights when clocks change too, and archives every checkpoint exactly once', async () => {
    const year = new Year('2026-01-01T12:00:00Z');
    const { id } = year.scheduler.save(draft({ policy: { leaveNewest: 2 } }));
    await year.run(365, 30 * minuteMs);
    // The first night finds only the two newest.
    expect(year.starts.length).toBe(364);
    expect(new Set(year.starts.map(({ atMs }) => new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Berlin' }).format(atMs))).size).toBe(
      364,
    );
    const times = new Set(year.starts.map(({ atMs }) => hourIn('Europe/Berlin', atMs)));
    expect([...times].filter((time) => !['02:30', '03:30', '03:00'].includes(time))).toEqual([]);
    const [newest] = [...year.archived.keys()].sort((a, b) => b - a);
    expect(year.archived.size).toBe(newest! + 1);
    expect(year.catalogue.scheduleRuns(id, 1000).length).toBe(365);
    year.catalogue.close();
  });

  it('of a machine that sleeps at night and at weekends catches up once in the morning, and says so', async () => {
    const year = new Year('2026-01-05T06:00:00Z');
    const { id } = year.scheduler.save(draft({}));
    for (let week = 0; week < 52; week++) {
      for (let day = 0; day < 5; day++) {
        await year.run(10 / 24, 60 * minuteMs);
        year.nowMs += 14 * 60 * minuteMs;
      }
      year.nowMs += 2 * dayMs;
    }
    const runs = year.catalogue.scheduleRuns(id, 1000);
    expect(year.starts.length).toBe(52 * 5 - 1);
    expect(runs.filter(({ missed }) => missed === 2).length).toBe(51);
    expect(runs.find(({ missed }) => missed === 2)?.reason).toBe('caught up with 2 missed runs');
    expect(runs.every(({ at, due }) => at >= due)).toBe(true);
    year.catalogue.close();
  });

  it('puts off what falls into quiet hours or a time on battery, tells of it once, and then does it', async () => {
    const year = new Year('2026-06-01T00:00:00Z');
    const { id } = year.scheduler.save(
      draft({ trigger: { kind: 'cron', expression: '0 9 * * *', timeZone: 'UTC' }, policy: { quiet: { from: '08:00', to: '18:00' } } }),
    );
    await year.run(30, 10 * minuteMs, (nowMs) => void (year.battery = nowMs % (2 * dayMs) < dayMs && nowMs % dayMs > 17 * 60 * minuteMs));
    const runs = year.catalogue.scheduleRuns(id, 1000);
    expect(counts(runs)['started']).toBeGreaterThanOrEqual(29);
    for (const { atMs } of year.starts) expect(new Date(atMs).getUTCHours() >= 18 || new Date(atMs).getUTCHours() < 8).toBe(true);
    expect(runs.filter(({ reason }) => reason === 'quiet hours, 08:00 to 18:00').length).toBe(30);
    expect(runs.filter(({ reason }) => reason === 'the machine runs on battery').length).toBeGreaterThan(10);
    year.catalogue.close();
  });

  it('skips a run while the one before is at work, and one with nothing to do, with the reason', async () => {
    const year = new Year('2026-06-01T00:00:00Z');
    year.jobMs = 150 * minuteMs;
    const { id } = year.scheduler.save(draft({ trigger: { kind: 'interval', minutes: 60 } }));
    await year.run(2, 10 * minuteMs);
    const runs = year.catalogue.scheduleRuns(id, 1000);
    expect(runs.length).toBe(47);
    expect(runs.filter(({ reason }) => reason === 'job busy of the run before is still at work').length).toBeGreaterThan(10);
    expect(runs.filter(({ reason }) => reason?.startsWith('nothing to archive: ')).length).toBeGreaterThan(10);
    year.catalogue.close();
  });

  it.each([
    ['an hour', 60 * minuteMs, { kind: 'interval', minutes: 10 }, 142],
    ['a year', 365 * dayMs, { kind: 'interval', minutes: 10 }, 142],
    ['a year', 365 * dayMs, { kind: 'cron', expression: '0 * * * *', timeZone: 'UTC' }, 23],
    ['an hour', 60 * minuteMs, { kind: 'cron', expression: '0 * * * *', timeZone: 'UTC' }, 22],
  ])('goes on within its next turn where the clock was %s ahead and is put right', async (_, aheadMs, trigger, least) => {
    const year = new Year('2026-06-01T00:00:00Z');
    const { id } = year.scheduler.save(draft({ trigger }));
    await year.run(1 / 24, 10 * minuteMs);
    year.nowMs += aheadMs;
    await year.run(1 / 48, 10 * minuteMs);
    year.nowMs -= aheadMs;
    const before = year.catalogue.scheduleRuns(id, 1000).length;
    await year.run(1, 10 * minuteMs);
    expect(year.catalogue.scheduleRuns(id, 1000).length - before).toBeGreaterThanOrEqual(least);
    year.catalogue.close();
  });

  it('of a service that is killed while it looks for checkpoints is run by the next', async () => {
    const year = new Year('2026-06-01T00:00:00Z');
    const { id } = year.scheduler.save(draft({ trigger: { kind: 'interval', minutes: 600 } }));
    year.nowMs += 601 * minuteMs;
    year.looksForEver = true;
    void year.scheduler.tick();
    await new Promise(setImmediate);
    year.looksForEver = false;
    await year.open().tick();
    expect(year.catalogue.scheduleRuns(id, 10)).toMatchObject([{ outcome: 'started', missed: 0 }]);
    year.catalogue.close();
  });

  it('evaluated by two processes runs once', async () => {
    const year = new Year('2026-06-01T00:00:00Z');
    year.jobMs = 0;
    year.scheduler.save(draft({ trigger: { kind: 'interval', minutes: 60 } }));
    const other = year.open();
    await year.run(1, 10 * minuteMs, () => void other.tick());
    expect(new Set(year.starts.map(({ atMs }) => atMs)).size).toBe(year.starts.length);
    expect(year.catalogue.scheduleRuns(year.scheduler.list()[0]!.id, 1000).length).toBe(23);
    year.catalogue.close();
  });
});

describe('schedules', () => {
  it('have names of their own, triggers that can be, and leave with their history', async () => {
    const year = new Year('2026-06-01T00:00:00Z');
    const { id } = year.scheduler.save(draft({}));
    expect(() => year.scheduler.save(draft({}))).toThrow(expect.objectContaining({ code: 'exists' }) as Error);
    expect(() => year.scheduler.save(draft({ name: 'b', trigger: { kind: 'cron', expression: 'soon' } }))).toThrow(/no cron expression/);
    expect(year.scheduler.save(draft({ enabled: false }), id).enabled).toBe(false);
    await year.run(3, 30 * minuteMs);
    expect([year.starts.length, year.scheduler.list()[0]!.upcoming]).toEqual([0, []]);
    year.scheduler.remove(id);
    expect(year.scheduler.list()).toEqual([]);
    expect(() => year.scheduler.remove(id)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
    year.catalogue.close();
  });
});

describe('in a service', () => {
  let served: Served;
  beforeEach(async () => void (served = await Served.open(undefined, { stays: true })));
  afterEach(() => served.release());

  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => expect.poll(holds, { interval: 20 }).toBe(true);
  const jobs = async (): Promise<Job[]> => (await served.client.call('jobs.list', {})).jobs;

  it('run now archives what the policy chooses, and what is left has a reason', async () => {
    const run = await served.copyChain();
    const { schedule } = await served.client.call('schedules.save', {
      draft: {
        name: 'by hand',
        paths: [run],
        trigger: { kind: 'interval', minutes: 600 },
        policy: { leaveNewest: 1, keyframeEvery: 2, verifyAfter: true },
      },
    });
    const { job } = await served.client.call('schedules.run', { id: schedule.id });
    await until(async () => (await jobs()).find(({ id }) => id === job!.id)?.state === 'done');
    const result = (await jobs())[0]!.result as { snapshots: { step: number; depth: number }[]; findings: unknown[]; errors: unknown[] };
    expect(result).toMatchObject({ errors: [], findings: [] });
    expect(result.snapshots.length).toBe(3);
    expect(Math.max(...result.snapshots.map(({ depth }) => depth))).toBeLessThanOrEqual(1);
    expect(await served.client.call('schedules.run', { id: schedule.id })).toEqual({
      reason: 'nothing to archive: 3 archived already, 1 among the newest 1',
    });
    const [view] = (await served.client.call('schedules.list', {})).schedules;
    expect(view).toMatchObject({ last: { outcome: 'skipped' }, upcoming: { length: 5 } });
  });

  it('releases what was archived before too, where nothing is left to archive', async () => {
    const run = await served.copyChain();
    await served.ended(served.client.call('archive.start', { paths: [run] }));
    const policy = { release: { keepNewest: 1 } };
    const draft = { name: 'free', paths: [run], trigger: { kind: 'interval', minutes: 600 } as const, policy };
    const { schedule } = await served.client.call('schedules.save', { draft });
    const { job } = await served.client.call('schedules.run', { id: schedule.id });
    expect(job!.title).toBe('free: release 3 originals');
    await until(async () => (await jobs()).find(({ id }) => id === job!.id)?.state === 'done');
    expect(readdirSync(run).filter((name) => name.startsWith('step'))).toEqual(['step-002400']);
    expect((await served.client.call('schedules.run', { id: schedule.id })).reason).toBe('nothing to archive: 1 archived already');
  });

  it('keeps in the store what its retention says, once new snapshots are sealed, and nothing of other runs goes', async () => {
    const run = await served.copyChain();
    const other = path.join(served.folder, 'other');
    cpSync(path.join(sampleChain, 'step-000400'), path.join(other, 'step-000400'), { recursive: true, preserveTimestamps: true });
    const policy = { retention: { keepLast: 1, keepEvery: 1000 } };
    const save = (name: string, paths: string[], more: object) =>
      served.client.call('schedules.save', { draft: { name, paths, trigger: { kind: 'interval', minutes: 600 }, ...more } });
    const runNow = async (id: string): Promise<Job> => {
      const { job } = await served.client.call('schedules.run', { id });
      await until(async () => (await jobs()).find((one) => one.id === job!.id)?.state === 'done');
      return (await jobs()).find((one) => one.id === job!.id)!;
    };
    await runNow((await save('other', [other], {})).schedule.id);
    const { result, command } = await runNow((await save('few', [run], { policy })).schedule.id);
    expect(result).toMatchObject({ snapshots: { length: 4 }, pruned: [{ removed: { length: 2 }, kept: { length: 2 } }] });
    expect(command).toContain('--keep-last 1 --keep-every 1000');
    const { snapshots } = await served.client.call('snapshots.list', {});
    expect(snapshots.map((one) => `${one.run} ${one.step}`).sort()).toEqual(
      ['other 400', `${path.basename(run)} 2000`, `${path.basename(run)} 2400`].sort(),
    );
    // What went is on disk still; archiving it again would only remove it again.
    expect((await served.client.call('schedules.run', { id: 'few' })).reason).toContain('2 older, and not among what the retention keeps');
  });

  it('verifies a part of the store each time, and a finding makes the job fail', async () => {
    const run = await served.copyChain();
    const { job: archive } = await served.client.call('archive.start', { paths: [run] });
    await until(async () => (await jobs()).find(({ id }) => id === archive.id)?.state === 'done');
    const draft = {
      name: 'weekly',
      work: { kind: 'verify' as const, percent: 50 },
      paths: [],
      trigger: { kind: 'interval' as const, minutes: 600 },
    };
    const { schedule } = await served.client.call('schedules.save', { draft });
    const runNow = async (): Promise<Job> => {
      const { job } = await served.client.call('schedules.run', { id: schedule.id });
      await until(async () => (await jobs()).find(({ id }) => id === job!.id)?.ended !== undefined);
      return (await jobs()).find(({ id }) => id === job!.id)!;
    };
    expect(await runNow()).toMatchObject({
      state: 'done',
      title: 'weekly: Verify the store (data)',
      result: { percent: 50, findings: [] },
    });
    for (const pack of globSync(`${served.storePath}/packs/**/*.pack`)) {
      const bytes = readFileSync(pack);
      bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
      writeFileSync(pack, bytes);
    }
    const [first, second] = [await runNow(), await runNow()];
    expect([first.state, second.state]).toContain('failed');
    expect([first, second].find(({ state }) => state === 'failed')?.error?.message).toMatch(/^verifying found: /);
    const { runs } = await served.client.call('schedules.history', { id: schedule.id });
    expect(runs.map(({ outcome }) => outcome)).toEqual(['started', 'started', 'started']);
  });

  it.each([
    [{ work: { kind: 'verify' }, paths: [], trigger: { kind: 'watch' } }, 'waits for no checkpoint'],
    [{ work: { kind: 'verify' }, paths: ['/run'], trigger: { kind: 'interval', minutes: 5 } }, 'has none'],
    [{ paths: [], trigger: { kind: 'interval', minutes: 5 } }, 'needs folders'],
    [{ paths: ['/run'], trigger: { kind: 'watch' }, policy: { retention: {} } }, 'at least one rule'],
  ])('refuses %j', async (wrong, reason) => {
    const draft = { name: 'wrong', ...wrong } as Parameters<typeof scheduleDraft.parse>[0];
    await expect(served.client.call('schedules.save', { draft: draft as never })).rejects.toThrow(reason);
  });

  it('says that a folder is gone, in its history and where it is run by hand, and goes on when that is back', async () => {
    const run = await served.copyChain();
    const [gone, problem] = [path.join(served.folder, 'gone'), /gone: no such file or folder/];
    const trigger = { kind: 'interval', minutes: 600 } as const;
    const { schedule } = await served.client.call('schedules.save', { draft: { name: 'mounted', paths: [gone], trigger } });
    const history = async (id: string): Promise<ScheduleRun[]> => (await served.client.call('schedules.history', { id })).runs;
    await expect(served.client.call('schedules.run', { id: schedule.id })).rejects.toThrow(problem);
    expect(await history(schedule.id)).toMatchObject([{ outcome: 'skipped', reason: expect.stringMatching(problem) as string }]);
    await served.client.call('schedules.save', { id: schedule.id, draft: { name: 'mounted', paths: [gone, run], trigger } });
    expect((await served.client.call('schedules.run', { id: schedule.id })).job).toBeDefined();
    expect((await history(schedule.id))[0]).toMatchObject({
      outcome: 'started',
      reason: expect.stringMatching(/^started by hand; without .*gone: no such/) as string,
    });

    const watching = { name: 'watching', paths: [gone], trigger: { kind: 'watch' } as const, policy: { battery: 'ignore' as const } };
    const { schedule: watch } = await served.client.call('schedules.save', { draft: watching });
    const look = async (): Promise<void> => served.service.scheduler.see(watch.id, await findCandidates(served.service.stages, [gone]));
    const reasons = async (): Promise<(string | undefined)[]> => (await history(watch.id)).map(({ outcome }) => outcome);
    await look();
    await look();
    expect(await reasons()).toEqual(['put-off']);
    expect(served.problems.filter((line) => problem.test(line)).length).toBe(1);
    renameSync(run, gone);
    await look();
    renameSync(gone, run);
    await look();
    expect(await reasons()).toEqual(['put-off', 'started', 'put-off']);
  });

  it('what was cancelled, or failed, is not begun again at the next look, but with the next checkpoint', async () => {
    const run = await served.copyChain();
    const last = path.join(run, 'step-002400');
    const aside = path.join(served.folder, 'aside');
    renameSync(last, aside);
    const policy = { battery: 'ignore' as const, hooks: { before: ['false'] } };
    const draft = { name: 'beside', paths: [run], trigger: { kind: 'watch' } as const, policy };
    const { schedule } = await served.client.call('schedules.save', { draft });
    const found = (): Promise<Sight> => findCandidates(served.service.stages, [run]);
    const look = async (): Promise<void> => served.service.scheduler.see(schedule.id, await found());
    const ofSchedule = async (): Promise<Job[]> => (await jobs()).filter((job) => job.schedule === 'beside');
    const last2 = async (): Promise<string | undefined> =>
      (await served.client.call('schedules.history', { id: schedule.id })).runs[0]?.reason;
    await look();
    await until(async () => (await ofSchedule()).map(({ state }) => state).join() === 'failed');
    await look();
    await look();
    expect(await last2()).toMatch(/^job \w+ failed; it is tried again after an hour, or with the next checkpoint$/);
    expect((await served.client.call('schedules.history', { id: schedule.id })).runs.length).toBe(2);
    expect((await ofSchedule()).length).toBe(1);

    await served.client.call('jobs.pause', {});
    renameSync(aside, last);
    await look();
    await until(async () => (await ofSchedule()).length === 2);
    await served.client.call('jobs.cancel', { id: (await ofSchedule())[0]!.id });
    await look();
    expect(await last2()).toMatch(/^job \w+ was cancelled; the next checkpoint, or Run now, starts another$/);
    expect((await ofSchedule()).length).toBe(2);

    // Changed, it begins anew.
    await served.client.call('schedules.save', { id: schedule.id, draft: { ...draft, policy: { battery: 'ignore' } } });
    await look();
    await served.client.call('jobs.resume', {});
    await until(async () => (await ofSchedule()).map(({ state }) => state).join() === 'done,cancelled,failed');
  });

  it('a watched folder is archived in the background as checkpoints come', async () => {
    const run = path.join(served.folder, 'run');
    cpSync(path.join(sampleChain, 'step-000400'), path.join(run, 'step-000400'), { recursive: true, preserveTimestamps: true });
    await served.client.call('schedules.save', {
      draft: { name: 'watch', paths: [run], trigger: { kind: 'watch' }, policy: { battery: 'ignore' } },
    });
    await served.service.scheduler.tick();
    await until(async () => (await jobs()).filter(({ state }) => state === 'done').length === 1);
    expect((await jobs())[0]).toMatchObject({ schedule: 'watch', title: 'watch: archive 1 checkpoint', result: { errors: [] } });
  });

  it('a job waits for the end of quiet hours and says until when', async () => {
    const run = await served.copyChain();
    const now = new Date();
    const clock = (minutes: number): string => new Date(now.getTime() + minutes * minuteMs).toTimeString().slice(0, 5);
    const quiet = { from: clock(-60), to: clock(60) };
    const { schedule } = await served.client.call('schedules.save', {
      draft: { name: 'quiet', paths: [run], trigger: { kind: 'watch' }, policy: { quiet, battery: 'ignore' } },
    });
    const job = served.service.queue.enqueue('archive', { paths: [run], method: 'cairn' }, { title: 't', command: 'c', schedule: 'quiet' });
    await until(async () => (await jobs()).some(({ id, state }) => id === job.id && state === 'waiting'));
    expect((await jobs())[0]).toMatchObject({ reason: `quiet hours, ${quiet.from} to ${quiet.to}`, until: expect.any(String) as string });
    const { id: _, created: _created, ...same } = schedule;
    await served.client.call('schedules.save', { id: schedule.id, draft: { ...same, policy: { ...same.policy, quiet: undefined } } });
    await until(async () => (await jobs()).find(({ id }) => id === job.id)?.state === 'done');
  });
});
