/** What the Schedules view says. */
import type { ScheduleRun, Trigger } from '../../core/contract/model.ts';
import { formatDateTime } from './figures.ts';

export const scheduleText = {
  title: 'Schedules',
  add: 'Add schedule',
  edit: 'Edit',
  editTitle: (name: string) => `Edit ${name}`,
  run: 'Run now',
  remove: 'Remove',
  removeTitle: (name: string) => `Remove ${name}`,
  removeDetail: 'The schedule and its history go. What it archived stays in the store.',
  save: 'Save',
  turnOn: 'Turn on',
  turnOff: 'Turn off',
  off: 'Off',
  none: 'No schedules yet',
  noneDetail:
    'A schedule archives in the background: as soon as a trainer has finished a checkpoint, at set times, or when the machine is idle.',
  next: 'Next',
  last: 'Last',
  upcoming: 'Upcoming',
  byEvent: { watch: 'when a checkpoint is finished', idle: 'when the machine is idle' },
  history: 'History',
  noHistory: 'It has not been due yet.',
  at: 'At',
  outcome: 'What became of it',
  folders: 'Folders',
  conditions: 'Policy',
  running: 'Running',
  showJob: 'Show job',
  outcomes: { started: 'Started', skipped: 'Skipped', 'put-off': 'Put off' } satisfies Record<ScheduleRun['outcome'], string>,
  started: (name: string) => `${name} started`,
  nothing: (name: string) => `${name}: nothing started`,
  cannot: 'The schedule could not be changed',
  cannotRun: 'The schedule could not be run',
  fields: {
    name: 'Name',
    folder: 'Folder',
    choose: 'Choose folder',
    when: 'When',
    kinds: {
      watch: 'When a checkpoint is finished',
      cron: 'At set times (cron)',
      interval: 'In an interval',
      idle: 'When the machine is idle',
    },
    cron: 'Minute, hour, day, month, weekday',
    timeZone: 'Time zone',
    timeZoneHint: 'of the machine',
    intervalMinutes: 'Every so many minutes',
    idleMinutes: 'Idle for so many minutes',
    runs: 'Runs (a pattern)',
    olderThan: 'Only older than, in minutes',
    leaveNewest: 'Leave the newest',
    keyframeEvery: 'Keyframe at the latest every',
    keyframeHint: '9 steps',
    method: 'Method',
    release: 'Remove originals that are sealed',
    releaseDetail: 'Only what is still, byte for byte, what was archived. Restore gives it back.',
    keepNewest: 'Keep the newest originals',
    placeholder: 'Leave a text file that says how to get each back',
    trash: 'Move them to the trash, which frees no space until it is emptied',
    before: 'Command before',
    after: 'Command after',
    hooksDetail:
      'A program and its arguments, one word a line. The job’s JSON is on standard input; a command that fails makes the job fail.',
    verifyAfter: 'Verify again afterwards',
    quietFrom: 'Quiet from',
    quietTo: 'Quiet until',
    threads: 'Threads',
    threadsHint: 'all',
    battery: 'Wait while on battery',
  },
};

export function triggerWords(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'watch':
      return scheduleText.fields.kinds.watch;
    case 'cron':
      return trigger.timeZone === undefined ? trigger.expression : `${trigger.expression} (${trigger.timeZone})`;
    case 'interval':
      return `Every ${trigger.minutes} min`;
    case 'idle':
      return `Idle for ${trigger.minutes} min`;
  }
}

/** The next times, or what the schedule waits for instead. */
export function upcomingWords(trigger: Trigger, upcoming: readonly string[]): string[] {
  if (trigger.kind === 'watch' || trigger.kind === 'idle') return [scheduleText.byEvent[trigger.kind]];
  return upcoming.map((time) => formatDateTime(Date.parse(time)));
}
