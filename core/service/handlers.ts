/** Every method of the contract, and who answers it. */
import type { Handlers } from './dispatcher.ts';
import type { ServiceAccess } from './handlers/access.ts';
import { analyseHandlers } from './handlers/analyse.ts';
import { benchHandlers } from './handlers/bench.ts';
import { jobHandlers } from './handlers/jobs.ts';
import { mannersHandlers } from './handlers/manners.ts';
import { scheduleHandlers } from './handlers/schedules.ts';
import { snapshotHandlers } from './handlers/snapshots.ts';
import { sourceHandlers } from './handlers/sources.ts';
import { storeHandlers } from './handlers/store.ts';

export function createHandlers(service: ServiceAccess): Handlers {
  return {
    ...sourceHandlers(service),
    ...snapshotHandlers(service),
    ...jobHandlers(service),
    ...scheduleHandlers(service),
    ...mannersHandlers(service),
    ...storeHandlers(service),
    ...benchHandlers(service),
    ...analyseHandlers(service),
  };
}
