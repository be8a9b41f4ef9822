/** What handlers reach of the service. */
import type { Catalogue } from '../../catalogue/catalogue.ts';
import type { Settings } from '../../catalogue/settings.ts';
import type { Manners } from '../../contract/model.ts';
import type { EventName, PayloadOf, ResultOf } from '../../contract/methods.ts';
import type { StageAccess } from '../../jobs/job.ts';
import type { JobQueue } from '../../jobs/queue.ts';
import type { Scheduler } from '../../jobs/scheduler.ts';
import type { SnapshotContents } from '../snapshot-contents.ts';
import type { SnapshotMirror } from '../snapshot-mirror.ts';
import type { StoreAccess } from '../store-access.ts';

export interface ServiceAccess {
  readonly catalogue: Catalogue;
  readonly settings: Settings;
  readonly store: StoreAccess;
  readonly mirror: SnapshotMirror;
  readonly queue: JobQueue;
  readonly scheduler: Scheduler;
  readonly stages: StageAccess;
  contents(): Promise<SnapshotContents>;
  setManners(manners: Manners): Promise<void>;
  /** Whether this service or another of the home that stays evaluates schedules. */
  evaluatesSchedules(): boolean;
  about(): ResultOf<'service.about'>;
  emit<E extends EventName>(event: E, payload: PayloadOf<E>): void;
}
