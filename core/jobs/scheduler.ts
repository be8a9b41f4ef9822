/**
 * Runs schedules: looks every now and then which are due, chooses checkpoints by their policy, and queues a job for them. Every due
 * run leaves a record: started, skipped or put off, with the reason. What is due is decided by `core/plan/schedule.ts`; clock,
 * machine and the looking for checkpoints are given, so a year of schedules can be gone through in a test.
 */
import { randomBytes } from 'node:crypto';
import { CairnError, toFailure } from '../contract/errors.ts';
import type { Job, Manners, Schedule, ScheduleDraft, ScheduleRun, ScheduleView } from '../contract/model.ts';
import type { KeptSchedule } from '../catalogue/schedule-file.ts';
import { choose, nothingBecause, releasable, type Candidate } from '../plan/policy.ts';
import { obstacleTo, type MachineState } from '../plan/conditions.ts';
import { checkTrigger, dueNow, reasonNotAgain, settledAnew, upcoming, type Due, type EndedRun } from '../plan/schedule.ts';
import type { Hold } from './holds.ts';
import type { Machine } from './machine.ts';
import type { Sight } from './watch.ts';

export interface ScheduleRecords {
  schedules(): KeptSchedule[];
  saveSchedule(schedule: Schedule, lastDueMs: number): void;
  removeSchedule(id: string): boolean;
  claimDue(id: string, beforeMs: number, dueMs: number): boolean;
  addScheduleRun(id: string, run: ScheduleRun): void;
  scheduleRuns(id: string, limit: number): ScheduleRun[];
}

export interface SchedulerOptions {
  records: ScheduleRecords;
  /** Looks below a schedule's folders. */
  find(paths: readonly string[]): Promise<Sight>;
  /** Queues the job that archives these checkpoints, or where they are in the store already only releases them. */
  start(schedule: Schedule, checkpoints: readonly Candidate[], byHand: boolean): Job;
  /** The job that a schedule started and that has not ended, where there is one. */
  activeJob(schedule: Schedule): Job | undefined;
  /** The job that a schedule started last, where that has ended. */
  lastRun(schedule: Schedule): EndedRun | undefined;
  /** Watches folders for a schedule; returns what ends that. */
  watch(paths: readonly string[], onSight: (sight: Sight) => void | Promise<void>): () => void;
  onChange(): void;
  /** One line about what keeps schedules from being looked at. */
  onProblem(message: string): void;
  machine: { state(): MachineState } & Pick<Machine, 'idleSinceMs'>;
  manners(): Manners;
  nowMs?: () => number;
}

type Chosen = { archive: Candidate[]; without?: string[] } | { reason: string };

const shownUpcoming = 5;
const iso = (ms: number): string => new Date(ms).toISOString();

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #nowMs: () => number;
  /** By id of the schedule, with the folders that are watched. */
  readonly #watches = new Map<string, { key: string; close(): void }>();
  /** Reasons that were recorded already for a due time, so that a run put off is told of once. */
  readonly #told = new Map<string, string>();
  /** Why folders of watching schedules could not be looked through, as it was told last. */
  readonly #unreachable = new Map<string, string>();
  #idleSinceMs: number | undefined;
  #problem: string | undefined;
  #ticking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Looks now, and then every `everyMs`. What came due during sleep is found at the first look after it. */
  begin(everyMs: number): void {
    this.#timer = setInterval(() => void this.tick(), everyMs).unref();
    void this.tick();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    await this.#ticking;
  }

  /** Starts what is due. One look at a time; resolves when it is over. */
  tick(): Promise<void> {
    this.#ticking ??= this.#look()
      .then(
        () => this.#tell(undefined),
        (thrown: unknown) => this.#tell(toFailure(thrown).message),
      )
      .finally(() => (this.#ticking = undefined));
    return this.#ticking;
  }

  /** Once, for as long as it stays the same. */
  #tell(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#problem) this.#options.onProblem(`schedules don't run: ${problem}`);
    this.#problem = problem;
  }

  list(): ScheduleView[] {
    return this.#options.records.schedules().map(({ schedule, lastDueMs }) => {
      const next = schedule.enabled ? upcoming(schedule.trigger, lastDueMs, this.#nowMs(), shownUpcoming).map(iso) : [];
      const [last] = this.#options.records.scheduleRuns(schedule.id, 1);
      const running = this.#options.activeJob(schedule)?.id;
      return { ...schedule, upcoming: next, ...(last ? { last } : {}), ...(running === undefined ? {} : { running }) };
    });
  }

  /** @throws CairnError `bad_request` for a trigger that can't be, `exists` for a name that another schedule has, `not_found` */
  save(draft: ScheduleDraft, id?: string): Schedule {
    const nowMs = this.#nowMs();
    checkTrigger(draft.trigger, nowMs);
    if (draft.work.kind === 'verify' && draft.trigger.kind === 'watch')
      throw new CairnError('bad_request', `${draft.name}: verifying waits for no checkpoint; give it times, an interval or idleness`);
    const kept = this.#options.records.schedules();
    const before = id === undefined ? undefined : this.#found(id).schedule;
    if (kept.some(({ schedule }) => schedule.name === draft.name && schedule.id !== id))
      throw new CairnError('exists', `${draft.name}: another schedule has this name; choose a different one`);
    const schedule: Schedule = { ...draft, id: id ?? randomBytes(4).toString('hex'), created: before?.created ?? iso(nowMs) };
    // A changed schedule starts anew: what its old trigger missed is not caught up.
    this.#options.records.saveSchedule(schedule, nowMs);
    this.#forget(schedule.id);
    this.#options.onChange();
    return schedule;
  }

  /** @throws CairnError `not_found` */
  remove(id: string): void {
    this.#found(id);
    this.#options.records.removeSchedule(id);
    this.#forget(id);
    this.#options.onChange();
  }

  /** @throws CairnError `not_found` */
  history(id: string, limit: number): ScheduleRun[] {
    this.#found(id);
    return this.#options.records.scheduleRuns(id, limit);
  }

  /**
   * Runs a schedule at once. Its next due time stays as it is.
   *
   * @throws CairnError `not_found`, and what looking for checkpoints gives
   */
  async runNow(id: string): Promise<{ job?: Job; reason?: string }> {
    const { schedule } = this.#found(id);
    const nowMs = this.#nowMs();
    const due = { dueMs: nowMs, missed: 0 };
    const active = this.#options.activeJob(schedule);
    const choice = active ? { reason: `job ${active.id} of it is still at work` } : await this.#chosenOrTold(schedule, due, nowMs);
    if ('reason' in choice) {
      this.#record(schedule, due, { outcome: 'skipped', reason: choice.reason });
      return { reason: choice.reason };
    }
    const job = this.#options.start(schedule, choice.archive, true);
    const reason = ['started by hand', ...(choice.without ?? [])].join('; ');
    this.#record(schedule, due, { outcome: 'started', reason, job: job.id });
    return { job };
  }

  /** What keeps work in the background back now, by manners and by the policy of its schedule, where one started it. */
  holdOf(name: string | undefined): Hold | undefined {
    const found = name === undefined ? undefined : this.#options.records.schedules().find(({ schedule }) => schedule.name === name);
    return this.#conditions(found?.schedule, this.#nowMs());
  }

  async #look(): Promise<void> {
    const nowMs = this.#nowMs();
    this.#idleSinceMs = this.#options.machine.idleSinceMs(nowMs);
    const kept = this.#options.records.schedules().filter(({ schedule }) => schedule.enabled);
    this.#watchFor(kept.map(({ schedule }) => schedule));
    for (const { schedule, lastDueMs: keptMs } of kept) {
      const anewMs = settledAnew(schedule.trigger, keptMs, nowMs);
      if (anewMs !== undefined && !this.#options.records.claimDue(schedule.id, keptMs, anewMs)) continue;
      const lastDueMs = anewMs ?? keptMs;
      const due = dueNow(schedule.trigger, { lastDueMs, createdMs: Date.parse(schedule.created), idleSinceMs: this.#idleSinceMs }, nowMs);
      if (due) await this.#run(schedule, lastDueMs, due, nowMs);
    }
  }

  async #run(schedule: Schedule, lastDueMs: number, due: Due, nowMs: number): Promise<void> {
    const hold = this.#conditions(schedule, nowMs);
    if (hold) return this.#putOff(schedule, due, hold);
    const active = this.#options.activeJob(schedule);
    const choice: Chosen = active
      ? { reason: `job ${active.id} of the run before is still at work` }
      : await this.#chosen(schedule, nowMs).catch((thrown: unknown) => ({ reason: toFailure(thrown).message }));
    // Looking may take long. A process that ends in it leaves the run to the next, so it is settled only now.
    if (this.#options.records.claimDue(schedule.id, lastDueMs, due.dueMs)) this.#startOrSkip(schedule, due, choice);
  }

  /** As `#chosen`; what that throws is recorded too. */
  async #chosenOrTold(schedule: Schedule, due: Due, nowMs: number): Promise<Chosen> {
    try {
      return await this.#chosen(schedule, nowMs);
    } catch (thrown) {
      this.#record(schedule, due, { outcome: 'skipped', reason: toFailure(thrown).message });
      throw thrown;
    }
  }

  /** What its job is about, or why there is nothing to do. */
  async #chosen({ work, paths, policy }: Schedule, nowMs: number): Promise<Chosen> {
    if (work.kind === 'verify') return { archive: [] };
    const { candidates, unreachable } = await this.#options.find(paths);
    const choice = choose(candidates, policy, nowMs);
    const archive = choice.archive.length > 0 ? choice.archive : releasable(candidates, policy);
    if (archive.length > 0)
      return { archive, ...(unreachable.length > 0 ? { without: unreachable.map((line) => `without ${line}`) } : {}) };
    if (unreachable.length > 0) throw new CairnError('not_found', unreachable.join('; '));
    return { reason: nothingBecause(choice) };
  }

  #startOrSkip(schedule: Schedule, due: Due, choice: Chosen): void {
    if ('reason' in choice) return this.#record(schedule, due, { outcome: 'skipped', reason: choice.reason });
    const job = this.#options.start(schedule, choice.archive, false);
    const late = due.missed > 0 ? [`caught up with ${due.missed} missed ${due.missed === 1 ? 'run' : 'runs'}`] : [];
    const reasons = [...late, ...(choice.without ?? [])];
    this.#record(schedule, due, { outcome: 'started', job: job.id, ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}) });
  }

  /** Watched checkpoints are due when they are there; a look that finds none is no run, and leaves no record. */
  see(id: string, { candidates, unreachable }: Sight): void {
    const found = this.#options.records.schedules().find(({ schedule }) => schedule.id === id);
    if (!found?.schedule.enabled) return;
    const nowMs = this.#nowMs();
    const { archive } = choose(candidates, found.schedule.policy, nowMs);
    this.#seeReach(found.schedule, unreachable, nowMs);
    if (archive.length === 0 || this.#options.activeJob(found.schedule)) return;
    const due = { dueMs: nowMs, missed: 0 };
    const hold = this.#conditions(found.schedule, nowMs) ?? this.#notAgain(found, archive, nowMs);
    if (hold) return this.#putOff(found.schedule, due, hold, `${hold.reason} ${hold.untilMs ?? ''}`);
    if (!this.#options.records.claimDue(id, found.lastDueMs, nowMs)) return;
    const job = this.#options.start(found.schedule, archive, false);
    this.#record(found.schedule, due, { outcome: 'started', job: job.id });
  }

  /** A folder that is gone is told of once, until it is back. */
  #seeReach(schedule: Schedule, unreachable: readonly string[], nowMs: number): void {
    const reason = unreachable.join('; ');
    if ((this.#unreachable.get(schedule.id) ?? '') === reason) return;
    this.#unreachable.set(schedule.id, reason);
    if (reason === '') return;
    this.#options.onProblem(`${schedule.name}: ${reason}`);
    this.#record(schedule, { dueMs: nowMs, missed: 0 }, { outcome: 'put-off', reason });
  }

  /** A schedule that was changed since begins anew. */
  #notAgain({ schedule, lastDueMs }: KeptSchedule, archive: readonly Candidate[], nowMs: number): Hold | undefined {
    const last = this.#options.lastRun(schedule);
    if (!last || last.endedMs < lastDueMs) return undefined;
    const paths = archive.map(({ path }) => path);
    const reason = reasonNotAgain(last, paths, nowMs);
    return reason === undefined ? undefined : { by: 'policy', reason };
  }

  #conditions(schedule: Schedule | undefined, nowMs: number): Hold | undefined {
    const { manners, machine } = this.#options;
    const timeZone = schedule?.trigger.kind === 'cron' ? schedule.trigger.timeZone : undefined;
    const obstacle = obstacleTo(manners(), schedule?.policy, machine.state(), nowMs, timeZone);
    return obstacle && { by: 'policy', ...obstacle };
  }

  #putOff(schedule: Schedule, due: Due, { reason }: Hold, key = `${due.dueMs} ${reason}`): void {
    if (this.#told.get(schedule.id) === key) return;
    this.#told.set(schedule.id, key);
    this.#record(schedule, due, { outcome: 'put-off', reason });
  }

  #record({ id }: Schedule, { dueMs, missed }: Due, outcome: Pick<ScheduleRun, 'outcome' | 'reason' | 'job'>): void {
    if (outcome.outcome !== 'put-off') this.#told.delete(id);
    this.#options.records.addScheduleRun(id, { at: iso(this.#nowMs()), due: iso(dueMs), missed, ...outcome });
    this.#options.onChange();
  }

  #watchFor(schedules: readonly Schedule[]): void {
    const wanted = new Map(schedules.filter(({ trigger }) => trigger.kind === 'watch').map((schedule) => [schedule.id, schedule.paths]));
    for (const [id, { key }] of this.#watches) if (key !== wanted.get(id)?.join('\0')) this.#forget(id);
    for (const [id, paths] of wanted) {
      if (this.#watches.has(id)) continue;
      const close = this.#options.watch(paths, (candidates) => this.see(id, candidates));
      this.#watches.set(id, { key: paths.join('\0'), close });
    }
  }

  #forget(id: string): void {
    this.#watches.get(id)?.close();
    this.#watches.delete(id);
    this.#told.delete(id);
    this.#unreachable.delete(id);
  }

  #found(id: string): KeptSchedule {
    const found = this.#options.records.schedules().find(({ schedule }) => schedule.id === id || schedule.name === id);
    if (!found) throw new CairnError('not_found', `${id}: no such schedule; see cairn schedule ls`);
    return found;
  }
}
