/** What a click starts: each sends one call, enters the job it returns, and says so. Failures become toasts. */
import type { MethodName, ParamsOf, ResultOf } from '../../core/contract/methods.ts';
import type { Job, RunSummary, Snapshot, VerifyMode } from '../../core/contract/model.ts';
import { shell } from '../bridge/shell.ts';
import { text } from '../ui/text.ts';
import { dialogs } from './dialogs.svelte.ts';
import { jobs } from './jobs.svelte.ts';
import { neighbourOf, snapshotsOf } from './compare.svelte.ts';
import { hrefOf, place } from './route.svelte.ts';
import { service } from './service.svelte.ts';
import { toasts } from './toasts.svelte.ts';

type Starter = { [M in MethodName]: ResultOf<M> extends { job: Job } ? M : never }[MethodName];

/** Quietly: whoever asked shows by itself what becomes of it. */
interface Started {
  quietly?: boolean;
}

async function start<M extends Exclude<Starter, 'jobs.get'>>(
  method: M,
  params: ParamsOf<M>,
  { quietly = false }: Started = {},
): Promise<Job | undefined> {
  try {
    const { job } = (await service.call(method, params)) as { job: Job };
    jobs.put(job);
    if (quietly) jobs.hush(job.id);
    else
      toasts.show({
        tone: 'plain',
        title: text.jobs.wasStarted(job.title),
        about: job.id,
        link: { label: text.jobs.show, href: hrefOf({ view: 'jobs', id: job.id }) },
      });
    return job;
  } catch (thrown) {
    toasts.fail(text.jobs.cannotStart, thrown);
    return undefined;
  }
}

/** A prefix of a snapshot's id that names it beyond doubt, and still fits in a title. */
const nameOf = ({ id }: Snapshot): string => id.slice(0, 16);

/** What archives a run, or some steps of it: its folder, limited to its own name, since runs may lie in each other. */
export function archiveParamsOf(run: Pick<RunSummary, 'name' | 'path'>, steps?: number[]): ParamsOf<'archive.start'> {
  return { paths: [run.path], run: run.name, ...(steps ? { steps } : {}) };
}

export const archive = (params: ParamsOf<'archive.start'>): Promise<Job | undefined> => start('archive.start', params);

/** One job a run, so that each has its own progress and fails alone. */
export async function archiveRuns(runs: readonly RunSummary[]): Promise<void> {
  for (const run of runs) if ((await archive(archiveParamsOf(run))) === undefined) return;
}

export const verify = (snapshots: readonly Snapshot[] | undefined, mode: VerifyMode = 'data'): Promise<Job | undefined> =>
  start('verify.start', { snapshots: snapshots?.map(nameOf) ?? [], mode });

/** Restores; where files are in the way, the failure offers to ask again with overwriting. */
export async function restore(snapshot: Snapshot, params: Omit<ParamsOf<'restore.start'>, 'snapshot'>): Promise<void> {
  const job = await start('restore.start', { ...params, snapshot: nameOf(snapshot) });
  if (!job) return;
  const again = (): void => void (dialogs.open = { kind: 'restore', snapshot, tensor: params.tensor, to: params.to });
  jobs.onFailure(job.id, (ended) => (ended.error?.code === 'exists' ? { label: text.restore.overwriteAgain, run: again } : undefined));
}

export const remove = (snapshots: readonly Snapshot[]): Promise<Job | undefined> =>
  start('remove.start', { snapshots: snapshots.map(nameOf) });
export const rebuild = (): Promise<Job | undefined> => start('rebuild.start', {});
/** @param parity whether it is kept from now on; absent: as it is */
export const repair = (parity?: boolean): Promise<Job | undefined> => start('repair.start', parity === undefined ? {} : { parity });
export const prune = (params: ParamsOf<'prune.start'>, how: Started = {}): Promise<Job | undefined> => start('prune.start', params, how);

/** Adds a schedule that verifies a quarter of the store every week. */
export async function verifyWeekly(): Promise<void> {
  const draft = {
    name: text.store.weekly,
    work: { kind: 'verify' as const, percent: 25 },
    paths: [],
    trigger: { kind: 'cron' as const, expression: '0 3 * * 0' },
  };
  try {
    await service.call('schedules.save', { draft });
    toasts.show({ tone: 'good', title: text.store.weeklyIsOn, link: { label: text.setup.show, href: hrefOf({ view: 'schedules' }) } });
  } catch (thrown) {
    toasts.fail(text.schedules.cannot, thrown);
  }
}

/** Opens the comparison of a snapshot with the one before it in its run. */
export async function compareWithNeighbour(snapshot: Snapshot): Promise<void> {
  try {
    const other = neighbourOf(snapshot, await snapshotsOf(snapshot.runPath));
    if (other) place.go({ view: 'compare', a: other.id, b: snapshot.id });
    else toasts.show({ tone: 'plain', title: text.compare.alone });
  } catch (thrown) {
    toasts.fail(text.compare.cannotList, thrown);
  }
}

/** Pinned snapshots can't be deleted. */
export async function pin(snapshots: readonly Snapshot[], pinned: boolean): Promise<void> {
  try {
    await service.call('snapshots.pin', { snapshots: snapshots.map(({ id }) => id), pinned });
  } catch (thrown) {
    toasts.fail(text.run.cannotPin, thrown);
  }
}

/** On the desktop: shows in the system's file manager what a restore wrote. */
export const showRestored = (job: Job): Promise<void> =>
  steer(text.jobs.cannotShowRestored, () => Promise.resolve(shell()?.showRestored(job.id)));

export const retry = (job: Job): Promise<Job | undefined> => start('jobs.retry', { id: job.id });

export async function cancel(job: Job): Promise<void> {
  try {
    await service.call('jobs.cancel', { id: job.id });
  } catch (thrown) {
    toasts.fail(text.jobs.cannotCancel, thrown);
  }
}

/** A call that answers nothing; what goes wrong becomes a toast. */
async function steer(title: string, calling: () => Promise<unknown>): Promise<void> {
  try {
    await calling();
  } catch (thrown) {
    toasts.fail(title, thrown);
  }
}

/** When a pause ends by itself. */
export type PauseEnd = Pick<ParamsOf<'jobs.pause'>, 'forMinutes' | 'until'>;

/** Pauses a job, or everything; without an end until it is resumed. */
export const pause = (job: Job | undefined, end: PauseEnd = {}): Promise<void> =>
  steer(text.jobs.cannotPause, () => service.call('jobs.pause', { ...(job ? { id: job.id } : {}), ...end }));

export const resume = (job: Job | undefined): Promise<void> =>
  steer(text.jobs.cannotResume, () => service.call('jobs.resume', job ? { id: job.id } : {}));

export const move = (job: Job, to: ParamsOf<'jobs.move'>['to']): Promise<void> =>
  steer(text.jobs.cannotMove, () => service.call('jobs.move', { id: job.id, to }));
