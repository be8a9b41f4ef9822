/**
 * An archive and what is asked for after it: a second proof of what it made, as the store gives it back later, and the release of
 * originals. It ends well only where every part did; otherwise it has failed, with the record of what it achieved.
 */
import { verifyParams } from '../../contract/methods.ts';
import type { Failure } from '../../contract/errors.ts';
import type { Finding } from '../../contract/model.ts';
import { withHooks } from '../hooks.ts';
import { FailedWith, type JobContext, type JobResult } from '../job.ts';
import { releaseOriginals } from '../release.ts';
import { verifyJob } from '../verify.ts';
import { archiveJob, type ArchiveParams } from './archive.ts';

/** @throws CairnError as its parts do; FailedWith where a checkpoint was not archived, verifying found something or a command failed */
export function archiveAndAfter(context: JobContext, params: ArchiveParams): Promise<JobResult> {
  return withHooks(context, params.hooks, () => archiveVerifyRelease(context, params));
}

async function archiveVerifyRelease(context: JobContext, params: ArchiveParams): Promise<JobResult> {
  const archived = await archiveJob(context, params);
  const verified = params.verifyAfter ? { ...archived, findings: await findingsOf(context, params, archived) } : archived;
  const damaged = damageOf((verified['findings'] ?? []) as Finding[], params.release !== undefined);
  if (damaged) {
    context.log('error', damaged.message);
    throw new FailedWith(damaged, verified);
  }
  const result = params.release ? { ...verified, ...(await releaseOriginals(context, params.release, params.paths)) } : verified;
  const left = leftOf(result['errors'] as Failure[], (result['snapshots'] as unknown[]).length);
  if (left) throw new FailedWith(left, result);
  return result;
}

async function findingsOf(context: JobContext, { threads }: ArchiveParams, archived: JobResult): Promise<Finding[]> {
  const made = (archived['snapshots'] as { id: string }[]).map(({ id }) => id);
  if (made.length === 0) return [];
  return (await verifyJob(context, verifyParams.parse({ snapshots: made, threads })))['findings'] as Finding[];
}

function damageOf(findings: readonly Finding[], releases: boolean): Failure | undefined {
  const [first] = findings;
  if (!first) return undefined;
  const others = findings.length > 1 ? ` and ${findings.length - 1} more` : '';
  const kept = releases ? '; no original was released' : '';
  return { code: 'damaged', message: `verifying found: ${first.message}${others}${kept}` };
}

function leftOf(errors: readonly Failure[], sealed: number): Failure | undefined {
  const [first] = errors;
  if (!first) return undefined;
  const more = [errors.length > 1 ? `${errors.length - 1} more failed` : '', sealed > 0 ? `${sealed} sealed` : ''].filter(Boolean);
  return { ...first, message: more.length > 0 ? `${first.message} (${more.join(', ')})` : first.message };
}
