/** When a schedule runs, in words. */
import type { Trigger } from '../../core/contract/model.ts';
import { formatDateTime } from './figures.ts';
import { text } from './text.ts';

const words = text.schedules;

/** When a schedule runs, in a few words. */
export function triggerWords(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'watch':
      return words.fields.kinds.watch;
    case 'cron':
      return trigger.timeZone === undefined ? trigger.expression : `${trigger.expression} (${trigger.timeZone})`;
    case 'interval':
      return words.every(trigger.minutes);
    case 'idle':
      return words.idleFor(trigger.minutes);
  }
}

/** The next times, or what the schedule waits for instead. */
export function upcomingWords(trigger: Trigger, upcoming: readonly string[]): string[] {
  if (trigger.kind === 'watch' || trigger.kind === 'idle') return [words.byEvent[trigger.kind]];
  return upcoming.map((time) => formatDateTime(Date.parse(time)));
}
