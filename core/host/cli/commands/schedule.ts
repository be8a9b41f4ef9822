/** `cairn schedule`: the same schedules that the desktop shows. They run while the desktop or `cairn serve` does. */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { CairnError } from '../../../contract/errors.ts';
import type { ParamsOf } from '../../../contract/methods.ts';
import {
  codingMethod,
  type CodingMethod,
  type Hooks,
  type Retention,
  type ScheduleRun,
  type ScheduleView,
  type Trigger,
  type Work,
} from '../../../contract/model.ts';
import { percentage, quietHours, wholeNumber } from '../arguments.ts';
import { followJob, tellEnd } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { localTime } from '../printable.ts';
import { addReleaseOptions, releaseOf, type ReleaseOptions } from '../release-options.ts';
import { addRetentionOptions, retentionOf } from '../retention-options.ts';
import { exitCodes, type Session } from '../session.ts';

interface AddOptions extends Retention, ReleaseOptions {
  replace?: boolean;
  verifyStore?: number | true;
  cron?: string;
  timeZone?: string;
  every?: number;
  idle?: number;
  runs?: string;
  olderThan?: number;
  leaveNewest?: number;
  keyframeEvery?: number;
  method: CodingMethod;
  verify?: boolean;
  quiet?: { from: string; to: string };
  threads?: number;
  onBattery?: boolean;
  before?: string[];
  after?: string[];
  hookMinutes: number;
}

export function addSchedule(root: Command, actions: Actions): void {
  const schedule = root.command('schedule').description('archive in the background; runs while the desktop or cairn serve does');
  addAdding(schedule, actions);
  const list = schedule.command('ls').description('list schedules with their next runs');
  list.action(() => actions.run(list, show));
  const history = schedule.command('history').description('what became of a schedule’s runs').argument('<name>', 'a schedule');
  history.action((name: string) => actions.run(history, (session) => tell(session, name)));
  const remove = schedule.command('rm').description('remove a schedule; what it archived stays').argument('<name>', 'a schedule');
  remove.action((name: string) => actions.run(remove, (session) => forget(session, name)));
  for (const [word, enabled] of [
    ['on', true],
    ['off', false],
  ] as const) {
    const turn = schedule.command(word).description(`turn a schedule ${word}`).argument('<name>', 'a schedule');
    turn.action((name: string) => actions.run(turn, (session) => turnTo(session, name, enabled)));
  }
  const run = schedule.command('run').description('run a schedule now').argument('<name>', 'a schedule');
  run.action((name: string) => actions.run(run, (session) => runNow(session, name)));
}

function addAdding(schedule: Command, actions: Actions): void {
  const add = schedule
    .command('add')
    .description('add a schedule; without --cron, --every or --idle it watches for finished checkpoints')
    .argument('<name>', 'what to call it')
    .argument('[path...]', 'folders with runs; none with --verify-store')
    .option('--verify-store [percent]', 'decode the store, or so much of it each time, instead of archiving', percentage)
    .option('--replace', 'in place of the schedule of this name, whose history stays')
    .option('--cron <expression>', 'minute, hour, day, month, weekday')
    .option('--time-zone <zone>', 'of --cron, such as Europe/Berlin (default: the machine’s)')
    .option('--every <minutes>', 'run in this interval', wholeNumber(1, 525_600))
    .option('--idle <minutes>', 'run when the machine had little to do for so long', wholeNumber(1, 1440))
    .option('--runs <pattern>', 'only runs whose names fit, such as "ft-*"')
    .option('--older-than <minutes>', 'only checkpoints older than this', wholeNumber(0, 10_000_000))
    .option('--leave-newest <number>', 'leave the newest so many checkpoints of every run', wholeNumber(0, 1_000_000))
    .option('--keyframe-every <steps>', 'store one whole at the latest every so many steps', wholeNumber(1, 9))
    .addOption(new Option('--method <method>', 'how tensors are coded').choices(codingMethod.options).default('cairn'))
    .option('--verify', 'decode every new snapshot once more at the end')
    .option('--quiet <from-to>', 'no work between these times of day, such as 08:00-18:00', quietHours)
    .option('--threads <number>', 'threads to use', wholeNumber(1, 256));
  addReleaseOptions(add);
  add
    .option('--on-battery', 'work on battery too')
    .option(
      '--before <word...>',
      'a program and its arguments to run before each job, with the job’s JSON on its standard input; no shell reads them',
    )
    .option('--after <word...>', 'likewise after each job, also where it failed')
    .option('--hook-minutes <number>', 'how long each of the two may take', wholeNumber(1, 1440), 10);
  addRetentionOptions(add);
  add.action((name: string, paths: string[], options: AddOptions) => {
    if ([options.cron, options.every, options.idle].filter((given) => given !== undefined).length > 1)
      add.error('error: give one of --cron, --every and --idle', { exitCode: exitCodes.usage });
    if (paths.length === 0 && options.verifyStore === undefined)
      add.error('error: name the folders to archive, or give --verify-store', { exitCode: exitCodes.usage });
    return actions.run(add, (session) => save(session, name, paths, options));
  });
}

function triggerOf({ cron, timeZone, every, idle }: AddOptions): Trigger {
  if (cron !== undefined) return { kind: 'cron', expression: cron, ...(timeZone === undefined ? {} : { timeZone }) };
  if (every !== undefined) return { kind: 'interval', minutes: every };
  return idle === undefined ? { kind: 'watch' } : { kind: 'idle', minutes: idle };
}

async function save({ client, out }: Session, name: string, paths: string[], options: AddOptions): Promise<number> {
  const { runs, olderThan, leaveNewest, keyframeEvery, method, verify, quiet, threads, onBattery } = options;
  const policy: ParamsOf<'schedules.save'>['draft']['policy'] = {
    runs,
    olderThanMinutes: olderThan,
    leaveNewest,
    keyframeEvery,
    method,
    verifyAfter: verify,
    quiet,
    threads,
    release: releaseOf(options),
    battery: onBattery ? 'ignore' : 'wait',
    hooks: hooksOf(options),
    retention: retentionOf(options),
  };
  const { verifyStore } = options;
  const work: Work =
    verifyStore === undefined ? { kind: 'archive' } : { kind: 'verify', percent: verifyStore === true ? 100 : verifyStore };
  const draft = { name, work, paths: paths.map((folder) => path.resolve(folder)), trigger: triggerOf(options), policy };
  const before = options.replace ? (await client.call('schedules.list', {})).schedules.find((one) => one.name === name) : undefined;
  if (options.replace && !before) throw new CairnError('not_found', `${name}: no such schedule; see cairn schedule ls`);
  const { schedule } = await client.call('schedules.save', { draft, ...(before ? { id: before.id } : {}) });
  const { schedules, evaluated } = await client.call('schedules.list', {});
  const added = schedules.find(({ id }) => id === schedule.id)!;
  out.line(`${name}: ${words(added.trigger)}${added.upcoming[0] ? `, next ${localTime(added.upcoming[0])}` : ''}`);
  if (!evaluated) out.line(nobodyRuns);
  out.summary({ schedule: added });
  return exitCodes.done;
}

function hooksOf({ before, after, hookMinutes }: AddOptions): Hooks | undefined {
  return before || after ? { before, after, timeoutMinutes: hookMinutes } : undefined;
}

function words(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'watch':
      return 'when a checkpoint is finished';
    case 'cron':
      return `${trigger.expression}${trigger.timeZone === undefined ? '' : ` (${trigger.timeZone})`}`;
    case 'interval':
      return `every ${trigger.minutes} min`;
    case 'idle':
      return `when idle for ${trigger.minutes} min`;
  }
}

const outcome = ({ outcome: what, reason }: ScheduleRun): string => `${what}${reason === undefined ? '' : `: ${reason}`}`;

/** Otherwise a next time would promise what doesn't come. */
const nobodyRuns = 'nothing runs schedules now; the desktop does while it is open, cairn serve, or cairn service install for good';

async function show({ client, out }: Session): Promise<number> {
  const { schedules, evaluated } = await client.call('schedules.list', {});
  out.table(
    ['schedule', 'runs', 'next', 'last', 'what became of it'],
    schedules.map(({ name, enabled, trigger, upcoming: [next], last }) => [
      name,
      enabled ? words(trigger) : 'off',
      next === undefined ? '' : localTime(next),
      last ? localTime(last.at) : '',
      last ? outcome(last) : '',
    ]),
  );
  out.line(`${schedules.length} ${schedules.length === 1 ? 'schedule' : 'schedules'}`);
  if (!evaluated && schedules.some(({ enabled }) => enabled)) out.line(nobodyRuns);
  for (const schedule of schedules) out.record('schedule', schedule);
  out.summary({ schedules, evaluated });
  return exitCodes.done;
}

async function found({ client }: Session, name: string): Promise<ScheduleView | { id: string }> {
  const { schedules } = await client.call('schedules.list', {});
  return schedules.find((schedule) => schedule.name === name || schedule.id === name) ?? { id: name };
}

async function turnTo(session: Session, name: string, enabled: boolean): Promise<number> {
  const { client, out } = session;
  const { schedules } = await client.call('schedules.list', {});
  const kept = schedules.find((one) => one.name === name || one.id === name);
  if (!kept) throw new CairnError('not_found', `${name}: no such schedule; see cairn schedule ls`);
  const { id, work, paths, trigger, policy } = kept;
  const { schedule } = await client.call('schedules.save', { id, draft: { name: kept.name, work, paths, trigger, policy, enabled } });
  out.line(`${kept.name}: ${enabled ? 'on' : 'off'}`);
  out.summary({ schedule });
  return exitCodes.done;
}

async function tell(session: Session, name: string): Promise<number> {
  const { client, out } = session;
  const { runs } = await client.call('schedules.history', { id: (await found(session, name)).id });
  out.table(
    ['at', 'due', 'what became of it'],
    runs.map((run) => [localTime(run.at), localTime(run.due), outcome(run)]),
  );
  for (const run of runs) out.record('run', run);
  out.summary({ runs });
  return exitCodes.done;
}

async function forget(session: Session, name: string): Promise<number> {
  const { id } = await found(session, name);
  await session.client.call('schedules.remove', { id });
  session.out.line(`${name}: removed`);
  session.out.summary({ removed: id });
  return exitCodes.done;
}

async function runNow(session: Session, name: string): Promise<number> {
  const { client, out } = session;
  const { job: started, reason } = await client.call('schedules.run', { id: (await found(session, name)).id });
  if (!started) {
    out.line(`${name}: ${reason}`);
    out.summary({ reason });
    return exitCodes.done;
  }
  return tellEnd(session, await followJob(session, () => Promise.resolve({ job: started })));
}
