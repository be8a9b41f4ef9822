/**
 * A year of a workstation, by a clock of the test's own, over the real scheduler, the real file of schedules and the real catalogue: it
 * sleeps at night, is off for holidays, goes over both changes of the clock, its service is started anew again and again (and once
 * with the catalogue gone), and its disk is full for weeks. Every time that came due is accounted for: started, caught up or skipped
 * with its reason; nothing is archived twice, and nothing is left over.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Cron } from 'croner';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { ScheduleFile } from '../../core/catalogue/schedule-file.ts';
import { manners, scheduleDraft, type Job, type Schedule, type ScheduleRun } from '../../core/contract/model.ts';
import { Scheduler } from '../../core/jobs/scheduler.ts';
import type { Candidate } from '../../core/plan/policy.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const saveMs = 6 * hourMs;
const zone = 'Europe/Berlin';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-year-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A job that was started: it is at work until its time is up, and no longer than the disk is full. */
interface Work {
  id: string;
  schedule: string;
  steps: number[];
  leftMs: number;
}

class Workstation {
  readonly beganMs: number;
  nowMs: number;
  diskIsFull = false;
  restarts = 0;
  readonly archived = new Map<number, string>();
  readonly works: Work[] = [];
  /** Every record that the service wrote, whatever became of its catalogue. */
  readonly seen = new Map<string, ScheduleRun>();
  #catalogue!: Catalogue;
  #records!: ScheduleFile;
  scheduler!: Scheduler;

  constructor(begin: string) {
    this.nowMs = this.beganMs = Date.parse(begin);
    this.#open();
  }

  #open(): void {
    this.#catalogue = Catalogue.open(path.join(folder, 'catalogue.sqlite'));
    this.#records = ScheduleFile.open(folder, this.#catalogue);
    this.scheduler = new Scheduler({
      records: this.#records,
      nowMs: () => this.nowMs,
      machine: { state: () => ({ onBattery: false, isStoreMetered: false }), idleSinceMs: () => undefined },
      manners: () => manners.parse({}),
      find: () => Promise.resolve({ candidates: this.#candidates(), unreachable: [] }),
      start: (schedule, checkpoints) => this.#start(schedule, checkpoints),
      activeJob: ({ name }) => this.#active(name),
      lastRun: () => undefined,
      watch: () => () => undefined,
      onChange: () => undefined,
      onProblem: (message) => expect.unreachable(message),
    });
  }

  close(): void {
    this.#note();
    this.#catalogue.close();
  }

  /** The process ends and another begins; jobs go on where they were, as the queue sees to it. */
  restart(withoutCatalogue = false): void {
    this.close();
    this.restarts += 1;
    if (withoutCatalogue)
      for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(folder, `catalogue.sqlite${suffix}`), { force: true });
    this.#open();
  }

  async awake(forMs: number, stepMs: number): Promise<void> {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; this.nowMs += stepMs) {
      if (!this.diskIsFull) this.#work(stepMs);
      await this.scheduler.tick();
    }
  }

  /** Neither ticks nor work. */
  sleep(forMs: number): void {
    this.nowMs += forMs;
  }

  #work(stepMs: number): void {
    for (const work of this.works.filter(({ leftMs }) => leftMs > 0)) {
      work.leftMs -= stepMs;
      if (work.leftMs > 0) continue;
      for (const step of work.steps) {
        expect(this.archived.has(step)).toBe(false);
        this.archived.set(step, work.id);
      }
    }
  }

  #active(name: string): Job | undefined {
    const work = this.works.find(({ schedule, leftMs }) => schedule === name && leftMs > 0);
    return work && ({ id: work.id } as Job);
  }

  get saved(): number {
    return Math.floor((this.nowMs - this.beganMs) / saveMs);
  }

  #candidates(): Candidate[] {
    return Array.from({ length: this.saved }, (_, step) => ({
      ...{ run: 'run', runPath: '/run', step, path: `/run/${step}`, state: 'complete' as const },
      modifiedMs: this.beganMs + (step + 1) * saveMs,
      archived: this.archived.has(step),
    }));
  }

  #start(schedule: Schedule, checkpoints: readonly Candidate[]): Job {
    const id = `job-${this.works.length + 1}`;
    this.works.push({ id, schedule: schedule.name, steps: checkpoints.map(({ step }) => step), leftMs: 20 * minuteMs });
    return { id } as Job;
  }

  #note(): void {
    for (const { id } of this.scheduler.list())
      for (const run of this.#records.scheduleRuns(id, 1000)) this.seen.set(`${id} ${run.due} ${run.outcome}`, run);
  }

  /** What became of a schedule's due times, oldest first; those that were only put off come up again. */
  settled(id: string): ScheduleRun[] {
    this.#note();
    const own = [...this.seen].filter(([key, { outcome }]) => key.startsWith(`${id} `) && outcome !== 'put-off');
    return own.map(([, run]) => run).sort((a, b) => a.due.localeCompare(b.due));
  }
}

/** Every time at which the schedule was due, from the cron library itself. */
function dueTimes(expression: string, fromMs: number, toMs: number): number[] {
  const times = new Cron(expression, { paused: true, timezone: zone }).nextRuns(1000, new Date(fromMs));
  return times.map((time) => time.getTime()).filter((time) => time <= toMs);
}

describe('a year of a workstation', () => {
  it('accounts for every run that was due as started, caught up or skipped with its reason, and leaves nothing behind', async () => {
    const machine = new Workstation('2026-01-01T07:00:00Z');
    const expression = '30 2,14 * * *';
    const draft = scheduleDraft.parse({ name: 'twice a day', paths: ['/run'], trigger: { kind: 'cron', expression, timeZone: zone } });
    const { id } = machine.scheduler.save(draft);
    for (let day = 0; day < 365; day++) {
      // In March and October it stays on at night, so that it sees the clock change; in August it is off for two weeks.
      const staysOn = day > 80 && day < 95 ? true : day > 290 && day < 305;
      const isAway = day >= 212 && day < 226;
      machine.diskIsFull = day >= 120 && day < 141;
      if (isAway) machine.sleep(dayMs);
      else {
        await machine.awake(14 * hourMs, 30 * minuteMs);
        if (day % 9 === 4) machine.restart(day === 175);
        if (staysOn) await machine.awake(10 * hourMs, 30 * minuteMs);
        else machine.sleep(10 * hourMs);
      }
    }
    await machine.awake(2 * hourMs, 30 * minuteMs);

    const settled = machine.settled(id);
    const due = dueTimes(expression, machine.beganMs, machine.nowMs);
    expect([due.length, machine.restarts]).toEqual([730, 40]);
    // Each record stands for its own due time and for those missed before it: together they are all that came due, none twice.
    const accounted = settled.flatMap((run) => due.filter((time) => time <= Date.parse(run.due)).slice(-1 - run.missed));
    expect(accounted).toEqual(due);
    for (const run of settled) {
      if (run.outcome === 'started' && run.missed > 0) expect(run.reason).toMatch(/^caught up with \d+ missed runs?$/);
      if (run.outcome === 'skipped')
        expect(run.reason).toMatch(/^(job job-\d+ of the run before is still at work|nothing to archive: .+)$/);
      expect(run.at >= run.due).toBe(true);
    }

    // While the disk is full the one job waits, and every run says so; two weeks away are caught up with once.
    const atWork = settled.filter(({ reason }) => reason?.includes('still at work'));
    expect(atWork.length).toBeGreaterThanOrEqual(20);
    expect(settled.filter(({ missed }) => missed >= 27).length).toBe(1);
    expect(machine.works.filter(({ leftMs }) => leftMs > 0)).toEqual([]);

    // Nothing is archived twice (asserted as it happens), and all that was there at the last run is.
    const lastStart = settled.findLast(({ outcome }) => outcome === 'started')!;
    const thereThen = Math.floor((Date.parse(lastStart.at) - machine.beganMs) / saveMs);
    expect([...machine.archived.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: thereThen }, (_, step) => step));
    machine.close();
  });

  it('on the nights when the clock changes a run at half past two happens once, on time by the wall', async () => {
    for (const night of ['2026-03-28', '2026-10-24']) {
      const machine = new Workstation(`${night}T18:00:00Z`);
      const trigger = { kind: 'cron', expression: '30 2 * * *', timeZone: zone };
      const { id } = machine.scheduler.save(scheduleDraft.parse({ name: night, paths: ['/run'], trigger }));
      machine.sleep(0);
      await machine.awake(14 * hourMs, minuteMs);
      const settled = machine.settled(id);
      expect(settled.length).toBe(1);
      const wall = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: zone }).format(Date.parse(settled[0]!.due));
      expect(['02:30', '03:00', '03:30']).toContain(wall);
      machine.close();
      rmSync(path.join(folder, 'schedules.json'));
    }
  });
});
