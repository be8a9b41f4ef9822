/** Schedules: what is there, what they would do next, and what became of their runs. */
import { checkTrigger, upcoming } from '../../plan/schedule.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

type ScheduleMethods =
  'schedules.list' | 'schedules.save' | 'schedules.remove' | 'schedules.run' | 'schedules.history' | 'schedules.preview';

const previewed = 5;

export function scheduleHandlers(service: ServiceAccess): Pick<Handlers, ScheduleMethods> {
  const { scheduler } = service;
  return {
    'schedules.list': () => ({ schedules: scheduler.list(), evaluated: service.evaluatesSchedules() }),
    'schedules.save': ({ id, draft }) => ({ schedule: scheduler.save(draft, id) }),
    'schedules.remove': ({ id }) => {
      scheduler.remove(id);
      return {};
    },
    'schedules.run': ({ id }) => scheduler.runNow(id),
    'schedules.history': ({ id, limit }) => ({ runs: scheduler.history(id, limit) }),
    'schedules.preview': ({ trigger }) => {
      const nowMs = Date.now();
      checkTrigger(trigger, nowMs);
      return { upcoming: upcoming(trigger, nowMs, nowMs, previewed).map((time) => new Date(time).toISOString()) };
    },
  };
}
