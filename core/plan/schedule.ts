/**
 * When schedules are due. No clock and no I/O: the time is an argument, and so is all that a schedule remembers, so a year can be
 * gone through in a test. What was missed while the machine slept or was off is due once, however often it was missed.
 */
import { Cron } from 'croner';
import { CairnError } from '../contract/errors.ts';
import type { EndState, Policy, Trigger } from '../contract/model.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** More missed runs than this are not counted. */
const maxMissed = 1000;

export interface ScheduleMemory {
  /** The due time that was settled last, or when the schedule was made. */
  lastDueMs: number;
  /** When the schedule was made or changed. */
  createdMs?: number;
  /** Since when the machine has had little to do. */
  idleSinceMs?: number | undefined;
}

export interface Due {
  dueMs: number;
  /** Due times before it, since the last that was settled. */
  missed: number;
}

/** @throws CairnError `bad_request` where it is no cron expression or time zone, or never comes to pass. */
function cronOf(expression: string, timeZone: string | undefined): Cron {
  try {
    return new Cron(expression, { paused: true, mode: '5-part', ...(timeZone === undefined ? {} : { timezone: timeZone }) });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.replace(/^CronPattern: /, '') : String(thrown);
    throw new CairnError('bad_request', `${expression}: no cron expression (${why}); write minute, hour, day, month, weekday`, {
      cause: thrown,
    });
  }
}

/** @throws CairnError `bad_request` for a cron expression that can't be read or never comes to pass. */
export function checkTrigger(trigger: Trigger, nowMs: number): void {
  if (trigger.kind !== 'cron') return;
  let next: Date | null;
  try {
    next = cronOf(trigger.expression, trigger.timeZone).nextRun(new Date(nowMs));
  } catch (thrown) {
    if (thrown instanceof CairnError) throw thrown;
    throw new CairnError('bad_request', `${trigger.timeZone ?? trigger.expression}: no such time zone; write one such as Europe/Berlin`, {
      cause: thrown,
    });
  }
  if (!next) throw new CairnError('bad_request', `${trigger.expression}: it never comes to pass; check day and month`);
}

/**
 * What counts as the due time that was settled last where the clock was ahead when it was, so that a schedule is not silenced until that
 * time comes; undefined where all is well. One that goes by the wall isn't made to run twice by a clock that is set back within a day.
 */
export function settledAnew(trigger: Trigger, lastDueMs: number, nowMs: number): number | undefined {
  const aheadMs = trigger.kind === 'cron' ? dayMs : 0;
  return lastDueMs > nowMs + aheadMs ? nowMs : undefined;
}

/** The run that is due now, where one is. A watch is never due by the clock: its checkpoints are. */
export function dueNow(trigger: Trigger, memory: ScheduleMemory, nowMs: number): Due | undefined {
  const { lastDueMs: lastMs } = memory;
  if (trigger.kind === 'cron') return cronDue(cronOf(trigger.expression, trigger.timeZone), lastMs, nowMs);
  if (trigger.kind === 'interval') {
    const passed = Math.floor((nowMs - lastMs) / (trigger.minutes * minuteMs));
    return passed < 1 ? undefined : { dueMs: lastMs + passed * trigger.minutes * minuteMs, missed: Math.min(maxMissed, passed - 1) };
  }
  if (trigger.kind === 'idle') {
    const { idleSinceMs } = memory;
    // Made while the machine was idle already, it has not had its turn.
    if (idleSinceMs === undefined || (lastMs >= idleSinceMs && lastMs !== memory.createdMs)) return undefined;
    const dueMs = idleSinceMs + trigger.minutes * minuteMs;
    return dueMs <= nowMs ? { dueMs, missed: 0 } : undefined;
  }
  return undefined;
}

function cronDue(cron: Cron, lastMs: number, nowMs: number): Due | undefined {
  const first = cron.nextRun(new Date(lastMs));
  if (!first || first.getTime() > nowMs) return undefined;
  let [dueMs, missed] = [first.getTime(), 0];
  while (missed < maxMissed) {
    const next = cron.nextRun(new Date(dueMs));
    if (!next || next.getTime() > nowMs) return { dueMs, missed };
    dueMs = next.getTime();
    missed += 1;
  }
  return { dueMs: cron.previousRuns(1, new Date(nowMs + 1000))[0]?.getTime() ?? dueMs, missed };
}

/** The job that a watch started last, once it has ended. */
export interface EndedRun {
  job: string;
  state: EndState;
  endedMs: number;
  /** Of the checkpoints that it was about. */
  paths: readonly string[];
}

const retryMs = 60 * minuteMs;

/**
 * Why a watch leaves what it sees for now: the job before was about the same, and was cancelled, or failed not long ago. Otherwise it
 * would start again at every look what somebody has just stopped, or what can't succeed.
 */
export function reasonNotAgain(last: EndedRun | undefined, paths: readonly string[], nowMs: number): string | undefined {
  if (!last || (last.state !== 'cancelled' && last.state !== 'failed')) return undefined;
  if (!paths.every((path) => last.paths.includes(path))) return undefined;
  if (last.state === 'cancelled') return `job ${last.job} was cancelled; the next checkpoint, or Run now, starts another`;
  const passedMs = nowMs - last.endedMs;
  return passedMs >= 0 && passedMs < retryMs
    ? `job ${last.job} failed; it is tried again after an hour, or with the next checkpoint`
    : undefined;
}

/** The next due times after now; none for triggers that don't go by the clock. */
export function upcoming(trigger: Trigger, lastDueMs: number, nowMs: number, count: number): number[] {
  if (trigger.kind === 'cron') {
    const times = cronOf(trigger.expression, trigger.timeZone).nextRuns(count, new Date(nowMs));
    return times.map((time) => time.getTime());
  }
  if (trigger.kind !== 'interval') return [];
  const gapMs = trigger.minutes * minuteMs;
  const nextMs = lastDueMs + Math.max(1, Math.floor((nowMs - lastDueMs) / gapMs) + 1) * gapMs;
  return Array.from({ length: count }, (_, index) => nextMs + index * gapMs);
}

/**
 * Where now lies in quiet hours, when they end. They may go over midnight; equal times are the whole day round, which is none.
 *
 * @param timeZone by default that of the machine
 */
export function quietUntil(quiet: Policy['quiet'], nowMs: number, timeZone?: string): number | undefined {
  if (!quiet || quiet.from === quiet.to) return undefined;
  const now = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(nowMs);
  const within = quiet.from < quiet.to ? now >= quiet.from && now < quiet.to : now >= quiet.from || now < quiet.to;
  if (!within) return undefined;
  const [hour, minute] = quiet.to.split(':').map(Number);
  return cronOf(`${minute} ${hour} * * *`, timeZone).nextRun(new Date(nowMs))?.getTime();
}
