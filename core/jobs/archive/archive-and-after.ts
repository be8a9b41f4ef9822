/**
 * An archive and what is asked for after it: a second proof of what it made, as the store gives it back later, the release of
 * originals, and what the run keeps in the store. It ends well only where every part did; otherwise it has failed, with the record of what it achieved.
 */
import { pruneParams, verifyParams } from '../../contract/methods.ts';
import type { Failure } from '../../contract/errors.ts';
import type { Finding } from '../../contract/model.ts';
import { damageOf } from '../damage.ts';
import { withHooks } from '../hooks.ts';
import { FailedWith, type JobContext, type JobResult } from '../job.ts';
import { releaseOriginals } from '../release.ts';
import { pruneJob } from '../retention.ts';
import { verifyJob } from '../verify.ts';
import { archiveJob, type ArchiveParams } from './archive.ts';

/** @throws CairnError as its parts do; FailedWith where a checkpoint was not archived, verifying found something or a command failed */
export function archiveAndAfter(context: JobContext, params: ArchiveParams): Promise<JobResult> {
  return withHooks(context, params.hooks, () => archiveVerifyRelease(context, params));
}

async function archiveVerifyRelease(context: JobContext, params: ArchiveParams): Promise<JobResult> {
  const archived = await archiveJob(context, params);
  const verified = params.verifyAfter ? { ...archived, findings: await findingsOf(context, params, archived) } : archived;
  const damaged = damageOf((verified['findings'] ?? []) as Finding[], params.release ? '; no original was released' : '');
  if (damaged) {
    context.log('error', damaged.message);
    throw new FailedWith(damaged, verified);
  }
  const { run, steps, paths, release } = params;
  const released = release ? { ...verified, ...(await releaseOriginals(context, { run, steps, ...release }, paths)) } : verified;
  const result = params.retention ? { ...released, pruned: await pruneRuns(context, params, archived) } : released;
  const left = leftOf(result['errors'] as Failure[], (result['snapshots'] as unknown[]).length);
  if (left) throw new FailedWith(left, result);
  return result;
}

/** Lets go of what the retention doesn't keep, in every run that something was archived from. */
async function pruneRuns(context: JobContext, { retention, threads }: ArchiveParams, archived: JobResult): Promise<JobResult[]> {
  const runs = new Set((archived['snapshots'] as { runPath: string }[]).map(({ runPath }) => runPath));
  const pruned: JobResult[] = [];
  for (const run of runs) pruned.push(await pruneJob(context, pruneParams.parse({ run, ...retention, threads })));
  return pruned;
}

async function findingsOf(context: JobContext, { threads }: ArchiveParams, archived: JobResult): Promise<Finding[]> {
  const made = (archived['snapshots'] as { id: string }[]).map(({ id }) => id);
  if (made.length === 0) return [];
  return (await verifyJob(context, verifyParams.parse({ snapshots: made, threads })))['findings'] as Finding[];
}

function leftOf(errors: readonly Failure[], sealed: number): Failure | undefined {
  const [first] = errors;
  if (!first) return undefined;
  const more = [errors.length > 1 ? `${errors.length - 1} more failed` : '', sealed > 0 ? `${sealed} sealed` : ''].filter(Boolean);
  return { ...first, message: more.length > 0 ? `${first.message} (${more.join(', ')})` : first.message };
}
